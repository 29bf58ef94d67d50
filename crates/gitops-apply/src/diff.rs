//! What would change in an object, as a list of JSON patch operations and as lines for people.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fields::{at, group, kind};
use crate::mask::{MASK, MASK_AFTER, MASK_BEFORE};
use crate::order::is_secret;

/// One difference between two states of an object, as a JSON patch operation with the old value beside the new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What happens to the field.
    pub op: Op,
    /// The field as a JSON pointer.
    pub path: String,
    /// The value after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The value before the change.
    #[serde(default, rename = "oldValue", skip_serializing_if = "Option::is_none")]
    pub old_value: Option<Value>,
}

/// What happens to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// It appears.
    Add,
    /// It gets another value.
    Replace,
    /// It goes.
    Remove,
}

/// The differences between two states of an object, with a Secret's values masked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Diff(Vec<Difference>);

impl Diff {
    /// Compares a live object with the result of a dry run: labels, annotations and everything outside
    /// `metadata` and `status`. Values of Secrets are masked.
    #[must_use]
    pub fn between(live: &Value, dry_run: &Value) -> Self {
        let mut list = metadata_differences(live, dry_run);
        list.extend(body_differences(live, dry_run));
        let diff = Diff(list);
        if is_secret(group(dry_run), kind(dry_run)) || is_secret(group(live), kind(live)) {
            diff.masked()
        } else {
            diff
        }
    }

    /// Returns the labels and annotations that are added or changed; those that go do not count.
    #[must_use]
    pub fn of_metadata(live: &Value, dry_run: &Value) -> Self {
        let all = metadata_differences(live, dry_run);
        Diff(all.into_iter().filter(|difference| difference.op != Op::Remove).collect())
    }

    /// Returns the differences of everything but `metadata` and `status`.
    #[must_use]
    pub fn of_body(live: &Value, dry_run: &Value) -> Self {
        Diff(body_differences(live, dry_run))
    }

    /// Returns the differences in order.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.0
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Difference) -> bool) {
        self.0.retain(keep);
    }

    /// Returns whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the same differences with the values of a Secret's `data` and `stringData` masked.
    #[must_use]
    pub fn masked(mut self) -> Self {
        for difference in &mut self.0 {
            mask(difference);
        }
        self
    }
}

impl FromIterator<Difference> for Diff {
    fn from_iter<T: IntoIterator<Item = Difference>>(iter: T) -> Self {
        Diff(iter.into_iter().collect())
    }
}

/// Writes one line for a difference: `+ /path: value`, `~ /path: old -> new`, `- /path: value`.
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, difference) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let (old, new) = (shown(difference.old_value.as_ref()), shown(difference.value.as_ref()));
            match difference.op {
                Op::Add => write!(f, "+ {}: {new}", difference.path)?,
                Op::Replace => write!(f, "~ {}: {old} -> {new}", difference.path)?,
                Op::Remove => write!(f, "- {}: {old}", difference.path)?,
            }
        }
        Ok(())
    }
}

fn shown(value: Option<&Value>) -> String {
    const LONGEST: usize = 160;
    let text = value.map(Value::to_string).unwrap_or_default();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

fn metadata_differences(live: &Value, dry_run: &Value) -> Vec<Difference> {
    let mut list = Vec::new();
    for key in ["annotations", "labels"] {
        let path = ["metadata", key];
        let (old, new) = (non_null(at(live, &path)), non_null(at(dry_run, &path)));
        compare(&format!("/metadata/{key}"), old, new, &mut list);
    }
    list
}

fn body_differences(live: &Value, dry_run: &Value) -> Vec<Difference> {
    let keys = |object: &Value| -> Vec<String> {
        object.as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect()
    };
    let mut all = keys(live);
    all.extend(keys(dry_run));
    all.sort();
    all.dedup();
    let mut list = Vec::new();
    for key in all.iter().filter(|key| !matches!(key.as_str(), "metadata" | "status")) {
        compare(&pointer("", key), live.get(key), dry_run.get(key), &mut list);
    }
    list
}

fn non_null(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn compare(path: &str, old: Option<&Value>, new: Option<&Value>, list: &mut Vec<Difference>) {
    match (old, new) {
        (None, None) => {}
        (None, Some(new)) => list.push(Difference {
            op: Op::Add,
            path: path.to_owned(),
            value: Some(new.clone()),
            old_value: None,
        }),
        (Some(old), None) => {
            list.push(Difference {
                op: Op::Remove,
                path: path.to_owned(),
                value: None,
                old_value: Some(old.clone()),
            });
        }
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => compare_maps(path, old, new, list),
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}/{index}"), Some(old), Some(new), list);
            }
        }
        (Some(old), Some(new)) => list.push(Difference {
            op: Op::Replace,
            path: path.to_owned(),
            value: Some(new.clone()),
            old_value: Some(old.clone()),
        }),
    }
}

fn compare_maps(path: &str, old: &Map<String, Value>, new: &Map<String, Value>, list: &mut Vec<Difference>) {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        compare(&pointer(path, key), old.get(key), new.get(key), list);
    }
}

/// Appends a key to a JSON pointer (RFC 6901).
pub(crate) fn pointer(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn mask(difference: &mut Difference) {
    let path = difference.path.as_str();
    if path == "/metadata/annotations"
        || path.starts_with("/metadata/annotations/kubectl.kubernetes.io~1last-applied")
    {
        for value in [&mut difference.value, &mut difference.old_value].into_iter().flatten() {
            mask_copies(value);
        }
        return;
    }
    let inside =
        |place: &str| path == place || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
    if !inside("/data") && !inside("/stringData") {
        return;
    }
    match (&mut difference.old_value, &mut difference.value) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (key, old) in old.iter_mut() {
                let changed = new.get(key).is_some_and(|new| new != old);
                if changed && let Some(new) = new.get_mut(key) {
                    *new = Value::from(MASK_AFTER);
                }
                *old = Value::from(if changed { MASK_BEFORE } else { MASK });
            }
            for new in new.values_mut().filter(|new| new.as_str() != Some(MASK_AFTER)) {
                *new = Value::from(MASK);
            }
        }
        (Some(old), Some(new)) => {
            *old = Value::from(MASK_BEFORE);
            *new = Value::from(MASK_AFTER);
        }
        (old, new) => {
            for value in [old, new].into_iter().flatten() {
                match value {
                    Value::Object(map) => map.values_mut().for_each(|value| *value = Value::from(MASK)),
                    other => *other = Value::from(MASK),
                }
            }
        }
    }
}

/// Masks kubectl's copy of a Secret in an annotation.
fn mask_copies(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(copy) = map.get_mut(crate::fields::LAST_APPLIED) {
                *copy = Value::from(MASK);
            }
        }
        other => *other = Value::from(MASK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_listed_by_path() {
        #[track_caller]
        fn check(live: Value, dry_run: Value, want: &str) {
            assert_eq!(Diff::between(&live, &dry_run).to_string(), want);
        }
        check(
            json!({"data": {"a": "1"}}),
            json!({"data": {"a": "2", "b": "3"}}),
            "~ /data/a: \"1\" -> \"2\"\n+ /data/b: \"3\"",
        );
        check(json!({"spec": {"list": [1, 2]}}), json!({"spec": {"list": [1, 3]}}), "~ /spec/list/1: 2 -> 3");
        check(
            json!({"spec": {"list": [1]}}),
            json!({"spec": {"list": [1, 3]}}),
            "~ /spec/list: [1] -> [1,3]",
        );
        check(
            json!({"metadata": {"labels": {"a/b": "1"}}}),
            json!({"metadata": {"labels": {}}}),
            "- /metadata/labels/a~1b: \"1\"",
        );
    }

    #[test]
    fn values_of_secrets_are_masked() {
        let secret = |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "data": data});
        #[track_caller]
        fn check(live: &Value, dry_run: &Value, want: &str) {
            assert_eq!(Diff::between(live, dry_run).to_string(), want);
        }
        check(
            &secret(json!({"a": "b25l", "b": "x"})),
            &secret(json!({"a": "dHdv"})),
            "~ /data/a: \"*** (before)\" -> \"*** (after)\"\n- /data/b: \"***\"",
        );
        check(
            &json!({}),
            &secret(json!({"a": "dHdv"})),
            "+ /apiVersion: \"v1\"\n+ /data: {\"a\":\"***\"}\n+ /kind: \"Secret\"",
        );
    }
}
