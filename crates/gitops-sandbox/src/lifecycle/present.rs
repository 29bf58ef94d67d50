//! From what is stored to what is shown: the version that was asked for.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::crd;
use crate::schema::Kind;
use crate::store::{Loaded, Store, Stored};

/// Reads a stored object.
pub(crate) fn parse(stored: &Stored) -> Value {
    serde_json::from_slice(&stored.bytes).expect("because the store holds what was written")
}

/// Reads a stored object in the version of a kind.
pub(crate) fn load(kind: &Kind, stored: &Stored) -> Value {
    let mut object = parse(stored);
    if let Some(custom) = &kind.custom {
        crd::read(custom, &kind.version, &mut object);
        object["apiVersion"] = json!(kind.api_version());
        return object;
    }
    let (stored_as, wanted) = (stored_version(kind), kind.api_version());
    object["kind"] = json!(kind.kind);
    object["apiVersion"] = json!(stored_as);
    if stored_as != wanted {
        super::strategy::convert(&mut object, &wanted);
    }
    object
}

/// Reads a stored object in the version of a kind; what was read lately is not read again.
pub(crate) fn loaded(store: &Store, kind: &Arc<Kind>, stored: &Stored) -> Arc<Loaded> {
    stored.loaded(kind).unwrap_or_else(|| keep(store, kind, stored, load(kind, stored)))
}

/// Keeps an object as reading it would give it.
pub(crate) fn keep(store: &Store, kind: &Arc<Kind>, stored: &Stored, object: Value) -> Arc<Loaded> {
    let reader = Arc::clone(kind);
    let loaded = Arc::new(Loaded { object, reader, size: stored.bytes.len() });
    stored.remember(&loaded);
    store.keep_hot(&loaded);
    loaded
}

/// The version in which objects of a built-in kind are stored.
fn stored_version(kind: &Kind) -> String {
    match kind.plural.as_str() {
        "events" => "v1".to_owned(),
        "horizontalpodautoscalers" => "autoscaling/v2".to_owned(),
        _ => kind.api_version(),
    }
}

/// Tells whether the bytes of this kind can be shown as they are stored.
pub(crate) fn is_stored_form(kind: &Kind) -> bool {
    kind.custom.is_none() && stored_version(kind) == kind.api_version()
}

/// Turns an object into the form in which it is stored: built-in ones without their type, which lists do not
/// repeat.
pub(crate) fn to_storage(kind: &Kind, object: &mut Value) {
    if let Some(custom) = &kind.custom {
        let version = custom.storage_version();
        if version != kind.version {
            crd::coerce_to(custom, version, object);
        }
        object["apiVersion"] = json!(format!("{}/{version}", kind.group));
        return;
    }
    canonical(kind, object);
    let stored_as = stored_version(kind);
    if object["apiVersion"] != stored_as.as_str() {
        super::strategy::convert(object, &stored_as);
    }
    if let Some(map) = object.as_object_mut() {
        map.remove("kind");
        map.remove("apiVersion");
    }
}

/// Turns an object that was stored into what the store gives back: another version may have dropped or added something,
/// and a status that was not taken from the request has its default again.
pub(crate) fn through_store(kind: &Kind, object: &mut Value) {
    let Some(custom) = &kind.custom else { return };
    let stored = custom.storage_version();
    let status = &custom.schema(stored)["properties"]["status"];
    if stored != kind.version || (object["status"].is_null() && !status["default"].is_null()) {
        to_storage(kind, object);
        crd::read(custom, &kind.version, object);
        object["apiVersion"] = json!(kind.api_version());
    }
}

/// Puts the type before the bytes of a built-in object.
pub(crate) fn typed_bytes(kind: &Kind, stored: &Stored, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(b"{\"kind\":\"");
    bytes.extend_from_slice(kind.kind.as_bytes());
    bytes.extend_from_slice(b"\",\"apiVersion\":\"");
    bytes.extend_from_slice(kind.api_version().as_bytes());
    bytes.extend_from_slice(b"\",");
    // Every object has metadata, so there is something behind the bracket.
    bytes.extend_from_slice(stored.bytes.get(1..).unwrap_or_default());
}

/// Takes the type from the items of a list of built-in objects.
pub(crate) fn as_item(kind: &Kind, object: &mut Value) {
    if let (None, Some(map)) = (&kind.custom, object.as_object_mut()) {
        map.remove("kind");
        map.remove("apiVersion");
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
