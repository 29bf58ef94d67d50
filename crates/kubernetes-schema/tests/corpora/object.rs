//! What the recorded server does to objects around the merge.

use serde_json::{Map, Value, json};

/// The time that stands in place of all that were taken out of the recordings.
pub(crate) const TIME: &str = "2026-01-01T00:00:00Z";

/// Returns the entries of `managedFields` in one order, and with one time.
pub(crate) fn entries(managed: &Value) -> Vec<Value> {
    let mut entries: Vec<Value> = managed.as_array().cloned().unwrap_or_default();
    for entry in &mut entries {
        if let Some(time) = entry.get_mut("time") {
            *time = json!(TIME);
        }
    }
    entries.sort_by_key(|entry| {
        ["operation", "manager", "apiVersion", "subresource"]
            .map(|name| entry[name].as_str().unwrap_or_default().to_owned())
    });
    entries
}

/// Makes a recording readable again: what was taken out of it is put back as something of its kind.
pub(crate) fn readable(value: &Value) -> Value {
    match value {
        Value::String(text) if text == "<time>" => json!(TIME),
        Value::String(text) if text == "<port>" => json!(30000),
        Value::String(text) => json!(without_brackets(text)),
        Value::Array(items) => items.iter().map(readable).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (without_brackets(name), readable(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// Makes `uid:1` of `<uid:1>`: the server writes brackets in another way in field sets.
fn without_brackets(text: &str) -> String {
    let mut text = text.to_owned();
    for kind in ["<uid:", "<rv:", "<ip:", "<gen:"] {
        while let Some(start) = text.find(kind) {
            text.remove(start);
            if let Some(end) = text[start..].find('>') {
                text.remove(start + end);
            }
        }
    }
    text
}

/// Applies a JSON merge patch (RFC 7386).
pub(crate) fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge_patch(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Adds the defaults of a structural schema.
pub(crate) fn add_defaults(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let default = &property["default"];
                if let (false, None) = (default.is_null(), map.get(name)) {
                    map.insert(name.clone(), default.clone());
                }
                if let (Some(Value::Null), false, false) =
                    (map.get(name), default.is_null(), property["nullable"] == true)
                {
                    map.insert(name.clone(), default.clone());
                }
                if let Some(below) = map.get_mut(name) {
                    add_defaults(property, below);
                }
            }
            let below = &schema["additionalProperties"];
            if below.is_object() {
                map.values_mut().for_each(|value| add_defaults(below, value));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| add_defaults(&schema["items"], item)),
        _ => {}
    }
}

/// How a merged object is held against the recorded one.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Leniency {
    /// Nothing may differ.
    None,
    /// The server may have added what nobody said: its defaults. And it does not write what is empty.
    Defaults,
}

/// Returns where the merged object is not what was recorded.
pub(crate) fn difference(ours: &Value, recorded: &Value, leniency: Leniency, at: &str) -> Option<String> {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(value) => !value,
    };
    match (ours, recorded) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in a {
                let at = format!("{at}.{name}");
                match b.get(name) {
                    Some(recorded) => {
                        if let Some(difference) = difference(value, recorded, leniency, &at) {
                            return Some(difference);
                        }
                    }
                    None if leniency == Leniency::Defaults && is_empty_deep(value) => {}
                    // A service without affinity loses it when it is stored.
                    None if at == ".spec.sessionAffinityConfig" => {}
                    None => return Some(format!("{at}: {value} is not recorded")),
                }
            }
            let extra = b.keys().find(|name| !a.contains_key(*name));
            match extra {
                Some(name) if leniency == Leniency::None => {
                    Some(format!("{at}.{name}: {} is missing", b[name]))
                }
                _ => None,
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Some(format!("{at}: got {ours}, want {recorded}"));
            }
            a.iter()
                .zip(b)
                .enumerate()
                .find_map(|(position, (a, b))| difference(a, b, leniency, &format!("{at}[{position}]")))
        }
        (a, b) if structured_merge::equal_values(a, b) => None,
        (a, _) if leniency == Leniency::Defaults && is_empty(a) => None,
        (a, b) if leniency == Leniency::Defaults && at.contains(".resources.") && same_quantity(a, b) => None,
        _ => Some(format!("{at}: got {ours}, want {recorded}")),
    }
}

fn is_empty_deep(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty_deep),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(value) => !value,
    }
}

/// Whether two quantities are one: the server writes 1000m as 1.
fn same_quantity(a: &Value, b: &Value) -> bool {
    let thousandths = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match text.strip_suffix('m') {
            Some(number) => number.parse::<f64>().ok(),
            None => text.parse::<f64>().ok().map(|number| number * 1000.0),
        }
    };
    thousandths(a).is_some() && thousandths(a) == thousandths(b)
}
