//! Names of fields as identifiers (`k8s.io/apiserver/pkg/cel/escaping.go`).

use crate::cel::parse::RESERVED;

/// Returns the identifier of a field; none when it can have none.
pub(in crate::cel) fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("__") {
            out.push_str("__underscores__");
            rest = after;
            continue;
        }
        match c {
            '.' => out.push_str("__dot__"),
            '-' => out.push_str("__dash__"),
            '/' => out.push_str("__slash__"),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => out.push(c),
            _ => return None,
        }
        rest = &rest[c.len_utf8()..];
    }
    Some(out)
}

/// Returns the identifier of a field by what follows a dot: reserved words need no escape there.
pub(in crate::cel) fn after_dot(name: &str) -> Option<String> {
    RESERVED.contains(&name).then(|| format!("__{name}__"))
}

#[cfg(test)]
mod tests {
    use super::escape;

    fn check(name: &str, want: Option<&str>) {
        assert_eq!(escape(name).as_deref(), want, "{name}");
    }

    #[test]
    fn names_become_identifiers() {
        check("a", Some("a"));
        check("a-b.c/d", Some("a__dash__b__dot__c__slash__d"));
        check("a__b", Some("a__underscores__b"));
        check("in", Some("__in__"));
        check("self", Some("self"));
        check("1a", None);
        check("", None);
        check("a b", None);
    }
}
