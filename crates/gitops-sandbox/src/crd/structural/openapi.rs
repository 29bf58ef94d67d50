//! What Kubernetes takes of OpenAPI's schemas (`ValidateCustomResourceDefinitionOpenAPISchema` of the server).

use serde_json::{Value, json};

use super::is_zero;
use super::rules::{self, Context, Total};
use crate::crd::paths;
use crate::wire::status::Cause;

/// What is wrong: rules are looked at only where the schema is right.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) schema: Vec<Cause>,
    pub(super) rules: Vec<Cause>,
}

/// What is known of the place of a schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// Why no default may be set here.
    no_defaults: Option<String>,
    in_metadata: bool,
    /// The first schema above whose items cannot be told apart between two writes.
    pub(super) uncorrelated: Option<String>,
}

/// Checks a schema that stands at the root.
pub(super) fn check(schema: &Value, path: &str, context: Option<&Context<'_>>, total: &mut Total) -> Found {
    let mut found = Found::default();
    walk(schema, path, &Place::default(), true, context, total, &mut found);
    found
}

#[allow(clippy::too_many_arguments)]
fn walk(
    schema: &Value,
    path: &str,
    place: &Place,
    is_root: bool,
    context: Option<&Context<'_>>,
    total: &mut Total,
    all: &mut Found,
) {
    if !schema.is_object() {
        return;
    }
    let mut found = Found::default();
    standard(schema, path, place, &mut found.schema);
    let at = |name: &str| format!("{path}.{name}");
    if schema["uniqueItems"] == true {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        found.schema.push(Cause::forbidden(at("uniqueItems"), why));
    }
    let additional = &schema["additionalProperties"];
    let has_properties = schema["properties"].as_object().is_some_and(|properties| !properties.is_empty());
    if !additional.is_null() {
        if has_properties && *additional != true {
            let why = "additionalProperties and properties are mutual exclusive";
            found.schema.push(Cause::forbidden(at("additionalProperties"), why));
        }
        let mut below = place.clone();
        if place.in_metadata {
            below.no_defaults = Some("inside additionalProperties applying to object metadata".to_owned());
        }
        let inner = context.map(|context| context.below(schema, additional));
        walk(additional, &at("additionalProperties"), &below, false, inner.as_ref(), total, &mut found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let mut below = place.clone();
        let is_map = schema["x-kubernetes-map-type"].as_str();
        if is_map.is_some_and(|kind| kind != "granular" && kind != "atomic") {
            below.uncorrelated.get_or_insert_with(|| path.to_owned());
        }
        let is_resource = is_root || schema["x-kubernetes-embedded-resource"] == true;
        if is_resource && matches!(name.as_str(), "metadata" | "kind" | "apiVersion") {
            below.in_metadata = true;
            if is_root {
                below.no_defaults = Some(format!("in top-level {name}"));
            }
        }
        let inner = context.map(|context| context.below(schema, property));
        let field = format!("{path}.properties[{name}]");
        walk(property, &field, &below, false, inner.as_ref(), total, &mut found);
    }
    walk(&schema["not"], &at("not"), place, false, None, total, &mut found);
    for name in ["allOf", "oneOf", "anyOf"] {
        for (number, part) in schema[name].as_array().into_iter().flatten().enumerate() {
            walk(part, &format!("{path}.{name}[{number}]"), place, false, None, total, &mut found);
        }
    }
    for name in ["definitions", "dependencies"] {
        for (key, part) in schema[name].as_object().into_iter().flatten() {
            walk(part, &format!("{path}.{name}[{key}]"), place, false, None, total, &mut found);
        }
    }
    let items = &schema["items"];
    if !items.is_null() {
        let mut below = place.clone();
        if schema["x-kubernetes-list-type"] != "map" {
            below.uncorrelated.get_or_insert_with(|| path.to_owned());
        }
        let inner = context.map(|context| context.below(schema, items));
        walk(items, &at("items"), &below, false, inner.as_ref(), total, &mut found);
        for (number, part) in items.as_array().into_iter().flatten().enumerate() {
            let inner = context.map(|context| context.below(schema, part));
            walk(part, &format!("{path}.items[{number}]"), &below, false, inner.as_ref(), total, &mut found);
        }
    }
    extensions(schema, path, &mut found.schema);
    texts_of_rules(schema, path, &mut found.schema);
    if found.schema.is_empty()
        && let Some(context) = context
    {
        rules::check(schema, path, place, context, total, &mut found.rules);
    }
    all.schema.extend(found.schema);
    all.rules.extend(found.rules);
}

fn standard(schema: &Value, path: &str, place: &Place, causes: &mut Vec<Cause>) {
    let at = |name: &str| format!("{path}.{name}");
    let kind = schema["type"].as_str().unwrap_or_default();
    let kinds = ["array", "boolean", "integer", "number", "object", "string"];
    if !kind.is_empty() && !kinds.contains(&kind) {
        causes.push(Cause::not_supported(at("type"), &schema["type"], &kinds));
    }
    if let (false, Some(why)) = (schema["default"].is_null(), &place.no_defaults) {
        causes.push(Cause::forbidden(at("default"), &format!("must not be set {why}")));
    }
    for name in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        let value = &schema[name];
        let is_set = match value {
            Value::Object(map) if name != "additionalItems" && name != "dependencies" => !map.is_empty(),
            Value::Bool(_) => true,
            other => !is_zero(other),
        };
        if is_set {
            causes.push(Cause::forbidden(at(name), &format!("{name} is not supported")));
        }
    }
    if kind == "null" {
        let why = "type cannot be set to null, use nullable as an alternative";
        causes.push(Cause::forbidden(at("type"), why));
    }
    if schema["items"].as_array().is_some_and(|items| !items.is_empty()) {
        causes.push(Cause::forbidden(at("items"), "items must be a schema object and not an array"));
    }
    if place.in_metadata && schema["x-kubernetes-embedded-resource"] == true {
        let field = at("x-kubernetes-embedded-resource");
        causes.push(Cause::forbidden(field, "must not be used inside of resource meta"));
    }
}

/// Checks lists and maps.
fn extensions(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let at = |name: &str| format!("{path}.{name}");
    let kind = schema["type"].as_str().unwrap_or_default();
    if schema["x-kubernetes-preserve-unknown-fields"] == false {
        let field = at("x-kubernetes-preserve-unknown-fields");
        causes.push(Cause::invalid(field, &json!(false), "must be true or undefined"));
    }
    let wrong_type = |name: &str, wanted: &str| {
        let why = format!("must be {wanted} if {name} is specified");
        if kind.is_empty() {
            Cause::required(at("type"), &why)
        } else {
            Cause::invalid(at("type"), &schema["type"], &why)
        }
    };
    let map_type = &schema["x-kubernetes-map-type"];
    if !map_type.is_null() && kind != "object" {
        causes.push(wrong_type("x-kubernetes-map-type", "object"));
    }
    if map_type.as_str().is_some_and(|kind| kind != "atomic" && kind != "granular") {
        causes.push(Cause::not_supported(at("x-kubernetes-map-type"), map_type, &["atomic", "granular"]));
    }
    let (list_type, items) = (schema["x-kubernetes-list-type"].as_str(), &schema["items"]);
    if list_type.is_some() && kind != "array" {
        causes.push(wrong_type("x-kubernetes-list-type", "array"));
    } else if list_type == Some("set") && items.is_object() {
        set_items(items, path, causes);
    }
    if list_type.is_some_and(|kind| !["atomic", "set", "map"].contains(&kind)) {
        let message = format!(
            "Unsupported value: {}: supported values: \"atomic\", \"set\", \"map\"",
            schema["x-kubernetes-list-type"]
        );
        let mut cause = Cause::not_supported(at("x-kubernetes-list-type"), &Value::Null, &[]);
        cause.message = message;
        causes.push(cause);
    }
    let keys = schema["x-kubernetes-list-map-keys"].as_array().filter(|keys| !keys.is_empty());
    if keys.is_some() && list_type != Some("map") {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        let field = at("x-kubernetes-list-type");
        causes.push(match list_type {
            None => Cause::required(field, why),
            Some(_) => Cause::invalid(field, &schema["x-kubernetes-list-type"], why),
        });
    }
    if list_type == Some("map") {
        keyed_list(schema, path, causes);
    }
    keys_and_sets(schema, path, causes);
}

/// The items of a set are compared as wholes.
fn set_items(items: &Value, path: &str, causes: &mut Vec<Cause>) {
    let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let shown = &items["x-kubernetes-list-type"];
    match items["type"].as_str() {
        Some("array") if !shown.is_null() && *shown != "atomic" => {
            causes.push(Cause::invalid(format!("{path}.items.x-kubernetes-list-type"), shown, why));
        }
        Some("object") if items["x-kubernetes-map-type"] != "atomic" => {
            causes.push(Cause::invalid(format!("{path}.items.x-kubernetes-map-type"), shown, why));
        }
        _ => {}
    }
}

fn keyed_list(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let at = |name: &str| format!("{path}.{name}");
    let keys = &schema["x-kubernetes-list-map-keys"];
    let named: Vec<&str> = keys.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let items = &schema["items"];
    if named.is_empty() {
        let why = "must not be empty if x-kubernetes-list-type is map";
        causes.push(Cause::required(at("x-kubernetes-list-map-keys"), why));
    }
    if items.is_null() {
        let why = "must have a schema if x-kubernetes-list-type is map";
        causes.push(Cause::required(at("items"), why));
    } else if items.is_array() {
        let why = "must only have a single schema if x-kubernetes-list-type is map";
        causes.push(Cause::invalid(at("items"), items, why));
    } else if items["type"] != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        let shown = json!(items["type"].as_str().unwrap_or_default());
        causes.push(Cause::invalid(at("items.type"), &shown, why));
    } else {
        for (place, key) in named.iter().enumerate() {
            match items["properties"].get(key) {
                Some(property) if property["type"] == "array" || property["type"] == "object" => {
                    let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                    let field = format!("{path}.items.properties[{key}].type");
                    causes.push(Cause::invalid(field, &items["type"], why));
                }
                Some(_) => {}
                None => {
                    let why = "entries must all be names of item properties";
                    causes.push(Cause::invalid(at("x-kubernetes-list-map-keys"), keys, why));
                }
            }
            if named[..place].contains(key) {
                let why = "must not contain duplicate entries";
                causes.push(Cause::invalid(at("x-kubernetes-list-map-keys"), keys, why));
            }
        }
    }
}

/// Items of sets and keyed lists, and their keys, must be there.
fn keys_and_sets(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let items = &schema["items"];
    let Some(list_type @ ("set" | "map")) = schema["x-kubernetes-list-type"].as_str() else { return };
    if !items.is_object() {
        return;
    }
    if items["nullable"] == true {
        let why = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        causes.push(Cause::forbidden(format!("{path}.items.nullable"), &why));
    }
    let keys = schema["x-kubernetes-list-map-keys"].as_array().filter(|_| list_type == "map");
    for key in keys.into_iter().flatten().filter_map(Value::as_str) {
        let Some(property) = items["properties"].get(key) else { continue };
        let required = items["required"].as_array();
        let required = required.is_some_and(|required| required.iter().any(|name| name == key));
        let field = |name: &str| format!("{path}.items.properties[{key}].{name}");
        if !required && property["default"].is_null() {
            let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            causes.push(Cause::required(field("default"), why));
        }
        if property["nullable"] == true {
            let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            causes.push(Cause::forbidden(field("nullable"), why));
        }
    }
}

/// The reasons that rules can give, and what the server knows them by.
const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// Checks what rules say beside their expressions.
fn texts_of_rules(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (place, rule) in schema["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
        let at = |name: &str| format!("{path}.x-kubernetes-validations[{place}].{name}");
        let text = |name: &str| rule[name].as_str().unwrap_or_default();
        let breaks = |text: &str| text.contains(['\n', '\r']);
        let message = text("message").trim();
        if text("rule").trim().is_empty() {
            causes.push(Cause::required(at("rule"), "rule is not specified"));
        } else if !text("message").is_empty() && message.is_empty() {
            let why = "must be non-empty if specified";
            causes.push(Cause::invalid(at("message"), &rule["message"], why));
        } else if breaks(message) {
            causes.push(Cause::invalid(at("message"), &rule["message"], "must not contain line breaks"));
        } else if breaks(text("rule").trim()) && message.is_empty() {
            let why = "message must be specified if rule contains line breaks";
            causes.push(Cause::required(at("message"), why));
        }
        if !text("messageExpression").is_empty() && text("messageExpression").trim().is_empty() {
            let why = "messageExpression must be non-empty if specified";
            causes.push(Cause::required(at("messageExpression"), why));
        }
        if let Some(reason) = rule["reason"].as_str()
            && !REASONS.contains(&reason)
        {
            causes.push(Cause::not_supported(at("reason"), &rule["reason"], &REASONS));
        }
        let below = text("fieldPath");
        if below.is_empty() {
            continue;
        }
        let field = at("fieldPath");
        if below.trim().is_empty() {
            let why = "must be non-empty if specified";
            causes.push(Cause::invalid(field.clone(), &rule["fieldPath"], why));
        }
        if breaks(below) {
            let why = "must not contain line breaks";
            causes.push(Cause::invalid(field.clone(), &rule["fieldPath"], why));
        }
        if paths::follow(schema, below, true).is_err() {
            causes.push(Cause::invalid(field, &rule["fieldPath"], "must be a valid path"));
        }
    }
}
