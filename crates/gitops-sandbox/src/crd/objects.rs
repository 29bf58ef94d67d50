//! Objects of custom resources.

use serde_json::{Value, json};

use super::{Custom, defaulting, pruning, rules, validation};
use crate::lifecycle::Part;
use crate::schema::Kind;
use crate::schema::decode::{self as go, Findings};
use crate::schema::go_types::go_types;
use crate::wire::status::Cause;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// What becomes of nulls that a schema does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// They are as if they were not there.
    Dropped,
    /// They are kept, to be refused: what server-side apply does.
    Kept,
}

/// Reads an object that was sent.
pub(crate) fn decode(
    custom: &Custom,
    kind: &Kind,
    value: &Value,
    nulls: Nulls,
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
        if nulls == Nulls::Dropped {
            defaulting::drop_nulls(schema, &mut object);
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
    let mut names = vec!["spec".to_owned()];
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
    names.retain(|name| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata"));
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
    let mut causes = Vec::new();
    if object["kind"] != kind.kind.as_str() {
        let why = format!("must be {}", kind.kind);
        return vec![Cause::invalid("kind", &object["kind"], &why)];
    }
    let schema = custom.schema(&kind.version);
    if part == Part::Main {
        check_scale(custom, kind, object, &mut causes);
    }
    // A write to one part is held against its schema only.
    let names: Vec<&str> = match part {
        Part::Status => vec!["status"],
        _ => Vec::new(),
    };
    let mut own = object.clone();
    if let Some(map) = own.as_object_mut() {
        for name in ["apiVersion", "kind", "metadata"] {
            map.remove(name);
        }
        if !names.is_empty() {
            map.retain(|name, _| names.contains(&name.as_str()));
        }
    }
    let mut found = validation::validate(&without_required_metadata(schema, &names), &own, old, "");
    embedded(schema, &own, "", &mut found);
    validation::duplicates(schema, &own, old, "", &mut found);
    let valid = found.is_empty();
    causes.extend(found);
    if valid {
        rules::evaluate(schema, object, old, "", &mut causes);
    }
    causes
}

/// The schema of the root, without what is required of parts that are not looked at.
fn without_required_metadata(schema: &Value, only: &[&str]) -> Value {
    let mut schema = schema.clone();
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| {
            let name = name.as_str().unwrap_or_default();
            !matches!(name, "apiVersion" | "kind" | "metadata") && (only.is_empty() || only.contains(&name))
        });
    }
    schema
}

/// Checks that embedded objects say what they are.
fn embedded(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(map) => {
            if schema["x-kubernetes-embedded-resource"] == true {
                for name in ["apiVersion", "kind"] {
                    if value[name].as_str().unwrap_or_default().is_empty() {
                        causes.push(Cause::required(format!("{path}.{name}"), ""));
                    }
                }
            }
            for (name, below) in map {
                let property = &schema["properties"][name.as_str()];
                let schema = if property.is_object() { property } else { &schema["additionalProperties"] };
                if schema.is_object() {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    embedded(schema, below, &path, causes);
                }
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                embedded(&schema["items"], item, &format!("{path}[{position}]"), causes);
            }
        }
        _ => {}
    }
}

/// Checks the replicas of a resource that has a Scale.
fn check_scale(custom: &Custom, kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let entry = custom.version(&kind.version).map(|version| &version.entry["subresources"]["scale"]);
    for name in ["specReplicasPath", "statusReplicasPath"] {
        let Some(path) = entry.and_then(|entry| entry[name].as_str()) else { continue };
        let mut value = object;
        for part in path.trim_start_matches('.').split('.') {
            if !value.is_object() && !value.is_null() {
                let (shown, found) = match value {
                    Value::String(text) => (text.clone(), "string"),
                    Value::Array(_) => (value.to_string(), "[]interface {}"),
                    Value::Bool(_) => (value.to_string(), "bool"),
                    _ => (value.to_string(), "int64"),
                };
                let why = format!(
                    "{path} accessor error: {shown} is of the type {found}, expected map[string]interface{{}}"
                );
                causes.push(Cause::invalid(path, &json!(0), &why));
                return;
            }
            value = &value[part];
        }
        if value.as_i64().is_some_and(|number| number < 0) {
            causes.push(Cause::invalid(path, value, "should be a non-negative integer"));
        }
    }
}

/// Returns the rules that an object breaks and does not have to keep, for it broke them before.
pub(crate) fn ratcheted(custom: &Custom, kind: &Kind, new: &Value, old: &Value, part: Part) -> Vec<String> {
    if part == Part::Status {
        return Vec::new();
    }
    // What is broken though nothing changed was tolerated.
    let schema = custom.schema(&kind.version);
    let mut all = Vec::new();
    rules::evaluate(schema, new, None, "", &mut all);
    let mut kept = Vec::new();
    rules::evaluate(schema, new, Some(old), "", &mut kept);
    all.iter().filter(|cause| !kept.contains(cause)).map(Cause::text).collect()
}
