//! Sets of objects whose types nobody knows.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::path::{KeyFields, PathElement};
use crate::set::{Node, Set};
use crate::value::{MAX_DEPTH, is_shallow};

/// The fields by which the items of a list are taken to be told apart.
const LIKELY_KEYS: [&str; 3] = ["key", "id", "name"];

impl Set {
    /// Returns the leaves of a value, without a schema: the items of a list are named by their fields
    /// `key`, `id` and `name` where they have any, else by position.
    ///
    /// A value that is nested too deep has no leaves.
    ///
    /// ```
    /// use serde_json::json;
    /// use structured_merge::Set;
    /// let set = Set::guess(&json!({"list": [{"name": "a", "value": 1}, 2]}));
    /// assert_eq!(set.to_string(), ".list[1]\n.list[name=\"a\"].name\n.list[name=\"a\"].value");
    /// ```
    #[must_use]
    pub fn guess(value: &Value) -> Self {
        if is_shallow(value, MAX_DEPTH) { guess(value).unwrap_or_default() } else { Self::new() }
    }
}

/// Returns the leaves below a value, or `None` when it is one.
fn guess(value: &Value) -> Option<Set> {
    let node = |element, value| {
        let below = guess(value);
        Node { element, member: below.is_none(), children: below.unwrap_or_default() }
    };
    let nodes = match value {
        Value::Object(map) => {
            map.iter().map(|(name, value)| node(PathElement::field(name.as_str()), value)).collect()
        }
        Value::Array(items) => {
            items.iter().zip(0..).map(|(item, position)| node(element(item, position), item)).collect()
        }
        _ => return None,
    };
    Some(Set::from_nodes(nodes))
}

fn element(item: &Value, position: i64) -> PathElement {
    let empty = Map::new();
    let map = item.as_object().unwrap_or(&empty);
    let is_scalar = |value: &&Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    let fields: Vec<(Arc<str>, Value)> = LIKELY_KEYS
        .iter()
        .filter_map(|name| Some((Arc::from(*name), map.get(*name).filter(is_scalar)?.clone())))
        .collect();
    if fields.is_empty() { PathElement::Index(position) } else { PathElement::Key(KeyFields::new(fields)) }
}
