//! The bounds of a counted repetition.

/// Reads `{2}`, `{2,}` or `{2,3}`: the bounds, none for one that is too large to count, and what follows.
///
/// Anything else is literal text.
#[allow(clippy::type_complexity)] // both bounds and the rest, used once
pub(super) fn counted(text: &str) -> Option<(Option<u32>, Option<u32>, &str)> {
    let (min, rest) = integer(text.strip_prefix('{')?)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, min, rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = integer(rest)?;
    let rest = rest.strip_prefix('}')?;
    Some((min.and(max).and(min), max, rest))
}

/// Reads a number without leading zeros; none inside where it is too large.
fn integer(text: &str) -> Option<(Option<u32>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().ok(), rest))
}
