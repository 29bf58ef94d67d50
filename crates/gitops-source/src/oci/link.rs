//! `Link` headers, by which a registry says where the next page is (RFC 8288, as the distribution specification uses it).

/// Returns the target of the first link whose relation is `next`, or which has no relation.
///
/// # Errors
/// What is wrong with the header, when it is no list of links.
pub(super) fn next(header: &str) -> Result<Option<&str>, &'static str> {
    let mut rest = header.trim();
    while !rest.is_empty() {
        let inside = rest.strip_prefix('<').ok_or("a link does not begin with '<'")?;
        let (target, after) = inside.split_once('>').ok_or("a link does not end with '>'")?;
        let (parameters, after) = split_link(after);
        let relation = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
        });
        let is_next =
            |relations: &str| relations.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case("next"));
        if relation.is_none_or(is_next) {
            return Ok(Some(target.trim()));
        }
        rest = after.trim_start();
    }
    Ok(None)
}

/// Splits the parameters of one link from the links behind it; a comma inside of quotes belongs to a parameter.
fn split_link(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::next;

    fn check(header: &str, want: Result<Option<&str>, &'static str>) {
        assert_eq!(next(header), want, "{header}");
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        check("", Ok(None));
        check("</v2/a/tags/list?n=2&last=b>; rel=\"next\"", Ok(Some("/v2/a/tags/list?n=2&last=b")));
        check("<https://a.example/x>;rel=next", Ok(Some("https://a.example/x")));
        check("</x>", Ok(Some("/x")));
        check("</a>; rel=\"first\", </b>; rel=\"next\"", Ok(Some("/b")));
        check("</a>; title=\"a, b; rel=next\"; REL=\"prev next\"", Ok(Some("/a")));
        check("</a>; rel=prev", Ok(None));
        check("</a?x=1,2>; rel=next", Ok(Some("/a?x=1,2")));
        check("/a; rel=next", Err("a link does not begin with '<'"));
        check("</a; rel=next", Err("a link does not end with '>'"));
    }
}
