//! Defaults of structural schemas.

use serde_json::Value;

/// Adds the defaults of a schema; null counts as absent where it is not allowed.
pub(crate) fn add(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let default = &property["default"];
                if !default.is_null() {
                    let replace = match map.get(name) {
                        None => true,
                        Some(Value::Null) => property["nullable"] != true,
                        Some(_) => false,
                    };
                    if replace {
                        map.insert(name.clone(), default.clone());
                    }
                }
                if let Some(below) = map.get_mut(name) {
                    add(property, below);
                }
            }
            let additional = &schema["additionalProperties"];
            if additional.is_object() {
                let declared = schema["properties"].as_object();
                let fallback = &additional["default"];
                for (name, below) in map.iter_mut() {
                    if declared.is_some_and(|declared| declared.contains_key(name)) {
                        continue;
                    }
                    if below.is_null() && !fallback.is_null() && additional["nullable"] != true {
                        *below = fallback.clone();
                    }
                    add(additional, below);
                }
            }
        }
        Value::Array(items) => {
            let schema = &schema["items"];
            for item in items {
                if item.is_null() && !schema["default"].is_null() && schema["nullable"] != true {
                    *item = schema["default"].clone();
                }
                add(schema, item);
            }
        }
        _ => {}
    }
}

/// Drops nulls that are allowed nowhere and have no default.
pub(crate) fn drop_nulls(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            let part = |name: &str| {
                let found = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                Some(found).filter(|found| found.is_object())
            };
            map.retain(|name, below| {
                let dropped = |part: &Value| part["default"].is_null() && part["nullable"] != true;
                !(below.is_null() && part(name).is_some_and(dropped))
            });
            for (name, below) in map.iter_mut() {
                if let Some(part) = part(name) {
                    drop_nulls(part, below);
                }
            }
        }
        Value::Array(items) if schema["items"].is_object() => {
            items.iter_mut().for_each(|item| drop_nulls(&schema["items"], item));
        }
        _ => {}
    }
}
