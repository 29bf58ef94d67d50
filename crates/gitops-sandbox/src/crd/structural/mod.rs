//! What the schema of a version must be (`validateCustomResourceDefinitionValidation` of the server): structural, with
//! lists, maps, defaults and rules that make sense.

mod completeness;
mod defaults;
mod invariants;
mod nested;
mod openapi;
mod rules;

use serde_json::{Value, json};

use crate::wire::status::Cause;

pub(super) use rules::environment;

/// What may stand at the root beside the parts when the status has its own subresource.
const AT_ROOT: [&str; 22] = [
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// Checks the schema of a version that stands at a path.
pub(super) fn check(schema: &Value, path: &str, has_status: bool, causes: &mut Vec<Cause>) {
    let before = causes.len();
    if has_status {
        at_root(schema, path, causes);
    }
    if schema["nullable"] == true {
        causes.push(Cause::forbidden(format!("{path}.nullable"), "nullable cannot be true at the root"));
    }
    let unsupported = invariants::unsupported(schema);
    let mut context = None;
    if unsupported.is_none() {
        let mut found = Vec::new();
        invariants::check(schema, invariants::Level::Root, path, &mut found);
        completeness::check(schema, path, &mut found);
        found.sort_by_key(Cause::text);
        if found.is_empty() {
            defaults::check(schema, path, &mut found);
        }
        if found.is_empty() {
            context = Some(rules::Context::root(schema));
        }
        causes.extend(found);
    }
    let mut total = rules::Total::default();
    let found = openapi::check(schema, path, context.as_ref(), &mut total);
    causes.extend(found.schema);
    causes.extend(found.rules);
    if causes.len() == before
        && let Some(why) = unsupported
    {
        causes.push(Cause::invalid(path, &json!(""), &why));
    }
    total.check(path, causes);
}

fn at_root(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (name, value) in schema.as_object().into_iter().flatten() {
        if name == "type" {
            if value != "object" {
                let why = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
                return causes.push(Cause::invalid(format!("{path}.type"), value, why));
            }
        } else if !AT_ROOT.contains(&name.as_str()) && !is_zero(value) {
            let why = "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled";
            return causes.push(Cause::invalid(path, schema, why));
        }
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
