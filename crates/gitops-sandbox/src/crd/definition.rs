//! Definitions of custom resources.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::CLEANUP;
use crate::wire::status::Cause;

/// Adds what a definition does not say.
pub(crate) fn default_definition(object: &mut Value) {
    let spec = &mut object["spec"];
    if !spec.is_object() {
        return;
    }
    let names = &mut spec["names"];
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    if names.is_object() {
        if names["singular"].as_str().unwrap_or_default().is_empty() {
            names["singular"] = json!(kind.to_lowercase());
        }
        if names["listKind"].as_str().unwrap_or_default().is_empty() && !kind.is_empty() {
            names["listKind"] = json!(format!("{kind}List"));
        }
    }
    if spec["conversion"].is_null() {
        spec["conversion"] = json!({"strategy": "None"});
    }
}

/// Sets what a new definition starts with. Names are accepted at once, where a real server takes a moment.
pub(crate) fn prepare_definition(object: &mut Value) {
    let now = object["metadata"]["creationTimestamp"].clone();
    let names = object["spec"]["names"].clone();
    let stored = object["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|version| version["storage"] == true)
        .map(|version| version["name"].clone())
        .collect::<Vec<_>>();
    object["status"] = json!({
        "conditions": [
            condition("NamesAccepted", "True", "NoConflicts", "no conflicts found", &now),
            condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted", &now),
        ],
        "acceptedNames": names,
        "storedVersions": stored,
    });
    let finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == CLEANUP) {
        let mut finalizers = finalizers;
        finalizers.push(json!(CLEANUP));
        object["metadata"]["finalizers"] = Value::Array(finalizers);
    }
}

fn condition(name: &str, status: &str, reason: &str, message: &str, now: &Value) -> Value {
    json!({"type": name, "status": status, "lastTransitionTime": now, "reason": reason, "message": message})
}

/// Says that the instances are being removed.
pub(super) fn set_terminating(object: &mut Value, now: Timestamp) {
    let now = json!(Timestamp::from_second(now.as_second()).unwrap_or(now).to_string());
    let message = "CustomResource deletion is in progress";
    let condition = condition("Terminating", "True", "InstanceDeletionInProgress", message, &now);
    if let Some(conditions) = object["status"]["conditions"].as_array_mut()
        && !conditions.iter().any(|known| known["type"] == "Terminating")
    {
        conditions.push(condition);
    }
}

/// Checks a definition.
pub(crate) fn validate_definition(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let _ = (object, old);
    Vec::new()
}
