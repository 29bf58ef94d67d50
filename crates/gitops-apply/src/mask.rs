//! Keeping the values of Secrets out of everything that people read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::fields::{LAST_APPLIED, group, kind};
use crate::order::is_secret;

/// What stands for a value that did not change.
pub const MASK: &str = "***";
/// What stands for a value before its change.
pub const MASK_BEFORE: &str = "*** (before)";
/// What stands for a value after its change.
pub const MASK_AFTER: &str = "*** (after)";

const PLACES: [&str; 2] = ["data", "stringData"];
const SHORTEST: usize = 4;

/// Masks the values of a Secret's `data` and `stringData` in its state before and after a change.
///
/// A value that is equal in both becomes `***`; one that changed shows only that it did
/// (fluxcd/pkg `ssa/sanitize.go`, which masks `data` alone).
pub fn mask_pair(before: Option<&mut Value>, after: Option<&mut Value>) {
    match (before, after) {
        (Some(before), Some(after)) => {
            for place in PLACES {
                let (Some(old), Some(new)) = (map_of(before, place), map_of(after, place)) else { continue };
                for (key, old) in old.iter_mut() {
                    match new.get_mut(key) {
                        Some(new) if new != old => {
                            *old = Value::from(MASK_BEFORE);
                            *new = Value::from(MASK_AFTER);
                        }
                        Some(new) => {
                            *old = Value::from(MASK);
                            *new = Value::from(MASK);
                        }
                        None => *old = Value::from(MASK),
                    }
                }
            }
            mask_one(before);
            mask_one(after);
        }
        (Some(one), None) | (None, Some(one)) => mask_one(one),
        (None, None) => {}
    }
}

fn mask_one(object: &mut Value) {
    for place in PLACES {
        for value in map_of(object, place).into_iter().flat_map(serde_json::Map::values_mut) {
            if !matches!(value.as_str(), Some(MASK | MASK_BEFORE | MASK_AFTER)) {
                *value = Value::from(MASK);
            }
        }
    }
    let metadata = object.get_mut("metadata");
    let annotations = metadata.and_then(|metadata| map_of(metadata, "annotations"));
    if let Some(copy) = annotations.and_then(|annotations| annotations.get_mut(LAST_APPLIED)) {
        *copy = Value::from(MASK);
    }
}

fn map_of<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut serde_json::Map<String, Value>> {
    object.get_mut(key)?.as_object_mut()
}

/// The values that must not appear in any text about an object.
#[derive(Clone, Default)]
pub struct Secrets {
    values: Vec<String>,
}

impl Secrets {
    /// Collects the values of a Secret, as they stand in it and decoded; other kinds have none.
    #[must_use]
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut values = Vec::new();
        for object in objects {
            if !is_secret(group(object), kind(object)) {
                continue;
            }
            for place in PLACES {
                for value in object.get(place).and_then(Value::as_object).into_iter().flatten() {
                    collect(value.1, place == "data", &mut values);
                }
            }
        }
        values.retain(|value| value.len() >= SHORTEST);
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Secrets { values }
    }

    /// Returns the text with every value of the Secret replaced by `***`.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, value| {
            if text.contains(value.as_str()) { text.replace(value.as_str(), MASK) } else { text }
        })
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.values.len())
    }
}

fn collect(value: &Value, encoded: bool, into: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            // The server quotes values in its messages, so also the escaped form must go.
            into.push(text.escape_debug().to_string());
            into.push(text.clone());
            if encoded {
                let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                if let Some(decoded) = decoded {
                    into.push(decoded.escape_debug().to_string());
                    into.push(decoded);
                }
            } else {
                into.push(STANDARD.encode(text));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, encoded, into)),
        Value::Object(map) => map.values().for_each(|item| collect(item, encoded, into)),
        Value::Number(number) => into.push(number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_about_a_secret_hold_none_of_its_values() {
        #[track_caller]
        fn check(object: Value, text: &str, want: &str) {
            assert_eq!(Secrets::of([&object]).scrub(text), want);
        }
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "data": {"a": "aHVudGVyMg=="}, "stringData": {"b": "line\nbreak"}});
        check(secret.clone(), "bad value aHVudGVyMg==", "bad value ***");
        check(secret.clone(), "bad value hunter2", "bad value ***");
        check(secret.clone(), r#"bad value "line\nbreak""#, r#"bad value "***""#);
        check(secret, "nothing here", "nothing here");
        check(json!({"kind": "ConfigMap", "apiVersion": "v1", "data": {"a": "value"}}), "value", "value");
    }

    #[test]
    fn both_sides_of_a_change_are_masked() {
        #[track_caller]
        fn check(before: Value, after: Value, want_before: Value, want_after: Value) {
            let (mut before, mut after) = (before, after);
            mask_pair(Some(&mut before), Some(&mut after));
            assert_eq!((before, after), (want_before, want_after));
        }
        check(
            json!({"data": {"a": "1", "b": "2", "c": "3"}}),
            json!({"data": {"a": "1", "b": "9", "d": "4"}, "stringData": {"e": "5"}}),
            json!({"data": {"a": MASK, "b": MASK_BEFORE, "c": MASK}}),
            json!({"data": {"a": MASK, "b": MASK_AFTER, "d": MASK}, "stringData": {"e": MASK}}),
        );
    }
}
