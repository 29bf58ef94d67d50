//! Values of expressions, and their JSON.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Number, Value as Json};

use super::functions::kubernetes::Special;
use super::list::List;

/// JSON that is nested deeper than this is not read.
const MAX_JSON_DEPTH: usize = 256;

/// A value; cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Arc<List>),
    Map(Arc<BTreeMap<Key, Value>>),
    /// Nanoseconds, as many as Go's durations hold.
    Duration(i64),
    Timestamp(Timestamp),
    Type(&'static str),
    Optional(Option<Arc<Value>>),
    /// A value of one of the types that Kubernetes adds.
    Special(Arc<Special>),
    /// What is not as it was declared; whoever reads it fails with this text.
    Flaw(&'static str),
}

/// A key of a map. Numbers of both kinds are one key, as comparison across number types wants it.
#[derive(Debug, Clone)]
pub(super) enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    String(Arc<str>),
}

impl Value {
    pub(super) fn text(text: impl Into<Arc<str>>) -> Self {
        Value::String(text.into())
    }

    pub(super) fn list(items: Vec<Value>) -> Self {
        Value::List(Arc::new(List::from(items)))
    }

    pub(super) fn some(value: Value) -> Self {
        Value::Optional(Some(Arc::new(value)))
    }

    /// Returns the name of the type, as cel-go prints it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::Type(_) => "type",
            Value::Optional(_) => "optional_type",
            Value::Special(special) => special.type_name(),
            Value::Flaw(_) => "error",
        }
    }

    /// Reads JSON as Go's clients do: whole numbers are signed.
    pub(super) fn from_json(json: &Json) -> Option<Self> {
        Self::nested(json, MAX_JSON_DEPTH)
    }

    fn nested(json: &Json, depth: usize) -> Option<Self> {
        let below = depth.checked_sub(1)?;
        Some(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::text(text.as_str()),
            Json::Array(items) => {
                Value::list(items.iter().map(|item| Self::nested(item, below)).collect::<Option<_>>()?)
            }
            Json::Object(members) => {
                let member = |(key, value): (&String, &Json)| {
                    Some((Key::String(key.as_str().into()), Self::nested(value, below)?))
                };
                Value::Map(Arc::new(members.iter().map(member).collect::<Option<_>>()?))
            }
        })
    }

    /// Returns the JSON of a value, by protobuf's JSON mapping.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Value::Null | Value::Optional(None) => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(number) => Json::from(*number),
            Value::Uint(number) => Json::from(*number),
            Value::Double(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Value::String(text) => Json::from(&**text),
            Value::Bytes(bytes) => Json::from(STANDARD.encode(bytes)),
            Value::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Value::Map(entries) => {
                let entry = |(key, value): (&Key, &Value)| (key.to_string(), value.to_json());
                Json::Object(entries.iter().map(entry).collect::<Map<_, _>>())
            }
            Value::Duration(nanos) => Json::from(super::functions::time::print_duration(*nanos)),
            Value::Timestamp(time) => Json::from(time.to_string()),
            Value::Type(name) => Json::from(*name),
            Value::Optional(Some(value)) => value.to_json(),
            Value::Special(special) => Json::from(special.to_string()),
            Value::Flaw(why) => Json::from(*why),
        }
    }

    /// Compares two values that have an order; none when they have none.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
            (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
            (Value::Double(a), b) => Some(against_double(b.whole()?, *a)?.reverse()),
            (a, Value::Double(b)) => against_double(a.whole()?, *b),
            (a, b) => Some(a.whole()?.cmp(&b.whole()?)),
        }
    }

    /// Returns whether both are the same; numbers are compared by value, values of different types are never the same.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Type(a), Value::Type(b)) => a == b,
            (Value::List(a), Value::List(b)) => a.same(b),
            (Value::Special(a), Value::Special(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| a.same(b)))
            }
            (Value::Optional(a), Value::Optional(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => a.same(b),
                _ => false,
            },
            _ => self.order(other) == Some(Ordering::Equal),
        }
    }

    fn whole(&self) -> Option<i128> {
        match self {
            Value::Int(number) => Some(i128::from(*number)),
            Value::Uint(number) => Some(i128::from(*number)),
            _ => None,
        }
    }

    /// Returns how much there is to look at when the whole value is walked.
    pub(super) fn size(&self) -> u64 {
        match self {
            Value::String(text) => 1 + text.len() as u64 / 32,
            Value::Bytes(bytes) => 1 + bytes.len() as u64 / 32,
            Value::List(items) => items.iter().fold(1, |sum, item| sum + item.size()),
            Value::Map(entries) => entries.values().fold(1, |sum, value| sum + 1 + value.size()),
            Value::Optional(Some(value)) => 1 + value.size(),
            _ => 1,
        }
    }

    /// Returns the value as a key of a map.
    pub(super) fn key(&self) -> Option<Key> {
        match self {
            Value::Bool(value) => Some(Key::Bool(*value)),
            Value::Int(number) => Some(Key::Int(*number)),
            Value::Uint(number) => Some(Key::Uint(*number)),
            Value::String(text) => Some(Key::String(text.clone())),
            // A double that is whole finds the number that it equals.
            #[allow(clippy::cast_possible_truncation, clippy::float_cmp, clippy::cast_precision_loss)]
            Value::Double(number) if number.trunc() == *number && number.abs() < 9e15 => {
                Some(Key::Int(*number as i64))
            }
            _ => None,
        }
    }
}

/// The order of a whole number and a double; none when the double is not a number.
#[allow(clippy::cast_possible_truncation)]
fn against_double(whole: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // Outside of this range every 64-bit number is on one side; inside the floor is exact.
    if double >= 1.9e19 {
        return Some(Ordering::Less);
    }
    if double <= -1e19 {
        return Some(Ordering::Greater);
    }
    let floor = double.floor();
    Some(whole.cmp(&(floor as i128)).then(if floor < double { Ordering::Less } else { Ordering::Equal }))
}

impl Key {
    pub(super) fn value(&self) -> Value {
        match self {
            Key::Bool(value) => Value::Bool(*value),
            Key::Int(number) => Value::Int(*number),
            Key::Uint(number) => Value::Uint(*number),
            Key::String(text) => Value::String(text.clone()),
        }
    }

    fn rank(&self) -> (u8, i128, &str) {
        match self {
            Key::Bool(value) => (0, i128::from(*value), ""),
            Key::Int(number) => (1, i128::from(*number), ""),
            Key::Uint(number) => (1, i128::from(*number), ""),
            Key::String(text) => (2, 0, text),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Bool(value) => value.fmt(f),
            Key::Int(number) => number.fmt(f),
            Key::Uint(number) => number.fmt(f),
            Key::String(text) => text.fmt(f),
        }
    }
}
