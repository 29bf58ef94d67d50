//! Dropping what a structural schema does not declare (`schema/pruning/algorithm.go` of the server).

use serde_json::{Map, Value};

/// Drops from an object what its schema does not declare, and notes the paths.
pub(crate) fn prune(schema: &Value, value: &mut Value, unknown: &mut Vec<String>) {
    walk(Some(schema), value, "", At { root: true, kept: false }, unknown);
}

/// As [`prune`], for a part of an object: it has no metadata of its own unless its schema says so.
pub(super) fn prune_part(schema: &Value, value: &mut Value, unknown: &mut Vec<String>) {
    walk(Some(schema), value, "", At::default(), unknown);
}

/// Where a value stands.
#[derive(Clone, Copy, Default)]
struct At {
    root: bool,
    /// In a list that keeps what is not declared.
    kept: bool,
}

fn walk(schema: Option<&Value>, value: &mut Value, path: &str, at: At, unknown: &mut Vec<String>) {
    let flag = schema.is_some_and(|schema| schema["x-kubernetes-preserve-unknown-fields"] == true);
    let preserves = at.kept || flag;
    match value {
        Value::Object(map) => object(schema, map, path, at.root, preserves, unknown),
        Value::Array(items) => {
            let below = schema.map(|schema| &schema["items"]).filter(|items| items.is_object());
            for (place, item) in items.iter_mut().enumerate() {
                let path = format!("{path}[{place}]");
                match below {
                    // What is preserved is left alone where nothing more is said of it.
                    None if preserves => {}
                    _ => walk(below, item, &path, At { root: false, kept: preserves }, unknown),
                }
            }
        }
        _ => {}
    }
}

fn object(
    schema: Option<&Value>,
    map: &mut Map<String, Value>,
    path: &str,
    is_root: bool,
    preserves: bool,
    unknown: &mut Vec<String>,
) {
    let embedded = is_root || schema.is_some_and(|schema| schema["x-kubernetes-embedded-resource"] == true);
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    let additional = schema.map(|schema| &schema["additionalProperties"]).filter(|below| !below.is_null());
    let mut gone = Vec::new();
    for (name, below) in map.iter_mut() {
        let is_meta = matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
        if embedded && is_meta {
            continue;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if let Some(property) = properties.and_then(|properties| properties.get(name)) {
            walk(Some(property), below, &path, At::default(), unknown);
        } else if let Some(additional) = additional {
            walk(Some(additional).filter(|schema| schema.is_object()), below, &path, At::default(), unknown);
        } else if !preserves {
            unknown.push(path);
            gone.push(name.clone());
        }
    }
    for name in gone {
        map.remove(&name);
    }
}
