//! JSON as Go reads it: of a key that stands twice the last value counts, and strict readers hear of it.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A document, and the paths of keys that stand twice (`metadata.name`, `spec.ports[0].port`).
pub(crate) struct Document {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<String>,
}

/// Reads a JSON document.
///
/// # Errors
/// Fails with the text that Go's reader gives.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, String> {
    // Paths are only wanted where a key stands twice, and that is seldom.
    let (value, state) = read_with(bytes, false)?;
    if !state.has_duplicates {
        return Ok(Document { value, duplicates: Vec::new() });
    }
    let (value, state) = read_with(bytes, true)?;
    Ok(Document { value, duplicates: state.duplicates })
}

fn read_with(bytes: &[u8], keeps_paths: bool) -> Result<(Value, State), String> {
    let state = RefCell::new(State { keeps_paths, ..State::default() });
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value =
        Tracked { state: &state }.deserialize(&mut reader).map_err(|error| go_error(bytes, &error))?;
    reader.end().map_err(|error| go_error(bytes, &error))?;
    Ok((value, state.into_inner()))
}

/// Reads numbers as they come back once they were written: Go writes `1.0` as `1`, which is whole.
pub(crate) fn settle(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(map) => map.values_mut().for_each(settle),
        _ => {}
    }
}

/// Returns a number without a fraction as an integer, if it is one that fits.
fn whole(number: f64) -> Option<i64> {
    // 2⁶³, the first that does not fit.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and fits")]
    (number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}

/// Writes a number as Go does: `1` for 1.0, `1e+21` for what has more digits than that.
pub(crate) fn number_text(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    if let Some(whole) = whole(float) {
        return whole.to_string();
    }
    let text = number.to_string();
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, power) = exponent.strip_prefix('-').map_or(('+', exponent), |power| ('-', power));
            format!("{}e{sign}{power:0>2}", digits.trim_end_matches(".0"))
        }
        None => text,
    }
}

/// Says what is wrong with a document in Go's words.
pub(crate) fn go_error(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let mut offset = 0;
    for (line, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line + 1 == error.line() {
            offset += error.column().saturating_sub(1);
            break;
        }
        offset += text.len() + 1;
    }
    let text = String::from_utf8_lossy(bytes.get(offset..).unwrap_or_default());
    let found = text.chars().next().map_or_else(|| "EOF".to_owned(), |c| format!("{c:?}"));
    let message = error.to_string();
    let why = if message.starts_with("expected `:`") {
        "after object key"
    } else if message.starts_with("expected `,` or `}`") {
        "after object key:value pair"
    } else if message.starts_with("expected `,` or `]`") {
        "after array element"
    } else if message.starts_with("key must be a string") {
        "looking for beginning of object key string"
    } else if message.starts_with("trailing characters") {
        "after top-level value"
    } else {
        "looking for beginning of value"
    };
    format!("invalid character {found} {why}")
}

#[derive(Default)]
struct State {
    has_duplicates: bool,
    /// Whether the paths of duplicates are wanted.
    keeps_paths: bool,
    path: String,
    duplicates: Vec<String>,
}

impl State {
    /// Goes into an item; gives how long the path is without it.
    fn enter_item(&mut self, position: usize) -> usize {
        let length = self.path.len();
        if self.keeps_paths {
            self.path.push_str(&format!("[{position}]"));
        }
        length
    }

    /// Goes into an entry; gives how long the path is without it.
    fn enter_entry(&mut self, key: &str) -> usize {
        let length = self.path.len();
        if self.keeps_paths {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(key);
        }
        length
    }

    /// Takes down that the key at the end of the path stood before.
    fn note_duplicate(&mut self) {
        if !self.duplicates.contains(&self.path) {
            self.duplicates.push(self.path.clone());
        }
    }
}

struct Tracked<'s> {
    state: &'s RefCell<State>,
}

impl<'de> DeserializeSeed<'de> for Tracked<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tracked<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        loop {
            let length = self.state.borrow_mut().enter_item(read.len());
            let item = items.next_element_seed(Tracked { state: self.state })?;
            self.state.borrow_mut().path.truncate(length);
            match item {
                Some(item) => read.push(item),
                None => return Ok(Value::Array(read)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let length = {
                let mut state = self.state.borrow_mut();
                let length = state.enter_entry(&key);
                if state.keeps_paths && read.contains_key(&key) {
                    state.note_duplicate();
                }
                length
            };
            let value = entries.next_value_seed(Tracked { state: self.state })?;
            let mut state = self.state.borrow_mut();
            state.path.truncate(length);
            if read.insert(key, value).is_some() {
                state.has_duplicates = true;
            }
        }
        Ok(Value::Object(read))
    }
}
