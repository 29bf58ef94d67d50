//! What is checked before the text is parsed.

use super::ParseOptions;
use super::text::Text;
use crate::error::ParseError;

/// Refuses the characters that YAML forbids everywhere, as go-yaml's reader does.
pub(super) fn characters(text: &Text<'_>) -> Result<(), ParseError> {
    let bytes = text.content.as_bytes();
    // One look at every byte finds the few that deserve a second one: controls, DEL, and the lead bytes of
    // U+0080 to U+00BF and of U+F000 to U+FFFF.
    let suspect =
        |b: &u8| (*b < 0x20 && !matches!(*b, b'\n' | b'\r' | b'\t')) || matches!(*b, 0x7f | 0xc2 | 0xef);
    let mut from = 0;
    while let Some(found) = bytes[from..].iter().position(suspect) {
        let at = from + found;
        let Some(c) = text.content[at..].chars().next() else { break };
        let allowed = match c {
            '\u{85}' => true,
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
            _ => true,
        };
        if !allowed {
            let reason = format!("the character U+{:04X} is not allowed in YAML", u32::from(c));
            return Err(ParseError::Character { at: text.position(at), reason });
        }
        from = at + c.len_utf8();
    }
    Ok(())
}

/// Refuses content on the line of a document separator, and too many documents.
///
/// kubectl and kustomize part documents before YAML is parsed, at every line that begins with `---`, and
/// allow no more than a comment after it; kustomize does not look at the first line.
pub(super) fn separators(text: &Text<'_>, options: &ParseOptions) -> Result<(), ParseError> {
    let content = text.content;
    let mut count = 0;
    let first = content.starts_with("---").then_some(0);
    let later = content.match_indices("\n---").map(|(at, _)| at + 1);
    for at in first.into_iter().chain(later) {
        count += 1;
        if count > options.limits.documents {
            let limit = options.limits.documents;
            return Err(ParseError::Limit { at: text.position(at), limit, what: "documents" });
        }
        if at == 0 && options.resolver == crate::Resolver::Kustomize {
            continue;
        }
        let rest = &content[at + 3..];
        let rest = rest[..rest.find('\n').unwrap_or(rest.len())].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            let reason = "only a comment may follow --- on its line".to_owned();
            return Err(ParseError::Syntax { at: text.position(at), reason });
        }
    }
    Ok(())
}
