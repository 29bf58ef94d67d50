//! Strategic merge patches: lists are merged by key, and directives say what else is meant.

use kubernetes_schema::TypeRef;
use serde_json::{Map, Value};

/// What the server says of a list of kept keys that lacks one.
pub(crate) const RETAIN_KEYS_WRONG: &str = "invalid patch format of retainKeys";
const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList/";

/// Merges a patch into an object of this type.
///
/// # Errors
/// Fails when the patch contradicts itself or the object, with the server's words.
pub(crate) fn merge(target: &Value, patch: &Value, of: Option<TypeRef<'_>>) -> Result<Value, String> {
    let (Value::Object(target), Value::Object(patch)) = (target, patch) else {
        return Err("expected a map".to_owned());
    };
    merge_map(target.clone(), patch, of, false).map(Value::Object)
}

/// Merges a map; a new item of a list (`as_is`) keeps the directives of its lists, which are unknown fields then.
fn merge_map(
    mut target: Map<String, Value>,
    patch: &Map<String, Value>,
    of: Option<TypeRef<'_>>,
    as_is: bool,
) -> Result<Map<String, Value>, String> {
    let mut patch = patch.clone();
    match patch.remove(DIRECTIVE) {
        None => {}
        Some(Value::String(directive)) => match directive.as_str() {
            "replace" => return Ok(without_directives(patch)),
            "delete" => return Ok(Map::new()),
            other => {
                patch.insert(DIRECTIVE.to_owned(), Value::String(directive.clone()));
                return Err(format!("unknown patch type: {other} in map: {}", go_map(&Value::Object(patch))));
            }
        },
        Some(other) => return Err(format!("unknown patch type found: {other}")),
    }
    if let Some(retained) = patch.remove(RETAIN_KEYS) {
        let retained: Vec<&str> =
            retained.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let listed = |name: &str| name.starts_with('$') || retained.contains(&name);
        if patch.iter().any(|(name, value)| !value.is_null() && !listed(name)) {
            return Err(RETAIN_KEYS_WRONG.to_owned());
        }
        target.retain(|name, _| retained.contains(&name.as_str()));
    }
    let special: Vec<String> = patch.keys().filter(|name| name.starts_with('$')).cloned().collect();
    let mut orders = Vec::new();
    for name in special {
        let Some(value) = patch.remove(&name) else { continue };
        if let Some(field) = name.strip_prefix(DELETE_PRIMITIVES) {
            if let Some(Value::Array(items)) = target.get_mut(field) {
                let gone = value.as_array().cloned().unwrap_or_default();
                items.retain(|item| !gone.contains(item));
            }
        } else if let Some(field) = name.strip_prefix(ORDER) {
            orders.push((field.to_owned(), value));
        } else {
            patch.insert(name, value);
        }
    }
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
            continue;
        }
        let field = of.and_then(|of| of.field(&name));
        let below = field.map(|field| field.of()).or_else(|| of.and_then(|of| of.element()));
        let strategies: Vec<&str> = field.iter().flat_map(|field| field.patch_strategy()).collect();
        let order = orders.iter().position(|(of, _)| *of == name).map(|at| orders.swap_remove(at).1);
        let before = target.remove(&name);
        let merged = match (before, value) {
            (Some(Value::Object(before)), Value::Object(value)) => {
                if strategies.contains(&"replace") {
                    Value::Object(without_directives(value))
                } else {
                    Value::Object(merge_map(before, &value, below, as_is)?)
                }
            }
            (Some(Value::Array(before)), Value::Array(value)) => {
                if strategies.contains(&"merge") {
                    let key = field.and_then(|field| field.patch_merge_key());
                    let element = below.and_then(|below| below.element());
                    Value::Array(merge_list(before, value, key, element, order.as_ref())?)
                } else {
                    Value::Array(value.into_iter().filter(|item| !is_directive(item)).collect())
                }
            }
            (None, Value::Array(value)) if as_is && strategies.contains(&"merge") => {
                Value::Array(value.into_iter().map(discard_nulls).collect())
            }
            // There is nothing to merge with: what is to be deleted is not there already.
            (None, Value::Array(value)) if strategies.contains(&"merge") => {
                let kept = value.into_iter().filter(|item| item[DIRECTIVE] != "delete");
                Value::Array(kept.map(without_directive).map(discard_nulls).collect())
            }
            (None, Value::Object(value)) => match value.get(DIRECTIVE).and_then(Value::as_str) {
                Some("delete") => continue,
                _ => Value::Object(merge_map(Map::new(), &value, below, as_is)?),
            },
            (_, value) => value,
        };
        target.insert(name, merged);
    }
    for (name, order) in orders {
        let field = of.and_then(|of| of.field(&name));
        let key = field.and_then(|field| field.patch_merge_key());
        if let (Some(Value::Array(items)), Value::Array(order)) = (target.get_mut(&name), &order) {
            let live = items.clone();
            *items = arranged(std::mem::take(items), order, &live, key);
        }
    }
    Ok(target)
}

fn without_directives(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().filter(|(name, value)| !name.starts_with('$') && !value.is_null()).collect()
}

fn without_directive(mut item: Value) -> Value {
    if let Some(map) = item.as_object_mut() {
        map.remove(DIRECTIVE);
    }
    item
}

/// Drops what a patch wants removed where there is nothing.
fn discard_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, discard_nulls(value))).collect())
        }
        other => other,
    }
}

fn is_directive(item: &Value) -> bool {
    item.get(DIRECTIVE).is_some()
}

fn merge_list(
    original: Vec<Value>,
    patch: Vec<Value>,
    key: Option<&str>,
    element: Option<TypeRef<'_>>,
    order: Option<&Value>,
) -> Result<Vec<Value>, String> {
    let mut items = original.clone();
    let Some(key) = key else {
        for item in &patch {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
        let order = order.and_then(Value::as_array).unwrap_or(&patch);
        return Ok(arranged(items, order, &original, None));
    };
    if patch.iter().any(|item| item[DIRECTIVE] == "replace") {
        return Ok(patch.into_iter().filter(|item| !is_directive(item)).collect());
    }
    let mut plain = Vec::new();
    for item in &patch {
        let Value::Object(map) = item else {
            return Err("expected all elements in the list to be maps".to_owned());
        };
        let Some(id) = map.get(key).filter(|id| !id.is_null()) else {
            let map = go_map(item);
            return Err(format!("map: {map} does not contain declared merge key: {key}"));
        };
        match map.get(DIRECTIVE).and_then(Value::as_str) {
            Some("delete") => {
                items.retain(|known| known.get(key) != Some(id));
                continue;
            }
            Some("merge") | None => {}
            Some(other) => return Err(format!("unknown patch type found: {other}")),
        }
        let mut map = map.clone();
        map.remove(DIRECTIVE);
        let map = &map;
        plain.push(item.clone());
        match items.iter().position(|known| known.get(key) == Some(id)) {
            Some(position) => {
                if let Value::Object(before) = std::mem::take(&mut items[position]) {
                    items[position] = Value::Object(merge_map(before, map, element, false)?);
                }
            }
            None => items.push(Value::Object(merge_map(Map::new(), map, element, true)?)),
        }
    }
    if let Some(order) = order.and_then(Value::as_array) {
        let known = |item: &Value| order.iter().any(|of| of.get(key) == item.get(key));
        if !plain.iter().all(known) {
            let list = |items: &[Value]| go_map(&Value::Array(items.to_vec()));
            return Err(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                list(&plain),
                list(order)
            ));
        }
    }
    let order = order.and_then(Value::as_array).unwrap_or(&plain);
    Ok(arranged(items, order, &original, Some(key)))
}

/// Orders items: those in `order` as it has them, the others between them where the live list had them.
fn arranged(items: Vec<Value>, order: &[Value], live: &[Value], key: Option<&str>) -> Vec<Value> {
    let id = |item: &Value| match key {
        Some(key) => item.get(key).cloned().unwrap_or(Value::Null),
        None => item.clone(),
    };
    let place = |list: &[Value], item: &Value| list.iter().position(|of| id(of) == id(item));
    let (mut wanted, mut rest): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| place(order, item).is_some());
    wanted.sort_by_key(|item| place(order, item));
    rest.sort_by_key(|item| place(live, item));
    let mut result = Vec::new();
    let (mut left, mut right) = (rest.into_iter().peekable(), wanted.into_iter().peekable());
    loop {
        let take_left = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) => {
                matches!((place(live, l), place(live, r)), (Some(l), Some(r)) if l < r)
            }
            (Some(_), None) => true,
            (None, _) => false,
        };
        let next = if take_left { left.next() } else { right.next() };
        match next {
            Some(item) => result.push(item),
            None => return result,
        }
    }
}

pub(crate) fn go_map(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let parts: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}:{}", go_map(value))).collect();
            format!("map[{}]", parts.join(" "))
        }
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(go_map).collect();
            format!("[{}]", parts.join(" "))
        }
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}
