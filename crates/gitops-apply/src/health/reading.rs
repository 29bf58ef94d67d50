//! Reading the fields that health rules look at.

use serde_json::Value;

use crate::fields::at;

pub(crate) fn number(object: &Value, path: &[&str], default: i64) -> i64 {
    at(object, path).and_then(Value::as_i64).unwrap_or(default)
}

pub(crate) fn word<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// One entry of `status.conditions`.
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

pub(crate) fn conditions(object: &Value) -> impl Iterator<Item = Condition<'_>> {
    at(object, &["status", "conditions"]).and_then(Value::as_array).into_iter().flatten().map(|entry| {
        Condition {
            kind: word(entry, &["type"]),
            status: word(entry, &["status"]),
            reason: word(entry, &["reason"]),
            message: word(entry, &["message"]),
        }
    })
}

pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    conditions(object).find(|condition| condition.kind == kind)
}
