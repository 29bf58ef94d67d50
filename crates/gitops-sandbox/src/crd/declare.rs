//! Schemas as the types of CEL's variables, with the most that a request can hold of them
//! (`k8s.io/apiserver/pkg/cel/common/schemas.go`).

use std::sync::Arc;

use gitops_expr::cel::{Declared, ListIdentity};
use serde_json::{Map, Value, json};

/// The largest request, in bytes.
pub(super) const MAX_REQUEST: u64 = 3 * 1024 * 1024;

/// A type, and the fewest bytes that a value of it takes in JSON.
#[derive(Debug)]
pub(super) struct Sized {
    pub(super) declared: Declared,
    pub(super) least: u64,
}

impl Sized {
    /// Returns how often such a value can be in one request.
    pub(super) fn most_in_request(&self) -> u64 {
        MAX_REQUEST / (self.least + 1)
    }
}

/// Returns the type of what a schema describes; none when expressions cannot see it.
pub(super) fn declare(schema: &Value, is_resource: bool) -> Option<Sized> {
    let sized = plain(schema, is_resource)?;
    let nullable = schema["nullable"] == true;
    let declared = if nullable { sized.declared.nullable() } else { sized.declared };
    Some(Sized { declared, least: sized.least })
}

fn plain(schema: &Value, is_resource: bool) -> Option<Sized> {
    let limit = |name: &str| schema[name].as_i64().map(|limit| u64::try_from(limit).unwrap_or(0));
    let sized = |declared: Declared, least: u64| Some(Sized { declared, least });
    // The longest text, without its quotes.
    let longest = limit("maxLength").map_or(MAX_REQUEST - 2, |limit| limit.saturating_mul(4));
    if schema["x-kubernetes-int-or-string"] == true {
        return sized(Declared::anything(longest), 1);
    }
    match schema["type"].as_str().unwrap_or_default() {
        "array" => list(schema, limit("maxItems")),
        "object" => match &schema["additionalProperties"] {
            below @ Value::Object(_) => {
                let value = declare(below, is_embedded(below))?;
                let most = limit("maxProperties").unwrap_or((MAX_REQUEST - 2) / (value.least + 6));
                sized(Declared::map(value.declared, most), 2)
            }
            _ => object(schema, is_resource),
        },
        "string" => match schema["format"].as_str().unwrap_or_default() {
            "byte" => sized(Declared::bytes(limit("maxLength").unwrap_or(MAX_REQUEST - 2)), 2),
            "duration" => sized(Declared::duration(32), 3),
            "date" => sized(Declared::date(12), 12),
            "date-time" => sized(Declared::timestamp(32), 21),
            _ => {
                let listed = schema["enum"].as_array().filter(|listed| !listed.is_empty());
                let most = match (limit("maxLength"), listed) {
                    (None, Some(listed)) => {
                        let lengths = listed.iter().filter_map(Value::as_str).map(str::len);
                        lengths.max().unwrap_or(0) as u64
                    }
                    _ => longest,
                };
                sized(Declared::string(most), 2)
            }
        },
        "boolean" => sized(Declared::bool(), 4),
        "number" => sized(Declared::double(), 1),
        "integer" => sized(Declared::int(), 1),
        _ => None,
    }
}

fn list(schema: &Value, limit: Option<u64>) -> Option<Sized> {
    let items = &schema["items"];
    if !items.is_object() {
        return None;
    }
    let item = declare(items, is_embedded(items))?;
    let most = limit.unwrap_or((MAX_REQUEST - 2) / (item.least + 1));
    let identity = match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => ListIdentity::Set,
        Some("map") => {
            let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
            ListIdentity::Keyed(keys.filter_map(Value::as_str).map(str::to_owned).collect::<Arc<[_]>>())
        }
        _ => ListIdentity::Ordered,
    };
    Some(Sized { declared: Declared::list(item.declared, most).with_identity(identity), least: 2 })
}

fn object(schema: &Value, is_resource: bool) -> Option<Sized> {
    let properties = schema["properties"].as_object();
    let completed = is_resource.then(|| with_metadata(properties));
    let properties = completed.as_ref().or(properties);
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|required| required.iter().any(|known| known == name))
    };
    let (mut fields, mut least) = (Vec::new(), 2_u64);
    for (name, property) in properties.into_iter().flatten() {
        let Some(field) = declare(property, is_embedded(property)) else { continue };
        if required(name) && property["default"].is_null() {
            least += name.len() as u64 + field.least + 4;
        }
        fields.push((name.clone(), field.declared));
    }
    Some(Sized { declared: Declared::object(fields), least })
}

/// Adds what every object has and expressions may read.
fn with_metadata(properties: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut properties = properties.cloned().unwrap_or_default();
    let known = |value: Option<&Value>, name: &str| value.is_some_and(|value| value["type"] == name);
    let metadata = properties.get("metadata");
    let complete = known(properties.get("kind"), "string")
        && known(properties.get("apiVersion"), "string")
        && known(metadata, "object")
        && ["name", "generateName"]
            .iter()
            .all(|name| metadata.is_some_and(|metadata| metadata["properties"][*name]["type"] == "string"));
    if !complete {
        let text = json!({"type": "string"});
        properties.insert("kind".to_owned(), text.clone());
        properties.insert("apiVersion".to_owned(), text.clone());
        let names = json!({"name": text, "generateName": text});
        properties.insert("metadata".to_owned(), json!({"type": "object", "properties": names}));
    }
    properties
}

fn is_embedded(schema: &Value) -> bool {
    schema["x-kubernetes-embedded-resource"] == true
}
