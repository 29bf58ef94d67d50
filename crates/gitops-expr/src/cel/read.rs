//! JSON as values of declared types.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::declared::{Declared, Shape};
use super::functions::time::{parse_duration, parse_timestamp};
use super::list::List;
use super::typed::after_dot;
use super::value::{Key, Value};

/// JSON that is nested deeper than this is not read.
const MAX_DEPTH: usize = 256;

impl Value {
    /// Reads JSON as its declaration says; fields that are not declared are not seen.
    ///
    /// What is of another type than is declared is taken as it is, for the evaluation to refuse.
    pub(super) fn of_declared(declared: &Declared, json: &Json) -> Option<Self> {
        nested(declared, json, MAX_DEPTH)
    }
}

#[allow(clippy::cast_precision_loss)]
fn nested(declared: &Declared, json: &Json, depth: usize) -> Option<Value> {
    let below = depth.checked_sub(1)?;
    let plain = || Value::from_json(json);
    Some(match (&declared.shape, json) {
        (Shape::Int, Json::Number(number)) if number.is_f64() => {
            Value::Flaw("invalid data, expected int, got float64")
        }
        (Shape::Double, Json::Number(number)) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        (Shape::Bytes, Json::String(text)) => match STANDARD.decode(text) {
            Ok(bytes) => Value::Bytes(bytes.into()),
            Err(_) => return plain(),
        },
        (Shape::Duration, Json::String(text)) => {
            match parse_duration(text).ok().or_else(|| named_duration(text)) {
                Some(duration) => duration,
                None => return plain(),
            }
        }
        (Shape::Timestamp, Json::String(text)) => match parse_timestamp(text) {
            Ok(time) => time,
            Err(_) => return plain(),
        },
        (Shape::Date, Json::String(text)) => match format!("{text}T00:00:00Z").parse::<Timestamp>() {
            Ok(time) => Value::Timestamp(time),
            Err(_) => return plain(),
        },
        (Shape::List(item, identity), Json::Array(items)) => {
            let items = items.iter().map(|one| nested(item, one, below)).collect::<Option<_>>()?;
            Value::List(Arc::new(List::new(items, identity.clone())))
        }
        (Shape::Map(value), Json::Object(members)) => {
            let mut entries = BTreeMap::new();
            for (name, member) in members {
                entries.insert(Key::String(name.as_str().into()), nested(value, member, below)?);
            }
            Value::Map(Arc::new(entries))
        }
        (Shape::Object(fields), Json::Object(members)) => {
            let mut entries = BTreeMap::new();
            for (escaped, field) in &fields.named {
                let Some(member) = members.get(&field.name) else { continue };
                let value = nested(&field.declared, member, below)?;
                // A reserved word is a field by its own name, too.
                if after_dot(&field.name).is_some() {
                    entries.insert(Key::String(field.name.as_str().into()), value.clone());
                }
                entries.insert(Key::String(escaped.as_str().into()), value);
            }
            Value::Map(Arc::new(entries))
        }
        _ => return plain(),
    })
}

/// Reads a number with the name of its unit, as in `3 minutes`.
fn named_duration(text: &str) -> Option<Value> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let number: i64 = text.get(..end)?.parse().ok()?;
    let unit = text.get(end..)?.trim();
    let seconds = 1_000_000_000_i64;
    let nanos = match unit {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        "us" | "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => seconds,
        "m" | "min" | "mins" | "minute" | "minutes" => 60 * seconds,
        "h" | "hr" | "hour" | "hours" => 3_600 * seconds,
        "d" | "day" | "days" => 86_400 * seconds,
        "w" | "wk" | "wks" | "week" | "weeks" => 604_800 * seconds,
        _ => return None,
    };
    number.checked_mul(nanos).map(Value::Duration)
}
