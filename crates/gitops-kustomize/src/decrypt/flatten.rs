//! Metadata of formats that have no nesting: `age__list_0__map_enc` is `age[0].enc`.

use std::collections::BTreeMap;

use super::tree::{Branch, Item, Value};

const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// The deepest nesting that is taken; sops writes four levels.
const DEPTH: usize = 32;

/// Returns the nested form of flat entries.
///
/// # Errors
/// When a key stands twice, is both a value and something with values in it, or a list has gaps.
pub(super) fn unflatten(flat: &Branch) -> Result<Branch, String> {
    let mut root = Node::default();
    for item in flat {
        let Some(name) = item.name() else { continue };
        let mut node = &mut root;
        for (depth, step) in steps(name).into_iter().enumerate() {
            if depth == DEPTH {
                return Err(format!("sops entry {name} nests too deep"));
            }
            node = match step {
                Step::Key(key) => node.keys.entry(key.to_owned()).or_default(),
                Step::Place(place) => node.places.entry(place).or_default(),
            };
        }
        if node.value.replace(item.value.clone()).is_some() {
            return Err(format!("sops entry {name} stands twice"));
        }
    }
    match root.into_value()? {
        Value::Map(map) => Ok(map),
        _ => Err("sops entries are no map".to_owned()),
    }
}

enum Step<'a> {
    Key(&'a str),
    Place(usize),
}

/// Parts a key; the first step is always a key of a map.
fn steps(name: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let (mut rest, mut in_list) = (name, false);
    loop {
        let next = [rest.find(MAP), rest.find(LIST)].into_iter().flatten().min();
        let part = &rest[..next.unwrap_or(rest.len())];
        steps.push(if in_list { Step::Place(part.parse().unwrap_or_default()) } else { Step::Key(part) });
        let Some(at) = next else { return steps };
        in_list = rest[at..].starts_with(LIST);
        rest = &rest[at + if in_list { LIST.len() } else { MAP.len() }..];
    }
}

#[derive(Default)]
struct Node {
    value: Option<Value>,
    keys: BTreeMap<String, Node>,
    places: BTreeMap<usize, Node>,
}

impl Node {
    fn into_value(self) -> Result<Value, String> {
        match (self.value, self.keys.is_empty(), self.places.is_empty()) {
            (Some(value), true, true) => Ok(value),
            (None, _, true) => {
                let items = self.keys.into_iter().map(|(key, node)| Ok(Item::new(key, node.into_value()?)));
                items.collect::<Result<_, String>>().map(Value::Map)
            }
            (None, true, false) => {
                if self.places.keys().next_back() != Some(&(self.places.len() - 1)) {
                    return Err("a list of the sops entries has gaps".to_owned());
                }
                self.places.into_values().map(Node::into_value).collect::<Result<_, _>>().map(Value::List)
            }
            _ => Err("a sops entry is both a value and a collection".to_owned()),
        }
    }
}
