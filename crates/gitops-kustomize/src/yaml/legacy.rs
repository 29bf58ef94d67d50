//! Which texts YAML 1.1 would not read as text.
//!
//! Kustomize quotes a string when an older reader could take it for something else.

use super::resolve::{Resolved, resolve};

/// Tells whether a YAML 1.1 reader (Go's yaml.v2) takes the bare text for anything but a string; it leaves dates alone.
pub(crate) fn is_not_text(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') {
        return false;
    }
    is_old_bool(text)
        || collection(text)
        || !matches!(resolve(text), Resolved::Str | Resolved::Timestamp(_))
        || comment_only(text)
}

/// Tells whether the text is a boolean in YAML 1.1 alone.
pub(crate) fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// Tells whether the text looks like a number in base 60, which yaml.v3 quotes.
pub(crate) fn is_base_60(text: &str) -> bool {
    // ^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !rest.starts_with(|first: char| first.is_ascii_digit()) || !rest.contains(':') {
        return false;
    }
    let (whole, fraction) = rest.split_once('.').map_or((rest, ""), |(whole, fraction)| (whole, fraction));
    let mut parts = whole.split(':');
    let head = parts.next().unwrap_or_default();
    head.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && parts.all(|part| match part.as_bytes() {
            [ones] => ones.is_ascii_digit(),
            [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
            _ => false,
        })
}

/// Text that is a map or a list when it is read as a document.
fn collection(text: &str) -> bool {
    let flow =
        (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'));
    flow || text == "-"
        || text.starts_with("- ")
        || text.ends_with(':') && !text.starts_with(['"', '\''])
        || {
            // `a: b` is a mapping; quoting it here or when printing comes to the same.
            text.contains(": ")
                && !text.starts_with(['"', '\'', '{', '[', '&', '*', '!', '|', '>', '%', '@', '`'])
        }
}

fn comment_only(text: &str) -> bool {
    text.starts_with('#')
}
