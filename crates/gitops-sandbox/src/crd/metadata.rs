//! The metadata of objects inside of objects (`x-kubernetes-embedded-resource`; `schema/objectmeta` of the server).

use serde_json::{Map, Value, json};

use crate::lifecycle::{names, validate_embedded_metadata};
use crate::schema::decode::{self as go, Findings};
use crate::schema::go_types::go_types;
use crate::wire::status::Cause;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// What becomes of metadata that is of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// It is an error.
    Refused,
    /// It is as if it was not there.
    Dropped,
}

/// Brings the metadata of embedded objects into its form, and notes what is not declared.
///
/// # Errors
/// With the first that is of another type, where that is refused.
pub(super) fn coerce(
    schema: &Value,
    value: &mut Value,
    path: &str,
    malformed: Malformed,
    unknown: &mut Vec<String>,
) -> Result<(), Cause> {
    match value {
        Value::Object(map) => {
            if schema["x-kubernetes-embedded-resource"] == true {
                embedded(map, path, malformed, unknown)?;
            }
            for (name, below) in map.iter_mut() {
                if let Some(schema) = part(schema, name) {
                    coerce(schema, below, &joined(path, name), malformed, unknown)?;
                }
            }
        }
        Value::Array(items) if schema["items"].is_object() => {
            for (place, item) in items.iter_mut().enumerate() {
                coerce(&schema["items"], item, &format!("{path}[{place}]"), malformed, unknown)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Returns the schema of what stands under a name.
pub(super) fn part<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let found = match schema["properties"].get(name) {
        Some(found) => found,
        None => &schema["additionalProperties"],
    };
    Some(found).filter(|found| found.is_object())
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn embedded(
    map: &mut Map<String, Value>,
    path: &str,
    malformed: Malformed,
    unknown: &mut Vec<String>,
) -> Result<(), Cause> {
    for name in ["apiVersion", "kind"] {
        if map.get(name).is_some_and(|value| !value.is_string()) {
            match (malformed, map.remove(name)) {
                (Malformed::Refused, Some(value)) => {
                    return Err(Cause::invalid(joined(path, name), &value, "must be a string"));
                }
                _ => continue,
            }
        }
    }
    let Some(given) = map.get("metadata") else { return Ok(()) };
    let field = joined(path, "metadata");
    let mut findings = Findings::default();
    let mut read = match decoded(given, &mut findings) {
        Ok(read) => read,
        Err(why) if malformed == Malformed::Refused => return Err(Cause::invalid(field, given, &why)),
        Err(_) => {
            let Some(given) = given.as_object() else { return Ok(()) };
            let mut kept = Map::new();
            for (name, value) in given {
                let one = json!({name.as_str(): value});
                if decoded(&one, &mut Findings::default()).is_ok() {
                    kept.insert(name.clone(), value.clone());
                }
            }
            decoded(&Value::Object(kept), &mut findings).unwrap_or_default()
        }
    };
    unknown.extend(findings.unknown.iter().map(|name| format!("{field}.{name}")));
    if let Some(read) = read.as_object_mut()
        && read.get("creationTimestamp").is_some_and(Value::is_null)
    {
        read.remove("creationTimestamp");
    }
    map.insert("metadata".to_owned(), read);
    Ok(())
}

/// Reads metadata.
///
/// # Errors
/// Fails with Go's words when a value is not of its type.
pub(super) fn decoded(given: &Value, findings: &mut Findings) -> Result<Value, String> {
    let found = match given {
        Value::Object(_) | Value::Null => {
            let Some(of) = go_types().named(OBJECT_META) else { return Ok(given.clone()) };
            let empty = json!({});
            let given = if given.is_null() { &empty } else { given };
            return go::decode(given, of, findings).map_err(|mismatch| mismatch.0);
        }
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
    };
    Err(format!("json: cannot unmarshal {found} into Go value of type v1.ObjectMeta"))
}

/// Checks embedded objects: what they are, and their metadata.
pub(super) fn validate(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(map) => {
            if schema["x-kubernetes-embedded-resource"] == true {
                validate_one(map, path, causes);
            }
            for (name, below) in map {
                if let Some(schema) = part(schema, name) {
                    validate(schema, below, &joined(path, name), causes);
                }
            }
        }
        Value::Array(items) if schema["items"].is_object() => {
            for (place, item) in items.iter().enumerate() {
                validate(&schema["items"], item, &format!("{path}[{place}]"), causes);
            }
        }
        _ => {}
    }
}

fn validate_one(map: &Map<String, Value>, path: &str, causes: &mut Vec<Cause>) {
    for name in ["apiVersion", "kind"] {
        let field = joined(path, name);
        let text = match map.get(name) {
            None => {
                causes.push(Cause::required(field, ""));
                continue;
            }
            Some(Value::String(text)) => text,
            Some(other) => {
                causes.push(Cause::invalid(field, other, "must be a string"));
                continue;
            }
        };
        if text.is_empty() {
            causes.push(Cause::invalid(field, &json!(""), "must not be empty"));
        } else if name == "apiVersion" {
            if text.matches('/').count() > 1 {
                let why = format!("unexpected GroupVersion string: {text}");
                causes.push(Cause::invalid(field, &json!(text), &why));
            }
        } else {
            let wrong = names::label_1035(&text.to_lowercase());
            if !wrong.is_empty() {
                let why = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
                causes.push(Cause::invalid(field, &json!(text), &why));
            }
        }
    }
    if let Some(metadata) = map.get("metadata") {
        let field = joined(path, "metadata");
        match decoded(metadata, &mut Findings::default()) {
            Ok(metadata) => causes.extend(validate_embedded_metadata(&metadata, &field)),
            Err(why) => causes.push(Cause::invalid(field, metadata, &why)),
        }
    }
}
