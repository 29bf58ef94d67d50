//! Templates of Go's `Regexp.Expand`.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::Captures;

/// Go's letters and digits, which are not those that Rust calls alphabetic.
static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}_]+").expect("because the pattern is fixed and valid"));

pub(super) fn expand(template: &str, captures: &Captures<'_, '_>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = name(rest) {
            let value = match number(name) {
                Some(group) => captures.get(group),
                None => captures.name(name),
            };
            out.push_str(value.unwrap_or_default());
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

/// Returns the name behind a dollar and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{');
    let start = inner.unwrap_or(text);
    let (name, after) = start.split_at(WORD.find(start)?.end());
    match inner {
        Some(_) => Some((name, after.strip_prefix('}')?)),
        None => Some((name, after)),
    }
}

/// Returns the group that a name counts, if it is a number: without leading zeros, and as far as Go reads one.
fn number(name: &str) -> Option<usize> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = name.len() > 1 && name.starts_with('0');
    if !digits || leading_zero || name.len() > 9 { None } else { name.parse().ok() }
}
