//! JSON as Go's `encoding/json` prints it: keys in order, what HTML would misread escaped, numbers in Go's form.
//!
//! Flux and kustomize hash and sign such texts, so that they must be the same to the byte.
//!
//! ```
//! use gitops_api::go_json;
//!
//! let value = serde_json::json!({"b": "<a & b>", "a": 1.0});
//! assert_eq!(go_json::compact(&value), r#"{"a":1,"b":"\u003ca \u0026 b\u003e"}"#);
//! ```

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// Returns JSON on one line, as Go's `Marshal` prints it.
#[must_use]
pub fn compact(value: &Value) -> String {
    print(&sorted(value), CompactFormatter)
}

/// Returns JSON over several lines, as Go's `MarshalIndent` prints it with two spaces.
#[must_use]
pub fn indented(value: &Value) -> String {
    print(&sorted(value), PrettyFormatter::new())
}

/// Returns a text in its quotes.
#[must_use]
pub fn text(text: &str) -> String {
    let is_plain =
        |byte: u8| (0x20..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&');
    if text.bytes().all(is_plain) { format!("\"{text}\"") } else { print(text, CompactFormatter) }
}

/// Returns the value as Go holds it after reading JSON into an `any`: every number is a double, and large integers lose their
/// last digits.
#[must_use]
pub fn as_doubles(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(list) => list.into_iter().map(as_doubles).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, as_doubles(value))).collect(),
        other => other,
    }
}

fn sorted(value: &Value) -> Value {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    sorted
}

fn print<T: Serialize + ?Sized>(value: &T, layout: impl Formatter) -> String {
    let mut out = Vec::new();
    let printed = value.serialize(&mut Serializer::with_formatter(&mut out, Go(layout)));
    debug_assert!(printed.is_ok(), "memory takes every write, and a value has only texts as keys");
    String::from_utf8(out).unwrap_or_default()
}

/// Lays JSON out as the inner formatter does, with Go's texts and numbers.
struct Go<F>(F);

impl<F: Formatter> Formatter for Go<F> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, number: f64) -> io::Result<()> {
        writer.write_all(double(number).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        let escaped = |c| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        for piece in text.split_inclusive(escaped) {
            match piece.chars().next_back().filter(|&last| escaped(last)) {
                Some(last) => {
                    writer.write_all(&piece.as_bytes()[..piece.len() - last.len_utf8()])?;
                    write!(writer, "\\u{:04x}", u32::from(last))?;
                }
                None => writer.write_all(piece.as_bytes())?,
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// Prints a double: the shortest digits that mean it, with an exponent below 1e-6 and from 1e21 on.
fn double(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_texts_are_printed_as_go_prints_them() {
        let cases = [
            (json!(9_007_199_254_740_993_i64), "9007199254740992"),
            (json!(u64::MAX), "18446744073709552000"),
            (json!(-0.0), "-0"),
            (json!(1.0), "1"),
            (json!(1.5e-7), "1.5e-7"),
            (json!(1e-6), "0.000001"),
            (json!(1e20), "100000000000000000000"),
            (json!(1e21), "1e+21"),
            (
                json!({"b": ["<&>\u{2028}", "é\n"], "a": {}}),
                r#"{"a":{},"b":["\u003c\u0026\u003e\u2028","é\n"]}"#,
            ),
        ];
        for (value, want) in cases {
            assert_eq!(compact(&as_doubles(value.clone())), want, "{value}");
        }
        assert_eq!(text("plain"), "\"plain\"");
        assert_eq!(text("a\"b\\c<d>&\u{1}\n\u{2028}ü"), r#""a\"b\\c\u003cd\u003e\u0026\u0001\n\u2028ü""#);
        assert_eq!(compact(&json!(9_007_199_254_740_993_i64)), "9007199254740993");
        assert_eq!(
            indented(&json!({"a": ["<", 1.0], "b": {}})),
            "{\n  \"a\": [\n    \"\\u003c\",\n    1\n  ],\n  \"b\": {}\n}"
        );
    }
}
