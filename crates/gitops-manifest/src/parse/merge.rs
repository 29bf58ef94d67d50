//! The merge key `<<`.

use serde_json::{Map, Value};

const WANTED: &str = "the merge key << takes a map, or a list of maps written in place";

/// Sets every key of the source, over keys that are there: go-yaml v2 reads a map from top to bottom.
pub(super) fn over(map: &mut Map<String, Value>, source: Map<String, Value>) {
    map.extend(source);
}

/// Sets the keys of the source that the map does not have itself.
pub(super) fn under(map: &mut Map<String, Value>, source: Map<String, Value>) {
    for (key, value) in source {
        map.entry(key).or_insert(value);
    }
}

/// Returns the one map that the value of `<<` stands for; of several maps the earlier win.
pub(super) fn source(value: Value, is_alias: bool) -> Result<Map<String, Value>, &'static str> {
    match value {
        Value::Object(map) => Ok(map),
        Value::Array(maps) if !is_alias => {
            let mut merged = Map::new();
            for map in maps {
                let Value::Object(map) = map else { return Err(WANTED) };
                under(&mut merged, map);
            }
            Ok(merged)
        }
        _ => Err(WANTED),
    }
}
