//! What a schema of a definition must be: structural, with lists, maps and defaults that make sense.

use gitops_expr::cel::{Environment, Expression};
use serde_json::{Value, json};

use super::{pruning, validation};
use crate::wire::status::Cause;

/// Checks the schema of a version.
pub(super) fn check(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    match schema["type"].as_str().unwrap_or_default() {
        "" => causes.push(Cause::required(format!("{path}.type"), "must not be empty at the root")),
        "object" => {}
        _ => {
            causes.push(Cause::invalid(format!("{path}.type"), &schema["type"], "must be object at the root"))
        }
    }
    walk(schema, path, true, causes);
}

fn walk(schema: &Value, path: &str, is_root: bool, causes: &mut Vec<Cause>) {
    let Some(map) = schema.as_object() else { return };
    let kind = schema["type"].as_str().unwrap_or_default();
    let at = |name: &str| format!("{path}.{name}");
    if map.contains_key("$ref") {
        causes.push(Cause::forbidden(at("$ref"), "$ref is not supported"));
        return;
    }
    let preserves = schema["x-kubernetes-preserve-unknown-fields"] == true;
    let int_or_string = schema["x-kubernetes-int-or-string"] == true;
    if !is_root && kind.is_empty() && !preserves && !int_or_string {
        causes.push(Cause::required(at("type"), "must not be empty for specified object fields"));
    }
    if schema["uniqueItems"] == true {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        causes.push(Cause::forbidden(at("uniqueItems"), why));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && let Err(error) = gitops_expr::regexp::Regexp::new(pattern)
    {
        let why = format!("must be a valid regular expression, but isn't: {error}");
        causes.push(Cause::invalid(at("pattern"), &schema["pattern"], &why));
    }
    if kind == "array" && !schema["items"].is_object() {
        causes.push(Cause::required(at("items"), "must be specified"));
    }
    if map.contains_key("properties") && schema["additionalProperties"].is_object() {
        let why = "additionalProperties and properties are mutual exclusive";
        causes.push(Cause::forbidden(at("additionalProperties"), why));
    }
    let has_properties = schema["properties"].as_object().is_some_and(|properties| !properties.is_empty());
    if schema["x-kubernetes-embedded-resource"] == true && !preserves && !has_properties {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        causes.push(Cause::required(at("properties"), why));
    }
    lists(schema, kind, path, causes);
    default(schema, path, causes);
    rules(schema, path, causes);
    for name in ["allOf", "anyOf", "oneOf"] {
        for (position, part) in schema[name].as_array().into_iter().flatten().enumerate() {
            logical(part, &format!("{path}.{name}[{position}]"), int_or_string, causes);
        }
    }
    if schema["not"].is_object() {
        logical(&schema["not"], &at("not"), false, causes);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        // What all objects have is not said again.
        if is_root && matches!(name.as_str(), "metadata" | "apiVersion" | "kind") {
            continue;
        }
        walk(property, &format!("{path}.properties[{name}]"), false, causes);
    }
    if schema["additionalProperties"].is_object() {
        walk(&schema["additionalProperties"], &at("additionalProperties"), false, causes);
    }
    if schema["items"].is_object() {
        walk(&schema["items"], &at("items"), false, causes);
    }
}

/// Checks a part of `allOf` and its like: it says nothing of structure.
fn logical(part: &Value, path: &str, int_or_string: bool, causes: &mut Vec<Cause>) {
    let why = "must be empty to be structural";
    for name in ["type", "default", "description", "title", "additionalProperties", "nullable"] {
        let allowed = name == "type" && int_or_string;
        if !part[name].is_null() && !allowed {
            causes.push(Cause::forbidden(format!("{path}.{name}"), why));
        }
    }
    for (name, property) in part["properties"].as_object().into_iter().flatten() {
        logical(property, &format!("{path}.properties[{name}]"), int_or_string, causes);
    }
    if part["items"].is_object() {
        logical(&part["items"], &format!("{path}.items"), int_or_string, causes);
    }
}

fn lists(schema: &Value, kind: &str, path: &str, causes: &mut Vec<Cause>) {
    let at = |name: &str| format!("{path}.{name}");
    if let Some(list_type) = schema["x-kubernetes-list-type"].as_str() {
        if kind != "array" {
            let why = "must be array if x-kubernetes-list-type is specified";
            causes.push(Cause::invalid(at("type"), &schema["type"], why));
        }
        if !["atomic", "set", "map"].contains(&list_type) {
            let message =
                format!("Unsupported value: {list_type:?}: supported values: \"atomic\", \"set\", \"map\"");
            causes.push(Cause::new("FieldValueNotSupported", at("x-kubernetes-list-type"), message));
        }
        let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if list_type == "map" {
            let items = &schema["items"];
            if keys.is_empty() {
                let why = "must not be empty if x-kubernetes-list-type is map";
                causes.push(Cause::required(at("x-kubernetes-list-map-keys"), why));
            }
            if keys.iter().any(|key| items["properties"][*key].is_null()) {
                let why = "entries must all be names of item properties";
                let field = at("x-kubernetes-list-map-keys");
                causes.push(Cause::invalid(field, &schema["x-kubernetes-list-map-keys"], why));
            }
            let required: Vec<&str> =
                items["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for key in keys {
                let property = &items["properties"][key];
                if !property.is_null() && property["default"].is_null() && !required.contains(&key) {
                    let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
                    causes.push(Cause::required(format!("{path}.items.properties[{key}].default"), why));
                }
            }
        }
    }
    if let Some(map_type) = schema["x-kubernetes-map-type"].as_str() {
        if kind != "object" {
            let why = "must be object if x-kubernetes-map-type is specified";
            causes.push(Cause::invalid(at("type"), &schema["type"], why));
        }
        if !["atomic", "granular"].contains(&map_type) {
            let field = at("x-kubernetes-map-type");
            causes.push(Cause::not_supported(field, &json!(map_type), &["atomic", "granular"]));
        }
    }
}

fn default(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let default = &schema["default"];
    if default.is_null() {
        return;
    }
    let field = format!("{path}.default");
    let mut pruned = default.clone();
    let mut unknown = Vec::new();
    // A default is below the root: nothing in it is known without being declared.
    let wrapped = json!({"properties": {"d": schema}});
    let mut holder = json!({"d": pruned});
    pruning::prune(&wrapped, &mut holder, "", &mut unknown);
    pruned = holder["d"].clone();
    if !unknown.is_empty() && pruned != *default {
        causes.push(Cause::invalid(field.clone(), default, "must not have unknown fields"));
    }
    for mut cause in validation::validate(schema, default, None, "") {
        let separator = if cause.field.is_empty() || cause.field.starts_with('[') { "" } else { "." };
        cause.field = format!("{field}{separator}{}", cause.field);
        causes.push(cause);
    }
}

const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

fn rules(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (position, rule) in schema["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
        let at = |name: &str| format!("{path}.x-kubernetes-validations[{position}].{name}");
        let text = |name: &str| rule[name].as_str().unwrap_or_default();
        if text("rule").trim().is_empty() {
            causes.push(Cause::required(at("rule"), "rule is not specified"));
        } else if let Err(error) = Expression::compile(text("rule"), &Environment::new()) {
            causes.push(Cause::invalid(at("rule"), rule, &format!("compilation failed: {error}")));
        }
        if text("message").contains('\n') {
            causes.push(Cause::invalid(at("message"), &rule["message"], "must not contain line breaks"));
        }
        if text("rule").contains('\n') && text("message").is_empty() {
            let why = "message must be specified if rule contains line breaks";
            causes.push(Cause::required(at("message"), why));
        }
        let reason = text("reason");
        if !reason.is_empty() && !REASONS.contains(&reason) {
            causes.push(Cause::not_supported(at("reason"), &rule["reason"], &REASONS));
        }
        let below = text("fieldPath");
        if !below.is_empty() && !exists(schema, below) {
            causes.push(Cause::invalid(at("fieldPath"), &rule["fieldPath"], "must be a valid path"));
        }
    }
}

/// Tells whether a path names a field of a schema.
pub(super) fn exists(schema: &Value, path: &str) -> bool {
    !lookup(schema, path).is_null()
}

/// Returns the schema of a field; null if there is none.
pub(super) fn lookup<'s>(schema: &'s Value, path: &str) -> &'s Value {
    let names = path.trim_start_matches('.').split('.').filter(|name| !name.is_empty());
    names.fold(schema, |schema, name| {
        let property = &schema["properties"][name];
        if property.is_null() { &schema["additionalProperties"] } else { property }
    })
}
