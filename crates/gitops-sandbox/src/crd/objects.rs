//! Objects of custom resources.

use serde_json::{Value, json};

use super::metadata::{self, Malformed};
use super::rules::Outcome;
use super::{Custom, defaulting, pruning, validation};
use crate::lifecycle::Part;
use crate::schema::Kind;
use crate::schema::decode::Findings;
use crate::wire::json::number_text;
use crate::wire::status::Cause;

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
    let mut inner = Findings::default();
    let given = map.get("metadata").cloned().unwrap_or_else(|| json!({}));
    let read = metadata::decoded(&given, &mut inner)?;
    findings.unknown.extend(inner.unknown.iter().map(|path| format!("metadata.{path}")));
    map.insert("metadata".to_owned(), read);
    let schema = custom.schema(&kind.version);
    if !schema.is_null() {
        if !custom.preserves_all() {
            pruning::prune(schema, &mut object, &mut findings.unknown);
        }
        metadata::coerce(schema, &mut object, "", Malformed::Refused, &mut findings.unknown)
            .map_err(|cause| cause.text())?;
        findings.reshaped = reshaped(value, &object);
        if nulls == Nulls::Dropped {
            defaulting::drop_nulls(schema, &mut object);
        }
        defaulting::add(schema, &mut object);
    }
    Ok(object)
}

/// Returns the top-level fields that reading gave another shape, beside what the server sets in metadata.
fn reshaped(given: &Value, read: &Value) -> Vec<String> {
    let own = ["labels", "annotations", "finalizers", "ownerReferences", "generateName"];
    let differs = |name: &str| {
        if name == "metadata" {
            own.iter().any(|field| given[name].get(field) != read[name].get(field))
        } else {
            given.get(name) != read.get(name)
        }
    };
    let names = given.as_object().into_iter().flatten().map(|(name, _)| name);
    names.filter(|name| differs(name)).cloned().collect()
}

/// Reads a stored object in a version: what it was stored as has a say first, and its defaults are the only ones.
pub(crate) fn read(custom: &Custom, version: &str, object: &mut Value) {
    let stored = object["apiVersion"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
    let stored = if custom.version(stored).is_some() { stored } else { version }.to_owned();
    coerce_to(custom, &stored, object);
    defaulting::add(custom.schema(&stored), object);
    if stored != version {
        coerce_to(custom, version, object);
    }
}

/// Takes out of an object what a version does not know.
pub(crate) fn coerce_to(custom: &Custom, version: &str, object: &mut Value) {
    let schema = custom.schema(version);
    if schema.is_null() {
        return;
    }
    if !custom.preserves_all() {
        pruning::prune(schema, object, &mut Vec::new());
        defaulting::drop_nulls(schema, object);
    }
    // Nothing is refused here.
    let _ = metadata::coerce(schema, object, "", Malformed::Dropped, &mut Vec::new());
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
) -> Outcome {
    let api_version = kind.api_version();
    let wanted = [("kind", kind.kind.as_str()), ("apiVersion", api_version.as_str())];
    let other = wanted.iter().filter(|(name, wanted)| object[*name] != *wanted);
    let other: Vec<Cause> = other
        .map(|(name, wanted)| Cause::invalid(*name, &object[*name], &format!("must be {wanted}")))
        .collect();
    if !other.is_empty() {
        return Outcome::refused(other);
    }
    let schema = custom.schema(&kind.version);
    let mut causes = Vec::new();
    if part == Part::Status {
        if let Some(status) = object.get("status") {
            let before = old.and_then(|old| old.get("status"));
            causes = validation::validate(&schema["properties"]["status"], status, before, "");
            for cause in &mut causes {
                let dot = if cause.field.is_empty() { "" } else { "." };
                cause.field = format!("status{dot}{}", cause.field);
            }
        }
    } else {
        causes.extend(validation::validate(schema, object, old, ""));
        check_scale(custom, kind, object, "specReplicasPath", &mut causes);
    }
    for cause in causes.iter_mut().filter(|cause| cause.field.is_empty()) {
        "<nil>".clone_into(&mut cause.field);
    }
    check_scale(custom, kind, object, "statusReplicasPath", &mut causes);
    check_selector(custom, kind, object, &mut causes);
    if part != Part::Status {
        metadata::validate(schema, object, "", &mut causes);
    }
    // Items that stood twice before may go on doing so.
    let repeated = |object: &Value| {
        let mut found = Vec::new();
        validation::duplicates(schema, object, "", &mut found);
        found
    };
    if old.is_none_or(|old| repeated(old).is_empty()) {
        causes.extend(repeated(object));
    }
    let Some(rules) = custom.rules(&kind.version) else { return Outcome::refused(causes) };
    if causes.iter().any(|cause| BLOCKING.contains(&cause.reason)) {
        let why = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        causes.push(Cause::invalid("<nil>", &Value::Null, why));
        return Outcome::refused(causes);
    }
    let mut outcome = rules.evaluate(object, old, "");
    causes.append(&mut outcome.causes);
    outcome.causes = causes;
    outcome
}

/// What must be mended before rules are looked at.
const BLOCKING: [&str; 5] = [
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
];

/// Returns what a path of the Scale leads to.
///
/// # Errors
/// With Go's words when there is something else on the way than an object.
fn at_path<'o>(object: &'o Value, path: &str) -> Result<&'o Value, String> {
    let mut value = object;
    for part in path.trim_start_matches('.').split('.') {
        if !value.is_object() {
            if value.is_null() {
                return Ok(&Value::Null);
            }
            let shown = if let Value::String(text) = value { text.clone() } else { value.to_string() };
            let found = go_type(value);
            return Err(format!(
                "{path} accessor error: {shown} is of the type {found}, expected map[string]interface{{}}"
            ));
        }
        value = value.get(part).unwrap_or(&Value::Null);
    }
    Ok(value)
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Null => "<nil>",
    }
}

fn scale_path<'c>(custom: &'c Custom, kind: &Kind, name: &str) -> Option<&'c str> {
    custom.version(&kind.version)?.entry["subresources"]["scale"][name].as_str()
}

/// Checks the replicas of a resource that has a Scale.
fn check_scale(custom: &Custom, kind: &Kind, object: &Value, name: &str, causes: &mut Vec<Cause>) {
    let Some(path) = scale_path(custom, kind, name) else { return };
    let mut refuse = |value: &Value, why: &str| causes.push(Cause::invalid(path, value, why));
    match at_path(object, path) {
        Err(why) => refuse(&json!(0), &why),
        Ok(Value::Null) => {}
        Ok(value) => match value.as_i64() {
            None => {
                let shown = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number_text(number),
                    other => other.to_string(),
                };
                let found = go_type(value);
                let why = format!("{path} accessor error: {shown} is of the type {found}, expected int64");
                refuse(&json!(0), &why);
            }
            Some(number) if number < 0 => refuse(value, "should be a non-negative integer"),
            Some(number) if number > i64::from(i32::MAX) => {
                refuse(value, &format!("should be less than or equal to {}", i32::MAX));
            }
            Some(_) => {}
        },
    }
}

/// Checks the selector of a resource that has a Scale.
fn check_selector(custom: &Custom, kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let Some(path) = scale_path(custom, kind, "labelSelectorPath").filter(|path| !path.is_empty()) else {
        return;
    };
    match at_path(object, path) {
        Err(why) => causes.push(Cause::invalid(path, &json!(""), &why)),
        Ok(Value::Null | Value::String(_)) => {}
        Ok(value) => {
            let found = go_type(value);
            let why = format!("{path} accessor error: {value} is of the type {found}, expected string");
            causes.push(Cause::invalid(path, &json!(""), &why));
        }
    }
}
