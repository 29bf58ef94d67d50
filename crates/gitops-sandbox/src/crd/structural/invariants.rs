//! What makes a schema structural (`schema/validation.go` of the server).

use serde_json::{Value, json};

use super::nested;
use crate::wire::status::Cause;

/// Where in a schema another one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Root,
    Item,
    Field,
}

/// Returns why a schema cannot be read as a structural one.
pub(super) fn unsupported(schema: &Value) -> Option<String> {
    let map = schema.as_object()?;
    for name in
        ["id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions"]
    {
        let shown = name.trim_start_matches("$s");
        let is_set = match map.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Object(map)) if name != "additionalItems" => !map.is_empty(),
            Some(_) => true,
        };
        if is_set {
            let shown = if name == "$schema" { "schema" } else { shown };
            return Some(format!("OpenAPIV3Schema '{shown}' is not supported"));
        }
    }
    if schema["x-kubernetes-preserve-unknown-fields"] == false {
        return Some(
            "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined".to_owned(),
        );
    }
    if schema["items"].is_array() {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
    }
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    let single = ["not", "items", "additionalProperties"].into_iter().map(|name| &schema[name]);
    let properties = schema["properties"].as_object().into_iter().flat_map(|map| map.values());
    lists.chain(single).chain(properties).find_map(unsupported)
}

pub(super) fn check(schema: &Value, level: Level, path: &str, causes: &mut Vec<Cause>) {
    if !schema.is_object() {
        return;
    }
    let at = |name: &str| format!("{path}.{name}");
    let kind = schema["type"].as_str().unwrap_or_default();
    if kind == "array" && !schema["items"].is_object() {
        causes.push(Cause::required(at("items"), "must be specified"));
    }
    check(&schema["items"], Level::Item, &at("items"), causes);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        check(property, Level::Field, &format!("{path}.properties[{name}]"), causes);
    }
    let additional = &schema["additionalProperties"];
    if !additional.is_null() {
        if level == Level::Root {
            causes.push(Cause::forbidden(at("additionalProperties"), "must not be used at the root"));
        }
        check(additional, Level::Field, &at("additionalProperties"), causes);
    }
    let flag = |name: &str| schema[name] == true;
    let preserves = flag("x-kubernetes-preserve-unknown-fields");
    let embedded = flag("x-kubernetes-embedded-resource");
    let int_or_string = flag("x-kubernetes-int-or-string");
    for (name, set) in
        [("x-kubernetes-preserve-unknown-fields", preserves), ("x-kubernetes-embedded-resource", embedded)]
    {
        if int_or_string && set {
            let why = "must be false if x-kubernetes-int-or-string is true";
            causes.push(Cause::invalid(at(name), &json!(true), why));
        }
    }
    let skip_any = is_int_or_string(&schema["anyOf"]);
    let skip_first = is_int_or_string(&schema["allOf"][0]["anyOf"]);
    nested::check_parts(schema, skip_any, skip_first, path, causes);
    type_of(schema, level, path, causes);
    if embedded && !additional.is_null() {
        let why = "must not be used if x-kubernetes-embedded-resource is set";
        causes.push(Cause::forbidden(at("additionalProperties"), why));
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        causes.push(Cause::invalid(at("type"), &schema["type"], "must be object at the root"));
    }
    metadata(schema, level == Level::Root || embedded, level, path, causes);
    let has_properties = schema["properties"].as_object().is_some_and(|properties| !properties.is_empty());
    if embedded && !preserves && !has_properties {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        causes.push(Cause::required(at("properties"), why));
    }
}

fn type_of(schema: &Value, level: Level, path: &str, causes: &mut Vec<Cause>) {
    let field = format!("{path}.type");
    let kind = schema["type"].as_str().unwrap_or_default();
    if schema["x-kubernetes-embedded-resource"] == true && kind != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        causes.push(if kind.is_empty() {
            Cause::required(field, why)
        } else {
            Cause::invalid(field, &schema["type"], why)
        });
    } else if kind.is_empty()
        && schema["x-kubernetes-int-or-string"] != true
        && schema["x-kubernetes-preserve-unknown-fields"] != true
    {
        let place = match level {
            Level::Root => "at the root",
            Level::Item => "for specified array items",
            Level::Field => "for specified object fields",
        };
        causes.push(Cause::required(field, &format!("must not be empty {place}")));
    }
}

/// Checks what is said of the parts that every object has.
fn metadata(schema: &Value, is_resource: bool, level: Level, path: &str, causes: &mut Vec<Cause>) {
    let properties = &schema["properties"];
    let field = |name: &str| format!("{path}.properties[{name}]");
    let shown = |schema: &Value| json!(schema["type"].as_str().unwrap_or_default());
    for name in ["kind", "apiVersion"] {
        let property = &properties[name];
        if is_resource && property.is_object() && property["type"] != "string" {
            causes.push(Cause::invalid(format!("{}.type", field(name)), &shown(property), "must be string"));
        }
    }
    let metadata = &properties["metadata"];
    let Some(map) = metadata.as_object() else { return };
    if is_resource && metadata["type"] != "object" {
        causes.push(Cause::invalid(
            format!("{}.type", field("metadata")),
            &shown(metadata),
            "must be object",
        ));
    }
    if level != Level::Root {
        return;
    }
    let only_names = metadata["properties"].as_object().is_none_or(|properties| {
        properties.is_empty() || properties.keys().all(|name| name == "name" || name == "generateName")
    });
    // A default is refused elsewhere; texts about nothing are no restriction.
    let mut others = map.iter().filter(|(name, value)| {
        !matches!(name.as_str(), "type" | "properties" | "default" | "externalDocs" | "example")
            && !super::is_zero(value)
    });
    if !only_names || others.next().is_some() {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        causes.push(Cause::forbidden(field("metadata"), why));
    }
}

/// Whether parts are the two that integers or strings may have.
fn is_int_or_string(parts: &Value) -> bool {
    *parts == json!([{"type": "integer"}, {"type": "string"}])
}
