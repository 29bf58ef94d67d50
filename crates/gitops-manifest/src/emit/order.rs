//! The order in which Go's YAML printer sorts the keys of a map.

use std::iter::Peekable;

/// Sorts entries by their keys as go-yaml does: numbers inside of keys by value, so `a9` before `a10`.
///
/// go-yaml's order is not total for keys with numbers beyond 64 bits, and the sorts of std may panic then;
/// this merge sort never does.
pub(super) fn sort<'a, V: Copy + 'a>(entries: Vec<(&'a str, V)>) -> Vec<(&'a str, V)> {
    let mut runs: Vec<Vec<(&'a str, V)>> = entries.into_iter().map(|entry| vec![entry]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            match pairs.next() {
                Some(right) => merged.push(merge(left, right)),
                None => merged.push(left),
            }
        }
        runs = merged;
    }
    runs.pop().unwrap_or_default()
}

fn merge<'a, V: Copy + 'a>(left: Vec<(&'a str, V)>, right: Vec<(&'a str, V)>) -> Vec<(&'a str, V)> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let Some(take_right) = right_is_next(&mut left, &mut right) {
        out.extend(if take_right { right.next() } else { left.next() });
    }
    out
}

fn right_is_next<'a, V: 'a>(
    left: &mut Peekable<impl Iterator<Item = (&'a str, V)>>,
    right: &mut Peekable<impl Iterator<Item = (&'a str, V)>>,
) -> Option<bool> {
    match (left.peek(), right.peek()) {
        (None, None) => None,
        (Some(_), None) => Some(false),
        (None, Some(_)) => Some(true),
        (Some((l, _)), Some((r, _))) => Some(less(r, l)),
    }
}

/// Returns whether `a` sorts before `b`: where they first differ, other characters before digits before
/// letters, and digits by the number they belong to.
pub(super) fn less(a: &str, b: &str) -> bool {
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    // Back to a character's start, which is the same in both.
    let mut at = same;
    while !a.is_char_boundary(at) || !b.is_char_boundary(at) {
        at -= 1;
    }
    let (Some(x), Some(y)) = (a[at..].chars().next(), b[at..].chars().next()) else {
        return a.len() < b.len();
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x < y,
        (false, false) => {}
        (_, second) => return second,
    }
    // A zero that follows other digits of the same number counts as a digit, a leading one does not.
    let mut start = 0;
    if x == '0' || y == '0' {
        let before = a[..at].chars().rev().take_while(|c| is_digit(*c));
        start = i64::from(before.into_iter().any(|c| c != '0'));
    }
    let (m, m_len) = number(&a[at..], start);
    let (n, n_len) = number(&b[at..], start);
    if m != n {
        m < n
    } else if m_len != n_len {
        m_len < n_len
    } else {
        x < y
    }
}

/// Returns the number at the start of a text and how many digits it has; it wraps as Go's does.
fn number(text: &str, start: i64) -> (i64, usize) {
    let (mut value, mut len) = (start, 0);
    for c in text.chars().take_while(|c| is_digit(*c)) {
        value = value.wrapping_mul(10).wrapping_add(i64::from(u32::from(c)) - i64::from(b'0'));
        len += 1;
    }
    (value, len)
}

/// Digits of other scripts do not occur in keys; they are no digits here.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}
