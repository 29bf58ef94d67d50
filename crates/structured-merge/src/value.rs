//! Order, equality and text of JSON values, as Kubernetes compares them.
//!
//! Numbers compare by value: `1` and `1.0` are one number. Values of different kinds are ordered
//! number, string, boolean, list, map, null.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use serde_json::{Map, Number, Value};

/// How deep values, field sets and schemas may be nested.
///
/// `serde_json` reads at most 128 levels; anything deeper was built by a program.
pub const MAX_DEPTH: usize = 256;

/// Compares two values in Kubernetes' total order.
///
/// ```
/// use serde_json::json;
/// use structured_merge::compare_values;
/// assert!(compare_values(&json!(1), &json!(1.0)).is_eq());
/// assert!(compare_values(&json!(2), &json!("1")).is_lt());
/// assert!(compare_values(&json!({}), &json!(null)).is_lt());
/// ```
#[must_use]
pub fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => a
            .iter()
            .zip(b)
            .map(|(a, b)| compare_values(a, b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| a.len().cmp(&b.len())),
        (Value::Object(a), Value::Object(b)) => compare_maps(a, b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Returns true if both values are the same, numbers compared by value.
#[must_use]
pub fn equal_values(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal_values(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && zip_sorted(a, b).all(|(_, a, b)| match (a, b) {
                    (Some(a), Some(b)) => equal_values(a, b),
                    _ => false,
                })
        }
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Null, Value::Null) => true,
        _ => false,
    }
}

/// Returns true if the value is nested no deeper than [`MAX_DEPTH`].
pub(crate) fn is_shallow(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(items) => left > 0 && items.iter().all(|item| is_shallow(item, left - 1)),
        Value::Object(map) => left > 0 && map.values().all(|item| is_shallow(item, left - 1)),
        _ => true,
    }
}

/// Iterates over the keys of two maps together, in the order of the keys.
pub(crate) fn zip_sorted<'a>(
    a: &'a Map<String, Value>,
    b: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a String, Option<&'a Value>, Option<&'a Value>)> {
    let (mut a, mut b) = (SortedEntries::new(a).peekable(), SortedEntries::new(b).peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (None, None) => None,
        (Some(_), None) => a.next().map(|(key, value)| (key, Some(value), None)),
        (None, Some(_)) => b.next().map(|(key, value)| (key, None, Some(value))),
        (Some((ka, _)), Some((kb, _))) => match ka.cmp(kb) {
            Ordering::Less => a.next().map(|(key, value)| (key, Some(value), None)),
            Ordering::Greater => b.next().map(|(key, value)| (key, None, Some(value))),
            Ordering::Equal => {
                let right = b.next().map(|(_, value)| value);
                a.next().map(|(key, value)| (key, Some(value), right))
            }
        },
    })
}

/// Whether maps keep their entries in the order of the keys, so that nobody need look: found out from one that
/// was filled the other way round.
static MAPS_ARE_SORTED: LazyLock<bool> = LazyLock::new(|| {
    let map: Map<String, Value> = ["b", "a"].map(|key| (key.to_owned(), Value::Null)).into_iter().collect();
    map.keys().is_sorted()
});

/// The entries of a map in the order of their keys, whether or not `serde_json` keeps them so
/// (its feature `preserve_order` may be switched on by any crate of a build).
enum SortedEntries<'a> {
    AsStored(serde_json::map::Iter<'a>),
    Sorted(std::vec::IntoIter<(&'a String, &'a Value)>),
}

impl<'a> SortedEntries<'a> {
    fn new(map: &'a Map<String, Value>) -> Self {
        if *MAPS_ARE_SORTED || map.keys().is_sorted() {
            return Self::AsStored(map.iter());
        }
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        Self::Sorted(entries.into_iter())
    }
}

impl<'a> Iterator for SortedEntries<'a> {
    type Item = (&'a String, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::AsStored(entries) => entries.next(),
            Self::Sorted(entries) => entries.next(),
        }
    }
}

/// Iterates over the entries of a map in the order of their keys.
pub(crate) fn sorted_entries(map: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    SortedEntries::new(map)
}

/// Hashes a value so that equal values (numbers by value) have equal hashes.
pub(crate) fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    rank(value).hash(state);
    match value {
        Value::Null => {}
        Value::Bool(value) => value.hash(state),
        Value::Number(number) => match Exact::from(number) {
            Exact::Integer(number) => number.hash(state),
            Exact::Float(number) => number.to_bits().hash(state),
        },
        Value::String(value) => value.hash(state),
        Value::Array(items) => items.iter().for_each(|item| hash_value(item, state)),
        Value::Object(map) => {
            for (key, value) in sorted_entries(map) {
                key.hash(state);
                hash_value(value, state);
            }
        }
    }
}

/// Writes a value as people read it in paths: strings quoted, numbers as Go prints them.
pub(crate) fn write_text(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(value) => write_quoted(value, out),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_text(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            for (key, value) in sorted_entries(map) {
                out.push_str(key);
                out.push('=');
                write_text(value, out);
            }
        }
    }
}

/// Writes a value as JSON in the form that the API server stores in FieldsV1: no spaces, and `<`,
/// `>`, `&` escaped as Go's encoder does.
pub(crate) fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) => write_text(value, out),
        Value::Number(number) => write_number(number, out),
        Value::String(value) => write_json_string(value, Escape::Html, out),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (position, (key, value)) in sorted_entries(map).enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_json_string(key, Escape::Html, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

/// Which characters of a JSON string are escaped beside those that must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// None.
    Plain,
    /// `<`, `>`, `&` and the two Unicode line separators.
    Html,
}

/// Writes a JSON string with its quotes.
pub(crate) fn write_json_string(text: &str, escape: Escape, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20
                || (escape == Escape::Html && matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')) =>
            {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Writes a string in double quotes, as Go's `%q` does.
pub(crate) fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' ' => out.push(' '),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() || c.is_whitespace() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_number(number: &Number, out: &mut String) {
    match Exact::from(number) {
        Exact::Integer(integer) if integer.unsigned_abs() < 10_u128.pow(21) => {
            let _ = write!(out, "{integer}");
        }
        Exact::Integer(_) | Exact::Float(_) => {
            let float = number.as_f64().unwrap_or_default();
            if float != 0.0 && !(1e-6..1e21).contains(&float.abs()) {
                // Rust writes 1e21 and 1e-7 where Go writes 1e+21 and 1e-7.
                let text = format!("{float:e}");
                match text.split_once('e') {
                    Some((digits, exponent)) if !exponent.starts_with('-') => {
                        let _ = write!(out, "{digits}e+{exponent}");
                    }
                    _ => out.push_str(&text),
                }
            } else {
                let _ = write!(out, "{float}");
            }
        }
    }
}

/// A number without rounding: whole numbers as integers, the others as they are.
enum Exact {
    Integer(i128),
    Float(f64),
}

impl From<&Number> for Exact {
    fn from(number: &Number) -> Self {
        if let Some(integer) = number.as_i64() {
            return Self::Integer(i128::from(integer));
        }
        if let Some(integer) = number.as_u64() {
            return Self::Integer(i128::from(integer));
        }
        let float = number.as_f64().unwrap_or_default();
        if float.fract() == 0.0 && float.abs() < 1e36 {
            #[expect(clippy::cast_possible_truncation, reason = "whole and smaller than 2^127")]
            return Self::Integer(float as i128);
        }
        Self::Float(float)
    }
}

fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    match (Exact::from(a), Exact::from(b)) {
        (Exact::Integer(a), Exact::Integer(b)) => a.cmp(&b),
        (Exact::Float(a), Exact::Float(b)) => a.total_cmp(&b),
        (Exact::Integer(a), Exact::Float(b)) => compare_with_float(a, b),
        (Exact::Float(a), Exact::Integer(b)) => compare_with_float(b, a).reverse(),
    }
}

/// Compares an integer with a float that is not a whole number below 1e36.
fn compare_with_float(integer: i128, float: f64) -> Ordering {
    if float.abs() >= 1e36 {
        return if float > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    #[expect(clippy::cast_possible_truncation, reason = "its size was just checked")]
    let floor = float.floor() as i128;
    if integer <= floor { Ordering::Less } else { Ordering::Greater }
}

/// Maps compare key by key in sorted order; where one has a key that the other lacks, it is less,
/// unless the other has no keys left.
fn compare_maps(a: &Map<String, Value>, b: &Map<String, Value>) -> Ordering {
    let (mut a, mut b) = (sorted_entries(a), sorted_entries(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some((ka, va)), Some((kb, vb))) => {
                let order = ka.cmp(kb).then_with(|| compare_values(va, vb));
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}
