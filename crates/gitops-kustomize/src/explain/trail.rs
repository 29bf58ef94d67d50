//! The trail of one object: a tree of the object's shape, whose leaves know the steps that set them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::resource::annotation;
use crate::yaml::{Id, Kind, Nodes};

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key(String),
    Index(usize),
}

/// A value whose leaves know the lines they were read from.
#[derive(Clone, Debug)]
pub(super) enum Lined {
    /// A scalar, or an empty map or list.
    Leaf(Value, usize),
    Map(Vec<(String, Lined)>),
    List(Vec<Lined>),
}

impl Lined {
    /// Returns the shape of a node. What only the build needs is left out, and with `finished` unset what the build
    /// notes in annotations is too.
    pub(super) fn of_node(nodes: &Nodes, id: Id, finished: bool) -> Self {
        let mut shape = Self::node(nodes, id, 0);
        if !finished && let Self::Map(fields) = &mut shape {
            hide_annotations(fields);
        }
        shape
    }

    fn node(nodes: &Nodes, id: Id, around: usize) -> Self {
        let node = &nodes[id];
        let line = usize::try_from(node.line).unwrap_or_default();
        let line = if line == 0 { around } else { line };
        match node.kind {
            Kind::Alias if node.content.len() == 1 => Self::node(nodes, node.content[0], line),
            Kind::Mapping if !node.content.is_empty() => {
                let field =
                    |(key, value): (Id, Id)| (nodes[key].value.to_string(), Self::node(nodes, value, line));
                Self::Map(nodes.pairs(id).map(field).collect())
            }
            Kind::Sequence if !node.content.is_empty() => {
                Self::List(node.content.iter().map(|item| Self::node(nodes, *item, line)).collect())
            }
            _ => Self::Leaf(nodes.value(id).unwrap_or_default(), line),
        }
    }

    /// Returns the shape of a value that was read from nowhere.
    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Object(map) if !map.is_empty() => {
                Self::Map(map.iter().map(|(key, value)| (key.clone(), Self::of_value(value))).collect())
            }
            Value::Array(items) if !items.is_empty() => {
                Self::List(items.iter().map(Self::of_value).collect())
            }
            leaf => Self::Leaf(leaf.clone(), 0),
        }
    }

    /// Tells whether a trail is of the same value.
    fn is_value_of(&self, tree: &Tree) -> bool {
        match (self, tree) {
            (Self::Leaf(value, _), Tree::Leaf { value: known, .. }) => value == known,
            (Self::Map(fields), Tree::Map(known)) => {
                fields.len() == known.len()
                    && fields
                        .iter()
                        .all(|(key, value)| known.get(key).is_some_and(|known| value.is_value_of(known)))
            }
            (Self::List(items), Tree::List(known)) => {
                items.len() == known.len()
                    && items.iter().zip(known).all(|(item, known)| item.is_value_of(known))
            }
            _ => false,
        }
    }

    fn leaf(&self, field: &str) -> Option<&Value> {
        let Self::Map(fields) = self else { return None };
        fields.iter().find_map(|(key, value)| match value {
            Self::Leaf(value, _) if key == field => Some(value),
            _ => None,
        })
    }
}

/// Leaves out the annotations by which a build remembers things.
fn hide_annotations(fields: &mut [(String, Lined)]) {
    let Some((_, Lined::Map(metadata))) = fields.iter_mut().find(|(key, _)| key == "metadata") else {
        return;
    };
    let Some(at) = metadata.iter().position(|(key, _)| key == "annotations") else { return };
    if let Lined::Map(annotations) = &mut metadata[at].1 {
        annotations.retain(|(key, _)| {
            !annotation::BUILD.contains(&key.as_str())
                && !matches!(key.as_str(), annotation::ORIGIN | annotation::TRANSFORMATIONS)
        });
        if annotations.is_empty() {
            metadata.remove(at);
        }
    }
}

/// The steps of every leaf.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Leaf { value: Value, steps: Vec<usize> },
    Map(BTreeMap<String, Tree>),
    List(Vec<Tree>),
}

/// The fields that tell the elements of a list apart, the most telling first.
const KEYS: [&str; 14] = [
    "name",
    "key",
    "containerPort",
    "port",
    "mountPath",
    "devicePath",
    "ip",
    "host",
    "path",
    "topologyKey",
    "kind",
    "type",
    "operator",
    "uid",
];

/// Returns the number of the step that set a field, from its path and the line of its value.
pub(super) type StepOf<'a> = &'a mut dyn FnMut(&[Part], usize) -> usize;

impl Tree {
    /// Returns the trail of a new value: what did not change keeps its steps, what did gets one more.
    pub(super) fn follow(old: Option<Self>, new: Lined, step: StepOf<'_>) -> Self {
        Self::followed(old, new, &mut Vec::new(), step)
    }

    fn followed(old: Option<Self>, new: Lined, path: &mut Vec<Part>, step: StepOf<'_>) -> Self {
        match new {
            Lined::Leaf(value, line) => match old {
                Some(Self::Leaf { value: known, steps }) if known == value => Self::Leaf { value, steps },
                Some(Self::Leaf { mut steps, .. }) => {
                    steps.push(step(path, line));
                    Self::Leaf { value, steps }
                }
                _ => Self::Leaf { value, steps: vec![step(path, line)] },
            },
            Lined::Map(fields) => {
                let mut known = match old {
                    Some(Self::Map(known)) => known,
                    _ => BTreeMap::new(),
                };
                let mut followed = BTreeMap::new();
                for (key, value) in fields {
                    path.push(Part::Key(key.clone()));
                    followed.insert(key.clone(), Self::followed(known.remove(&key), value, path, step));
                    path.pop();
                }
                Self::Map(followed)
            }
            Lined::List(items) => {
                let mut known: Vec<Option<Self>> = match old {
                    Some(Self::List(known)) => known.into_iter().map(Some).collect(),
                    _ => Vec::new(),
                };
                let partners = partners(&known, &items);
                let mut followed = Vec::with_capacity(items.len());
                for (at, (item, partner)) in items.into_iter().zip(partners).enumerate() {
                    path.push(Part::Index(at));
                    let old = partner.and_then(|at| known[at].take());
                    followed.push(Self::followed(old, item, path, step));
                    path.pop();
                }
                Self::List(followed)
            }
        }
    }

    /// Calls back with every leaf.
    pub(super) fn fields(&self, path: &mut Vec<Part>, found: &mut dyn FnMut(&[Part], &[usize])) {
        match self {
            Self::Leaf { steps, .. } => found(path, steps),
            Self::Map(fields) => {
                for (key, field) in fields {
                    path.push(Part::Key(key.clone()));
                    field.fields(path, found);
                    path.pop();
                }
            }
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(Part::Index(at));
                    item.fields(path, found);
                    path.pop();
                }
            }
        }
    }

    fn leaf(&self, field: &str) -> Option<&Value> {
        match self {
            Self::Map(fields) => match fields.get(field) {
                Some(Self::Leaf { value, .. }) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Finds for every new element of a list the old one that it was: the same one, one with the same key, or the one in
/// the same place.
fn partners(old: &[Option<Tree>], new: &[Lined]) -> Vec<Option<usize>> {
    let mut taken = vec![false; old.len()];
    let mut found = vec![None; new.len()];
    let mut pair = |matches: &dyn Fn(usize, usize, &Tree) -> bool| {
        for (at, partner) in found.iter_mut().enumerate().filter(|(_, partner)| partner.is_none()) {
            // The same place first: most lists keep their order.
            let places = std::iter::once(at).chain(0..old.len());
            let hit = places
                .filter(|place| *place < old.len() && !taken[*place])
                .find(|place| old[*place].as_ref().is_some_and(|tree| matches(at, *place, tree)));
            if let Some(place) = hit {
                taken[place] = true;
                *partner = Some(place);
            }
        }
    };
    pair(&|at, _, tree| new[at].is_value_of(tree));
    pair(&|at, _, tree| {
        let key = KEYS.iter().find(|key| new[at].leaf(key).is_some());
        key.is_some_and(|key| new[at].leaf(key) == tree.leaf(key))
    });
    if old.len() == new.len() {
        pair(&|at, place, _| at == place);
    }
    found
}

/// Prints a path for people.
pub(super) fn dotted(path: &[Part]) -> String {
    let mut text = String::new();
    for part in path {
        match part {
            Part::Index(at) => text.push_str(&format!("[{at}]")),
            Part::Key(key) => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
                if key.is_empty() || !key.chars().all(is_plain) {
                    text.push_str(&format!("[{key:?}]"));
                } else {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(key);
                }
            }
        }
    }
    text
}

/// Prints a path as a JSON pointer.
pub(super) fn pointer(path: &[Part]) -> String {
    path.iter()
        .map(|part| match part {
            Part::Index(at) => format!("/{at}"),
            Part::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        })
        .collect()
}
