//! Holding a value against a structural schema (`kube-openapi`'s validation, as the server uses it).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use gitops_expr::regexp::Regexp;
use serde_json::{Value, json};

use super::correlate::old_item;
use super::formats;
use crate::wire::status::{Cause, go_quoted, shown};

/// Returns what is wrong with a value. What was wrong before and did not change is left out: a schema may
/// become stricter without making every stored object unchangeable.
pub(crate) fn validate(schema: &Value, value: &Value, old: Option<&Value>, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    walk(schema, value, old, path, &mut causes);
    causes
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "number" => value.is_number(),
        // A fraction of nothing is none.
        "integer" => value.is_i64() || value.as_f64().is_some_and(is_whole),
        other => type_name(value) == other,
    }
}

/// The largest number without a fraction that floats keep.
const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;

fn is_whole(number: f64) -> bool {
    number.abs() <= MAX_WHOLE && number.fract() == 0.0
}

fn wrong_type(path: &str, value: &Value, wanted: &str) -> Cause {
    let found = type_name(value);
    let message = format!("Invalid value: {found:?}: {path} in body must be of type {wanted}: {found:?}");
    Cause::new("FieldValueTypeInvalid", path, message)
}

fn walk(schema: &Value, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    if old.is_some_and(|old| structured_merge::equal_values(old, value)) {
        return;
    }
    let is_union = schema["x-kubernetes-int-or-string"] == true;
    let wanted = schema["type"].as_str().filter(|wanted| !wanted.is_empty());
    let wrong = match wanted {
        _ if value.is_null() && schema["nullable"] == true => None,
        _ if is_union && !is_type(value, "integer") && !value.is_string() => Some("integer,string"),
        Some(wanted) if !is_union && !is_type(value, wanted) => Some(wanted),
        _ => None,
    };
    causes.extend(wrong.map(|wanted| wrong_type(path, value, wanted)));
    if value.is_null() {
        return listed(schema, value, path, causes);
    }
    match value {
        Value::String(text) => string(schema, text, path, causes),
        Value::Number(_) => number(schema, value, path, causes),
        Value::Array(items) => array(schema, items, old, path, causes),
        Value::Object(_) => object(schema, value, old, path, causes),
        _ => {}
    }
    listed(schema, value, path, causes);
    combined(schema, value, path, causes);
}

/// Checks that a value is one of those that are listed.
fn listed(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.iter().any(|allowed| structured_merge::equal_values(allowed, value))
    {
        let all: Vec<String> = allowed
            .iter()
            .map(|value| match value {
                Value::String(text) => go_quoted(text),
                other => go_quoted(&shown(other)),
            })
            .collect();
        let given = shown(value);
        let message = format!("Unsupported value: {given}: supported values: {}", all.join(", "));
        causes.push(Cause::new("FieldValueNotSupported", path, message));
    }
}

/// Checks what a schema combines. These errors name the value in their text only.
fn combined(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let check = |part: &Value| validate(part, value, None, path);
    let parts = |name: &str| schema[name].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let refuse = |why: String| {
        Cause::new("FieldValueInvalid", "", format!("Invalid value: \"\": {} {why}", go_quoted(path)))
    };
    // Of those that fail, the one that found most to look at says why.
    let best = |parts: &[Value]| {
        let mut best: Option<(usize, &Value)> = None;
        for part in parts {
            let seen = looks(part, value);
            if best.is_none_or(|(most, _)| seen > most) {
                best = Some((seen, part));
            }
        }
        best.map(|(_, part)| check(part)).unwrap_or_default()
    };
    let any = parts("anyOf");
    if !any.is_empty() && !any.iter().any(|part| check(part).is_empty()) {
        causes.push(refuse("must validate at least one schema (anyOf)".to_owned()));
        causes.extend(best(any));
    }
    let one = parts("oneOf");
    let count = one.iter().filter(|part| check(part).is_empty()).count();
    if !one.is_empty() && count != 1 {
        let found = match count {
            0 => "Found none valid".to_owned(),
            _ => format!("Found {count} valid alternatives"),
        };
        causes.push(refuse(format!("must validate one and only one schema (oneOf). {found}")));
        if count == 0 {
            causes.extend(best(one));
        }
    }
    let all: Vec<Vec<Cause>> = parts("allOf").iter().map(check).collect();
    let failed = all.iter().filter(|found| !found.is_empty()).count();
    let none = if failed == all.len() { ". None validated" } else { "" };
    causes.extend(all.into_iter().flatten());
    if failed > 0 {
        causes.push(refuse(format!("must validate all the schemas (allOf){none}")));
    }
    if schema["not"].is_object() && check(&schema["not"]).is_empty() {
        causes.push(refuse("must not validate the schema (not)".to_owned()));
    }
}

/// Returns how many values a schema has something to say of.
fn looks(schema: &Value, value: &Value) -> usize {
    let below: usize = match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, item)| {
                let part = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                if part.is_object() { looks(part, item) } else { 0 }
            })
            .sum(),
        Value::Array(items) if schema["items"].is_object() => {
            items.iter().map(|item| looks(&schema["items"], item)).sum()
        }
        _ => 0,
    };
    below + 1
}

/// How many patterns are kept compiled.
const MAX_PATTERNS: usize = 1024;

/// Returns a pattern, compiled once for all texts that are held against it.
fn compiled(pattern: &str) -> Option<Arc<Regexp>> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Regexp>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(pattern) {
        return Some(Arc::clone(found));
    }
    let built = Arc::new(Regexp::new(pattern).ok()?);
    if known.len() >= MAX_PATTERNS {
        known.clear();
    }
    known.insert(pattern.to_owned(), Arc::clone(&built));
    Some(built)
}

/// Returns the first thing that is wrong with a text; the others are not looked at.
fn text_flaw(schema: &Value, text: &str, path: &str) -> Option<Cause> {
    let length = text.chars().count() as u64;
    if let Some(limit) = schema["maxLength"].as_u64().filter(|limit| length > *limit) {
        let bytes = if limit == 1 { "byte" } else { "bytes" };
        let message = format!("Too long: may not be more than {limit} {bytes}");
        return Some(Cause::new("FieldValueTooLong", path, message));
    }
    let refuse = |why: &str| Some(Cause::invalid(path, &json!(text), &format!("{path} in body {why}")));
    if let Some(limit) = schema["minLength"].as_u64().filter(|limit| length < *limit) {
        return refuse(&format!("should be at least {limit} chars long"));
    }
    let pattern = schema["pattern"].as_str().filter(|pattern| !pattern.is_empty())?;
    let compiled = compiled(pattern)?;
    if compiled.is_match(text) { None } else { refuse(&format!("should match '{pattern}'")) }
}

fn string(schema: &Value, text: &str, path: &str, causes: &mut Vec<Cause>) {
    causes.extend(text_flaw(schema, text, path));
    let format = schema["format"].as_str().unwrap_or_default();
    if !format.is_empty() && !formats::fits(format, text) {
        let format = if format == "datetime" { "date-time" } else { format };
        let message = format!(
            "Invalid value: {}: {path} in body must be of type {format}: {}",
            go_quoted(text),
            go_quoted(text)
        );
        causes.push(Cause::new("FieldValueTypeInvalid", path, message));
    }
}

fn number(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let given = value.as_f64().unwrap_or(0.0);
    // Whole numbers are held against whole limits: fractions of those are cut off.
    let is_whole = value.is_i64();
    let limit = |name: &str| schema[name].as_f64().map(|limit| if is_whole { limit.trunc() } else { limit });
    let mut refuse = |why: String| causes.push(Cause::invalid(path, value, &format!("{path} in body {why}")));
    if let Some(factor) = limit("multipleOf") {
        if factor <= 0.0 {
            let why = format!("factor MultipleOf declared for {path} must be positive: {factor}");
            let cause = Cause::invalid(path, &json!(0), &why);
            return causes.push(cause);
        }
        if !is_multiple(given, factor) {
            refuse(format!("should be a multiple of {factor}"));
        }
    }
    if let Some(min) = limit("minimum") {
        if schema["exclusiveMinimum"] == true && given <= min {
            refuse(format!("should be greater than {min}"));
        } else if given < min {
            refuse(format!("should be greater than or equal to {min}"));
        }
    }
    if let Some(max) = limit("maximum") {
        if schema["exclusiveMaximum"] == true && given >= max {
            refuse(format!("should be less than {max}"));
        } else if given > max {
            refuse(format!("should be less than or equal to {max}"));
        }
    }
}

/// Whether a number is a multiple of another, as near as floats can tell.
fn is_multiple(number: f64, factor: f64) -> bool {
    let times = if factor < 1.0 { 1.0 / factor * number } else { number / factor };
    let nearest = times.trunc();
    let apart = (times - nearest).abs();
    apart == 0.0 || apart / (times.abs() + nearest.abs()) < 1e-9
}

fn array(schema: &Value, items: &[Value], old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    let count = items.len();
    if let Some(limit) = schema["minItems"].as_u64().filter(|limit| (count as u64) < *limit) {
        let why = format!("{path} in body should have at least {limit} items");
        causes.push(Cause::invalid(path, &json!(count), &why));
    }
    if let Some(limit) = schema["maxItems"]
        .as_u64()
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| count > *limit)
    {
        causes.push(Cause::too_many(path, count, limit));
    }
    for (position, item) in items.iter().enumerate() {
        let before = old_item(schema, item, old);
        walk(&schema["items"], item, before, &format!("{path}[{position}]"), causes);
    }
}

fn object(schema: &Value, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    let Some(map) = value.as_object() else { return };
    let count = map.len();
    if let Some(limit) = schema["minProperties"].as_u64().filter(|limit| (count as u64) < *limit) {
        let why = format!("{path} in body should have at least {limit} properties");
        causes.push(Cause::invalid(path, &json!(count), &why));
    }
    if let Some(limit) = schema["maxProperties"]
        .as_u64()
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| count > *limit)
    {
        causes.push(Cause::too_many(path, count, limit));
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(name) {
            causes.push(Cause::required(below(name), ""));
        }
    }
    for (name, item) in map {
        let property = &schema["properties"][name.as_str()];
        let schema = if property.is_object() { property } else { &schema["additionalProperties"] };
        if schema.is_object() {
            walk(schema, item, old.and_then(|old| old.get(name)), &below(name), causes);
        }
    }
}

/// Returns which items of sets and maps stand twice.
pub(crate) fn duplicates(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Array(items) => {
            repeated(schema, items, path, causes);
            if schema["items"].is_object() {
                for (position, item) in items.iter().enumerate() {
                    duplicates(&schema["items"], item, &format!("{path}[{position}]"), causes);
                }
            }
        }
        Value::Object(map) => {
            let additional = &schema["additionalProperties"];
            for (name, item) in map {
                if let Some(property) = schema["properties"].get(name) {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    duplicates(property, item, &path, causes);
                } else if additional.is_object() {
                    duplicates(additional, item, &format!("{path}[{name}]"), causes);
                }
            }
        }
        _ => {}
    }
}

/// Tells of each item that stands in a list for the second time.
fn repeated(schema: &Value, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
    let list_type = schema["x-kubernetes-list-type"].as_str();
    let keys = schema["x-kubernetes-list-map-keys"].as_array();
    let keys: Vec<&str> = keys.into_iter().flatten().filter_map(Value::as_str).collect();
    let id = |item: &Value| match list_type {
        Some("set") => Some(item.clone()),
        Some("map") => {
            let id = keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone())));
            Some(Value::Object(id.collect()))
        }
        _ => None,
    };
    if list_type == Some("map")
        && let Some(place) = items.iter().position(|item| !item.is_object() && !item.is_null())
    {
        let why = "must be an object for an array of list-type map";
        return causes.push(Cause::invalid(format!("{path}[{place}]"), &items[place], why));
    }
    let mut seen: Vec<(Value, usize)> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let Some(id) = id(item) else { return };
        match seen.iter_mut().find(|(known, _)| *known == id) {
            Some((_, times)) => {
                *times += 1;
                if *times == 2 {
                    causes.push(Cause::duplicate(format!("{path}[{place}]"), &id));
                }
            }
            None => seen.push((id, 1)),
        }
    }
}
