//! Reading the fields that every Kubernetes object has, from its JSON value.

use serde_json::{Map, Value};

/// The annotation in which `kubectl apply` keeps what it last applied.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(crate) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path).and_then(Value::as_str)
}

pub(crate) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

pub(crate) fn api_version(value: &Value) -> &str {
    text(value, &["apiVersion"]).unwrap_or_default()
}

pub(crate) fn kind(value: &Value) -> &str {
    text(value, &["kind"]).unwrap_or_default()
}

pub(crate) fn group(value: &Value) -> &str {
    split_api_version(api_version(value)).0
}

pub(crate) fn version(value: &Value) -> &str {
    split_api_version(api_version(value)).1
}

/// Splits `apps/v1` into group and version; the core group is empty.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Joins a group and a version as `apiVersion` writes them.
pub(crate) fn join_api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

pub(crate) fn name(value: &Value) -> &str {
    text(value, &["metadata", "name"]).unwrap_or_default()
}

pub(crate) fn namespace(value: &Value) -> &str {
    text(value, &["metadata", "namespace"]).unwrap_or_default()
}

pub(crate) fn uid(value: &Value) -> Option<&str> {
    text(value, &["metadata", "uid"])
}

pub(crate) fn resource_version(value: &Value) -> Option<&str> {
    text(value, &["metadata", "resourceVersion"])
}

pub(crate) fn metadata_map<'a>(value: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    at(value, &["metadata", key]).and_then(Value::as_object)
}

pub(crate) fn label<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    metadata_map(value, "labels")?.get(key)?.as_str()
}

/// Writes an object as Flux does in its messages: `Kind/namespace/name`, or `Kind/name`.
pub(crate) fn subject(kind: &str, namespace: &str, name: &str) -> String {
    if namespace.is_empty() { format!("{kind}/{name}") } else { format!("{kind}/{namespace}/{name}") }
}
