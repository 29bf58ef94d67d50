//! JSON as SOPS reads and prints it: order and doubled keys stay, what follows the object is not looked at.

use super::super::number;
use super::super::tree::{Branch, Item, Key, Value};

/// The deepest nesting that is read.
const DEPTH: usize = 120;

/// Why a text is no JSON object.
enum Stop {
    /// The text ended where a value should begin. In an object that ends the object, as Go's decoder of tokens lets it.
    End,
    Wrong(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Wrong(reason)
    }
}

/// Reads the object at the beginning of a text.
pub(in super::super) fn parse(bytes: &[u8]) -> Result<Branch, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader { bytes: text.as_bytes(), text: &text, at: 0, depth: 0 };
    match reader.peek() {
        Some(b'{') => {
            reader.at += 1;
            match reader.object() {
                Ok(branch) => Ok(branch),
                Err(Stop::End) => Err("unexpected end of the text".to_owned()),
                Err(Stop::Wrong(reason)) => Err(reason),
            }
        }
        Some(_) => Err("it is no JSON object".to_owned()),
        None => Err("it is empty".to_owned()),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    /// Skips white space and returns the byte after it.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn wrong<T>(&self, what: &str) -> Result<T, Stop> {
        let line =
            self.bytes[..self.at.min(self.bytes.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
        Err(Stop::Wrong(format!("line {line}: {what}")))
    }

    /// Reads entries up to the closing brace.
    fn object(&mut self) -> Result<Branch, Stop> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.wrong("nesting is too deep");
        }
        let mut branch = Branch::new();
        loop {
            match self.peek() {
                Some(b'}') => break self.at += 1,
                Some(b',') if !branch.is_empty() => {
                    self.at += 1;
                    if self.peek() != Some(b'"') {
                        return self.wrong("a key is expected");
                    }
                }
                Some(b'"') if branch.is_empty() => {}
                _ => return self.wrong("a key or the end of an object is expected"),
            }
            let key = self.string()?;
            if self.peek() == Some(b':') {
                self.at += 1;
            } else if self.peek().is_some() {
                return self.wrong("a colon is expected");
            }
            match self.value() {
                Ok(value) => branch.push(Item::new(key, value)),
                Err(Stop::End) => break,
                Err(wrong) => return Err(wrong),
            }
        }
        self.depth -= 1;
        Ok(branch)
    }

    /// Reads elements up to the closing bracket.
    fn array(&mut self) -> Result<Vec<Value>, Stop> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.wrong("nesting is too deep");
        }
        let mut list = Vec::new();
        loop {
            match self.peek() {
                Some(b']') => break self.at += 1,
                None => return Err(Stop::End),
                Some(b',') if !list.is_empty() => {
                    self.at += 1;
                    if self.peek() == Some(b']') {
                        return self.wrong("a value is expected");
                    }
                }
                Some(_) if list.is_empty() => {}
                Some(_) => return self.wrong("a comma or the end of a list is expected"),
            }
            list.push(self.value()?);
        }
        self.depth -= 1;
        Ok(list)
    }

    fn value(&mut self) -> Result<Value, Stop> {
        let Some(first) = self.peek() else { return Err(Stop::End) };
        match first {
            b'{' => {
                self.at += 1;
                self.object().map(Value::Map)
            }
            b'[' => {
                self.at += 1;
                self.array().map(Value::List)
            }
            b'"' => self.string().map(Value::Text),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.wrong("a value is expected"),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Stop> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            self.wrong("a value is expected")
        }
    }

    fn number(&mut self) -> Result<Value, Stop> {
        let rest = &self.text[self.at..];
        let end =
            rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let text = &rest[..end];
        // The grammar is JSON's; the type is Go's: an integer of 64 bits, or a float.
        if serde_json::from_str::<serde_json::Number>(text).is_err() {
            return self.wrong("a number is malformed or too large");
        }
        self.at += end;
        match text.parse::<i64>() {
            Ok(int) => Ok(Value::Int(int)),
            Err(_) => match number::parse_float(text) {
                Some(float) => Ok(Value::Float(float)),
                None => self.wrong("a number is malformed or too large"),
            },
        }
    }

    fn string(&mut self) -> Result<String, Stop> {
        let rest = &self.bytes[self.at + 1..];
        let mut end = 0;
        while let Some(byte) = rest.get(end) {
            match byte {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        if end >= rest.len() {
            return self.wrong("a text does not end");
        }
        let text = &self.text[self.at + 1..self.at + 1 + end];
        match unescape(text) {
            Some(text) => {
                self.at += end + 2;
                Ok(text)
            }
            None => self.wrong("a text is malformed"),
        }
    }
}

/// Replaces escapes; halves of surrogate pairs become U+FFFD.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'u' => {
                    let code = hex(&mut chars)?;
                    out.push(match code {
                        0xd800..0xdc00 => low_half(&mut chars).map_or('\u{fffd}', |low| {
                            char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00))
                                .unwrap_or('\u{fffd}')
                        }),
                        code => char::from_u32(code).unwrap_or('\u{fffd}'),
                    });
                }
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                escaped @ ('"' | '\\' | '/') => out.push(escaped),
                _ => return None,
            },
            c if c < ' ' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

fn hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |code, _| Some(code * 16 + chars.next()?.to_digit(16)?))
}

/// Takes the second half of a surrogate pair, if it is there.
fn low_half(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let mut ahead = chars.clone();
    if ahead.next() != Some('\\') || ahead.next() != Some('u') {
        return None;
    }
    let low = hex(&mut ahead).filter(|code| (0xdc00..0xe000).contains(code))?;
    *chars = ahead;
    Some(low)
}

/// Prints a document: indented by tabs, comments left out, with a line break at the end.
///
/// # Errors
/// When a float is not finite, or a key is no text.
pub(in super::super) fn print(branch: &[Item]) -> Result<Vec<u8>, String> {
    let mut out = String::new();
    map(branch, 0, &mut out)?;
    out.push('\n');
    Ok(out.into_bytes())
}

fn map(branch: &[Item], depth: usize, out: &mut String) -> Result<(), String> {
    let entries = branch.iter().filter(|item| !matches!(item.key, Key::Comment(_)));
    collection(entries, ['{', '}'], depth, out, |item, out| {
        text(item.name().ok_or("a key is no text")?, out);
        out.push_str(": ");
        value(&item.value, depth + 1, out)
    })
}

fn collection<T>(
    items: impl Iterator<Item = T>,
    [open, close]: [char; 2],
    depth: usize,
    out: &mut String,
    mut print: impl FnMut(T, &mut String) -> Result<(), String>,
) -> Result<(), String> {
    out.push(open);
    let mut empty = true;
    for item in items {
        if !empty {
            out.push(',');
        }
        empty = false;
        line(depth + 1, out);
        print(item, out)?;
    }
    if !empty {
        line(depth, out);
    }
    out.push(close);
    Ok(())
}

fn line(depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n('\t', depth));
}

fn value(plain: &Value, depth: usize, out: &mut String) -> Result<(), String> {
    match plain {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Float(float) => out.push_str(&number::json(*float).ok_or("JSON has no such float")?),
        Value::Text(plain) => text(plain, out),
        Value::Bytes(bytes) => text(&String::from_utf8_lossy(bytes), out),
        Value::Time(time) => text(&time.to_text(), out),
        Value::Map(branch) => map(branch, depth, out)?,
        Value::List(items) => {
            let items = items.iter().filter(|item| !matches!(item, Value::Comment(_)));
            collection(items, ['[', ']'], depth, out, |item, out| value(item, depth + 1, out))?;
        }
        // A value that says it is a comment is printed as the struct that Go has for one.
        Value::Comment(comment) => {
            let fields = vec![
                Item::new("Value", Value::Text(comment.text.clone())),
                Item::new("Inline", Value::Bool(comment.inline)),
            ];
            map(&fields, depth, out)?;
        }
        Value::Foreign(what) => return Err((*what).to_owned()),
    }
    Ok(())
}

/// Prints a text as Go's encoder does, safe inside HTML.
fn text(plain: &str, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    for c in plain.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Returns the entries of a JSON value, sorted by key as the value has them.
pub(in super::super) fn branch_of(map: &serde_json::Map<String, serde_json::Value>) -> Branch {
    map.iter().map(|(key, value)| Item::new(key, value_of(value))).collect()
}

fn value_of(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Foreign("a number is too large"),
        },
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => Value::List(items.iter().map(value_of).collect()),
        serde_json::Value::Object(map) => Value::Map(branch_of(map)),
    }
}

/// Returns a document as a JSON value; of a key that stands twice the last counts.
///
/// # Errors
/// As [`print`].
pub(in super::super) fn json_of(
    branch: &[Item],
) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    match serde_json::from_slice(&print(branch)?) {
        Ok(serde_json::Value::Object(map)) => Ok(map),
        // The printer above prints objects; what cannot be read again nests too deep.
        _ => Err("it nests too deep".to_owned()),
    }
}
