//! From what is stored to what is shown: the version that was asked for.

use serde_json::{Value, json};

use crate::crd;
use crate::schema::Kind;
use crate::store::Stored;

/// Reads a stored object.
pub(crate) fn parse(stored: &Stored) -> Value {
    serde_json::from_slice(&stored.bytes).expect("because the store holds what was written")
}

/// Reads a stored object in the version of a kind.
pub(crate) fn load(kind: &Kind, stored: &Stored) -> Value {
    let mut object = parse(stored);
    to_version(kind, &mut object);
    object
}

/// Tells whether the bytes of this kind can be shown as they are stored.
pub(crate) fn is_stored_form(kind: &Kind) -> bool {
    kind.custom.is_none() && !matches!(kind.plural.as_str(), "events" | "horizontalpodautoscalers")
}

/// Turns an object into the version of a kind.
pub(crate) fn to_version(kind: &Kind, object: &mut Value) {
    let api_version = kind.api_version();
    if let Some(custom) = &kind.custom {
        object["apiVersion"] = json!(api_version);
        crd::read(custom, &kind.version, object);
        return;
    }
    if object["apiVersion"] != api_version.as_str() {
        super::strategy::convert(object, &api_version);
    }
}

/// Turns an object into the version in which it is stored.
pub(crate) fn to_storage(kind: &Kind, object: &mut Value) {
    if let Some(custom) = &kind.custom {
        object["apiVersion"] = json!(format!("{}/{}", kind.group, custom.storage_version()));
        return;
    }
    let stored = match kind.plural.as_str() {
        "events" => "v1",
        "horizontalpodautoscalers" => "autoscaling/v2",
        _ => return,
    };
    if object["apiVersion"] != stored {
        super::strategy::convert(object, stored);
    }
}

/// Turns a built-in object into the form in which it comes back from the store: what is empty is not kept.
pub(crate) fn canonical(kind: &Kind, object: &mut Value) {
    if kind.custom.is_some() {
        return;
    }
    if kind.group == "rbac.authorization.k8s.io" && object["rules"] == json!([]) {
        object["rules"] = Value::Null;
    }
}
