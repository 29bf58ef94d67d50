//! The rules of the built-in kinds.

use serde_json::Value;

use super::super::strategy::Part;
use crate::crd;
use crate::schema::Kind;
use crate::wire::status::Cause;

pub(super) fn create(kind: &Kind, object: &Value) -> Vec<Cause> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd::validate_definition(object, None),
        _ => Vec::new(),
    }
}

pub(super) fn update(kind: &Kind, part: Part, new: &Value, old: &Value) -> Vec<Cause> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") if part == Part::Main => {
            crd::validate_definition(new, Some(old))
        }
        _ => Vec::new(),
    }
}

pub(super) fn warnings(kind: &Kind, object: &Value, old: Option<&Value>) -> Vec<String> {
    let _ = (object, old);
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Endpoints") => {
            vec!["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".to_owned()]
        }
        _ => Vec::new(),
    }
}
