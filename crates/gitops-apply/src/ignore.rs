//! Fields that are left to others.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::selector::{Compiled, Selector, SelectorError};

/// Fields that are no drift when they differ, in some objects or in all (Flux's `spec.ignore`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreRule {
    /// The fields as JSON pointers (RFC 6901); an empty one is the whole object.
    pub paths: Vec<String>,
    /// In which objects; none for all.
    #[serde(alias = "target")]
    pub selector: Option<Selector>,
}

/// Rules that have been read.
#[derive(Debug, Clone, Default)]
pub struct IgnoreRules(Vec<(Vec<String>, Option<Compiled>)>);

impl IgnoreRules {
    /// Reads rules.
    ///
    /// # Errors
    /// When a selector cannot be read.
    pub fn new<'r>(rules: impl IntoIterator<Item = &'r IgnoreRule>) -> Result<Self, SelectorError> {
        rules
            .into_iter()
            .map(|rule| Ok((rule.paths.clone(), rule.selector.as_ref().map(Selector::compile).transpose()?)))
            .collect::<Result<_, _>>()
            .map(IgnoreRules)
    }

    /// Returns whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the paths that are ignored in an object.
    #[must_use]
    pub fn paths(&self, object: &Value) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(_, selector)| selector.as_ref().is_none_or(|selector| selector.matches(object)))
            .flat_map(|(paths, _)| paths.iter().map(String::as_str))
            .collect()
    }
}

/// Makes an object leave ignored fields as they are in the cluster.
///
/// A field that another applier owns is left out; any other gets its live value, for leaving it out would remove it
/// (fluxcd/pkg `ssa/manager_apply.go`).
pub(crate) fn leave_alone(desired: &mut Value, live: &Value, ignored: &[&str], manager: &str) {
    for pointer in ignored.iter().filter(|pointer| !pointer.is_empty()) {
        let owned_by_other = owned_by_other_applier(live, pointer, manager);
        match live.pointer(pointer).filter(|_| !owned_by_other) {
            Some(value) => {
                if let Some(place) = desired.pointer_mut(pointer) {
                    *place = value.clone();
                }
            }
            None => remove(desired, pointer),
        }
    }
}

fn owned_by_other_applier(live: &Value, pointer: &str, manager: &str) -> bool {
    let entries = crate::fields::at(live, &["metadata", "managedFields"]).and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        text("operation") == "Apply"
            && text("manager") != manager
            && entry.get("fieldsV1").is_some_and(|fields| owns(fields, live, pointer))
    })
}

/// Returns whether a FieldsV1 set holds the field at a JSON pointer.
fn owns(fields: &Value, live: &Value, pointer: &str) -> bool {
    let (mut fields, mut value) = (fields, live);
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        let next = match value {
            Value::Array(items) => {
                let Some(item) = key.parse().ok().and_then(|index: usize| items.get(index)) else {
                    return false;
                };
                value = item;
                fields
                    .as_object()
                    .and_then(|map| map.iter().find(|(key, _)| is_key_of(key, item)))
                    .map(|(_, f)| f)
            }
            other => {
                value = other.get(&key).unwrap_or(&Value::Null);
                fields.get(format!("f:{key}"))
            }
        };
        let Some(next) = next else { return false };
        fields = next;
    }
    true
}

/// Returns whether a key of FieldsV1, such as `k:{"name":"a"}`, names an item of a list.
fn is_key_of(key: &str, item: &Value) -> bool {
    let keys = key
        .strip_prefix("k:")
        .and_then(|keys| serde_json::from_str::<serde_json::Map<String, Value>>(keys).ok());
    keys.is_some_and(|keys| keys.iter().all(|(key, value)| item.get(key) == Some(value)))
}

/// Returns whether a path is one of the ignored ones or below it.
pub(crate) fn is_ignored(path: &str, ignored: &[&str]) -> bool {
    ignored
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Removes the value at a JSON pointer, where there is one.
pub(crate) fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(&key);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = key.parse().ok().filter(|index: &usize| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_cover_what_is_below_them() {
        #[track_caller]
        fn check(path: &str, ignored: &[&str], want: bool) {
            assert_eq!(is_ignored(path, ignored), want);
        }
        check("/spec/replicas", &["/spec/replicas"], true);
        check("/spec/replicas/0", &["/spec/replicas"], true);
        check("/spec/replicasets", &["/spec/replicas"], false);
        check("/spec", &["/spec/replicas"], false);
        check("/spec", &[""], true);
    }

    #[test]
    fn ignored_fields_keep_their_live_value() {
        #[track_caller]
        fn check(owner: &str, want: Value) {
            let live = json!({"spec": {"replicas": 5}, "metadata": {"managedFields": [
                {"manager": owner, "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}});
            let mut desired = json!({"spec": {"replicas": 1, "other": 2}});
            leave_alone(&mut desired, &live, &["/spec/replicas", "/spec/absent"], "me");
            assert_eq!(desired, want);
        }
        check("me", json!({"spec": {"replicas": 5, "other": 2}}));
        check("somebody", json!({"spec": {"other": 2}}));
    }

    #[test]
    fn pointers_are_removed() {
        let mut object = json!({"a": {"b/c": 1, "d": [1, 2]}});
        remove(&mut object, "/a/b~1c");
        remove(&mut object, "/a/d/0");
        remove(&mut object, "/x/y");
        assert_eq!(object, json!({"a": {"d": [2]}}));
    }
}
