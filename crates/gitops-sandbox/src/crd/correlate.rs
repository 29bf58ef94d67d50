//! Which old item of a list a new one continues (upstream: correlation).

use serde_json::Value;

/// Returns what an item of a list was before. Only items of a list with keys can be told apart.
pub(super) fn old_item<'old>(schema: &Value, item: &Value, old: Option<&'old Value>) -> Option<&'old Value> {
    if schema["x-kubernetes-list-type"] != "map" {
        return None;
    }
    let keys = schema["x-kubernetes-list-map-keys"].as_array()?;
    let is_same = |known: &&Value| keys.iter().filter_map(Value::as_str).all(|key| known[key] == item[key]);
    old?.as_array()?.iter().find(is_same)
}
