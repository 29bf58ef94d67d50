//! A value as a scalar of YAML.

use std::collections::BTreeMap;
use std::ops::Range;

use gitops_manifest::{ParseOptions, ScalarSpan, ScalarStyle, parse};
use serde_json::Value;

use super::head::{Comments, is_block};

/// Spells values as scalars, and remembers which of them need quotes.
#[derive(Debug, Default)]
pub(super) struct Speller {
    is_plain: BTreeMap<String, bool>,
}

impl Speller {
    /// Returns which bytes are to be replaced by which text, so that a scalar has another value. Quotes are kept; what
    /// has none gets them where it would not be read as a text otherwise.
    pub(super) fn respell(
        &mut self,
        scalar: &ScalarSpan,
        value: &str,
        text: &str,
        comments: &Comments<'_>,
    ) -> Option<(Range<usize>, String)> {
        let span = scalar.span.clone();
        match scalar.style {
            ScalarStyle::SingleQuoted if is_printable(value) => {
                Some((span, format!("'{}'", value.replace('\'', "''"))))
            }
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some((span, double_quoted(value))),
            ScalarStyle::Plain if self.is_plain(value) => Some((span, value.to_owned())),
            ScalarStyle::Plain => Some((span, double_quoted(value))),
            ScalarStyle::Literal | ScalarStyle::Folded => block(scalar, value, text, comments),
        }
    }

    fn is_plain(&mut self, value: &str) -> bool {
        match self.is_plain.get(value) {
            Some(known) => *known,
            None => *self.is_plain.entry(value.to_owned()).or_insert_with_key(|value| is_plain_text(value)),
        }
    }
}

/// Rewrites a block: one line of content, without the line break that a plain `|` or `>` would add to the value.
fn block(
    scalar: &ScalarSpan,
    value: &str,
    text: &str,
    comments: &Comments<'_>,
) -> Option<(Range<usize>, String)> {
    debug_assert!(is_block(scalar.style), "only blocks have a header");
    let header = comments.block_header(scalar)?;
    let content = text.get(scalar.span.clone())?;
    let end = scalar.span.start + content.trim_end_matches([' ', '\t', '\n', '\r']).len();
    let indicator = text.get(header.indicator.clone())?;
    let is_one_line = is_printable(value) && !value.starts_with([' ', '\t']) && !value.ends_with([' ', '\t']);
    if !is_one_line || value.is_empty() || end <= scalar.span.start {
        return None;
    }
    if indicator.contains('-') {
        return Some((scalar.span.start..end, value.to_owned()));
    }
    let stripping = format!("{}-", indicator.replace('+', ""));
    let between = text.get(header.indicator.end..scalar.span.start)?;
    Some((header.indicator.start..end, format!("{stripping}{between}{value}")))
}

/// Returns whether a text without quotes is read as that text, by kubectl and by kustomize, in a block and in a flow.
fn is_plain_text(text: &str) -> bool {
    if !is_printable(text) || text.is_empty() || is_date(text) || is_base_sixty(text) {
        return false;
    }
    [format!("a: {text} # comment\n"), format!("a: [{text}, b]\n")].iter().all(|yaml| {
        [ParseOptions::kubectl(), ParseOptions::kustomize()].iter().all(|options| {
            let read = parse("value", yaml.as_bytes(), options);
            let value = read.ok().and_then(|documents| documents.first().map(|d| d.value().clone()));
            let is_text = |value: &Value| value.as_str() == Some(text);
            match value.as_ref().and_then(|value| value.get("a")) {
                Some(Value::Array(list)) => list.len() == 2 && list.first().is_some_and(is_text),
                Some(value) => is_text(value),
                None => false,
            }
        })
    })
}

/// Returns whether YAML 1.1 may read the text as a date: `2024-06-27`, with or without a time.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, count: std::ops::RangeInclusive<usize>| {
        let len = part.map_or(0, |part| part.bytes().take_while(u8::is_ascii_digit).count());
        count.contains(&len)
    };
    digits(parts.next(), 4..=4) && digits(parts.next(), 1..=2) && digits(parts.next(), 1..=2)
}

/// Returns whether YAML 1.1 may read the text as a number of base sixty: `190:20:30`.
fn is_base_sixty(text: &str) -> bool {
    text.contains(':')
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'_' | b'.' | b'+' | b'-'))
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_printable(c.encode_utf8(&mut [0; 4])) => out.push(c),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{double_quoted, is_plain_text};

    #[test]
    fn what_would_not_be_a_text_is_quoted() {
        let check = |text: &str, want: bool| assert_eq!(is_plain_text(text), want, "{text:?}");
        for text in [
            "2.1.0",
            "v1",
            "registry.example/web:2.1.0",
            "localhost:5000/a",
            "main-0c1f",
            "1.2.3-rc.1",
            "a:1",
        ] {
            check(text, true);
        }
        for text in [
            "",
            "1.10",
            "17",
            "1e3",
            "0x10",
            "010",
            "1_000",
            "yes",
            "No",
            "on",
            "true",
            "null",
            "~",
            "2024-06-27",
            "2024-06-27T10-00",
            "190:20:30",
            "- a",
            "a: b",
            "a #b",
            "a,b",
            "[a",
            "@a",
            "a\nb",
            ".inf",
            ".nan",
            " a",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn what_cannot_be_printed_is_escaped() {
        assert_eq!(double_quoted("a\"b\\c\n\u{85}ü"), r#""a\"b\\c\U0000000a\U00000085ü""#);
    }
}
