//! Dropping what a structural schema does not declare.

use serde_json::Value;

/// Drops from an object what its schema does not declare, and notes the paths.
pub(crate) fn prune(schema: &Value, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    walk(schema, value, path, unknown, true);
}

fn walk(schema: &Value, value: &mut Value, path: &str, unknown: &mut Vec<String>, is_root: bool) {
    let embedded = is_root || schema["x-kubernetes-embedded-resource"] == true;
    let preserves = schema["x-kubernetes-preserve-unknown-fields"] == true;
    match value {
        Value::Object(map) => {
            let properties = schema["properties"].as_object();
            let additional = &schema["additionalProperties"];
            let mut gone = Vec::new();
            for (name, below) in map.iter_mut() {
                if embedded && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                    continue;
                }
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                if let Some(property) = properties.and_then(|properties| properties.get(name)) {
                    walk(property, below, &path, unknown, false);
                } else if additional.is_object() {
                    walk(additional, below, &path, unknown, false);
                } else if additional == true {
                    // Everything below is wanted.
                } else if preserves {
                    // Kept, though nobody said what it is.
                } else {
                    unknown.push(path);
                    gone.push(name.clone());
                }
            }
            for name in gone {
                map.remove(&name);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter_mut().enumerate() {
                walk(&schema["items"], item, &format!("{path}[{position}]"), unknown, false);
            }
        }
        _ => {}
    }
}
