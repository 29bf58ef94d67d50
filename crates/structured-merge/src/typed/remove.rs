//! Taking parts out of a value, and taking only them.

use serde_json::{Map, Value};

use super::list_items::ListItems;
use crate::path::PathElement;
use crate::schema::{ItemIdentity, ListShape, MapShape, TypeRef};
use crate::set::Set;

/// What [`TypeRef::extract`] gives of list items of which only some fields are owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKeys {
    /// Only the owned fields.
    AsOwned,
    /// The owned fields and the key fields, without which the item could not be applied.
    Always,
}

/// How what is taken out was named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// By somebody who looked at the value.
    Exact,
    /// By what somebody owned once: the value may have become another kind of thing since, whose parts
    /// nobody named.
    Dropped,
}

impl TypeRef<'_> {
    pub(crate) fn remove_unbounded(&self, mut value: Value, items: &Set) -> Value {
        self.remove_in_place(&mut value, items, Mode::Exact);
        value
    }

    /// Takes out what was owned and is no more, as far as it is still there to be owned: an empty list
    /// has no items, a list that became atomic none of its own, so both stay.
    pub(crate) fn remove_dropped(&self, mut value: Value, items: &Set) -> Value {
        self.remove_in_place(&mut value, items, Mode::Dropped);
        value
    }

    fn remove_in_place(&self, value: &mut Value, set: &Set, mode: Mode) {
        let Ok(shapes) = self.shapes_of(Some(value)) else {
            if mode == Mode::Exact {
                *value = Value::Null;
            }
            return;
        };
        if let Some(map) = shapes.map {
            self.remove_from_map(&map, value, set, mode);
        } else if shapes.scalar.is_some() {
            // A scalar has no parts.
        } else if let Some(list) = shapes.list {
            self.remove_from_list(&list, value, set, mode);
        } else if mode == Mode::Exact {
            *value = Value::Null;
        }
    }

    fn remove_from_map(&self, shape: &MapShape, value: &mut Value, set: &Set, mode: Mode) {
        let is_left = match value {
            Value::Object(map) if !shape.atomic && !map.is_empty() => {
                for node in set.nodes() {
                    let PathElement::Field(name) = &node.element else { continue };
                    if node.member {
                        let is_kept = mode == Mode::Dropped
                            && map
                                .get(name.as_ref())
                                .is_some_and(|value| self.is_granular_empty_list(name, value));
                        if !is_kept {
                            map.remove(name.as_ref());
                        }
                    } else if let Some(below) = map.get_mut(name.as_ref()) {
                        match self.entry(shape.element, name).of {
                            Some(of) => of.remove_in_place(below, &node.children, mode),
                            None => *below = Value::Null,
                        }
                    }
                }
                !map.is_empty()
            }
            _ => mode == Mode::Dropped,
        };
        if !is_left {
            *value = Value::Null;
        }
    }

    fn remove_from_list(&self, shape: &ListShape<'_>, value: &mut Value, set: &Set, mode: Mode) {
        let is_left = match value {
            Value::Array(list) if shape.items != ItemIdentity::Atomic && !list.is_empty() => {
                // Invalid items have no element, so nothing can name them.
                let elements: Vec<Option<PathElement>> = match ListItems::new(*self, shape, list) {
                    Ok(items) => (0..list.len()).map(|position| Some(items.element(position))).collect(),
                    Err(_) => vec![None; list.len()],
                };
                let of = self.with(shape.element);
                let mut elements = elements.into_iter();
                list.retain_mut(|item| {
                    let node = elements.next().flatten().and_then(|element| set.node(&element));
                    match node {
                        None => true,
                        Some(node) if node.member => false,
                        Some(node) => {
                            of.remove_in_place(item, &node.children, mode);
                            true
                        }
                    }
                });
                !list.is_empty()
            }
            _ => mode == Mode::Dropped,
        };
        if !is_left {
            *value = Value::Null;
        }
    }

    /// Whether a value is an empty list in a declared field whose items are owned one by one.
    fn is_granular_empty_list(&self, name: &str, value: &Value) -> bool {
        let Some(field) = self.field(name).filter(|_| value.as_array().is_some_and(Vec::is_empty)) else {
            return false;
        };
        let shapes = self.with(field.id).shapes().unwrap_or_default();
        shapes.list.is_some_and(|list| list.items != ItemIdentity::Atomic)
    }

    pub(crate) fn extract_unbounded(&self, value: &Value, set: &Set, keys: ListKeys) -> Value {
        let Ok(shapes) = self.shapes_of(Some(value)) else { return Value::Null };
        if let Some(map) = shapes.map {
            self.extract_from_map(&map, value, set, keys)
        } else if shapes.scalar.is_some() {
            value.clone()
        } else if let Some(list) = shapes.list {
            self.extract_from_list(&list, value, set, keys)
        } else {
            Value::Null
        }
    }

    fn extract_from_map(&self, shape: &MapShape, value: &Value, set: &Set, keys: ListKeys) -> Value {
        let Value::Object(map) = value else { return Value::Null };
        if map.is_empty() || shape.atomic {
            return value.clone();
        }
        let mut kept = Map::new();
        for node in set.nodes() {
            let PathElement::Field(name) = &node.element else { continue };
            let Some(below) = map.get(name.as_ref()) else { continue };
            let part = match self.entry(shape.element, name).of {
                Some(of) => of.extract_unbounded(below, &node.children, keys),
                None => Value::Null,
            };
            kept.insert(name.to_string(), part);
        }
        if kept.is_empty() { Value::Null } else { Value::Object(kept) }
    }

    fn extract_from_list(&self, shape: &ListShape<'_>, value: &Value, set: &Set, keys: ListKeys) -> Value {
        let Value::Array(list) = value else { return Value::Null };
        if shape.items == ItemIdentity::Atomic || list.is_empty() {
            return value.clone();
        }
        let Ok(items) = ListItems::new(*self, shape, list) else { return Value::Null };
        let of = self.with(shape.element);
        let mut kept = Vec::new();
        for (position, item) in list.iter().enumerate() {
            let element = items.element(position);
            let Some(node) = set.node(&element) else { continue };
            // Who owns an item and nothing below it owns it whole.
            let mut part = match node.children.is_empty() {
                true => item.clone(),
                false => of.extract_unbounded(item, &node.children, keys),
            };
            if keys == ListKeys::Always && (node.member || !part.is_null()) {
                add_keys(&mut part, &element, item);
            }
            kept.push(part);
        }
        if kept.is_empty() { Value::Null } else { Value::Array(kept) }
    }
}

/// Adds the key fields of a list item to what is extracted of it.
fn add_keys(part: &mut Value, element: &PathElement, item: &Value) {
    let (PathElement::Key(fields), Value::Object(item)) = (element, item) else { return };
    if part.is_null() {
        *part = Value::Object(Map::new());
    }
    let Value::Object(part) = part else { return };
    for (name, _) in fields.iter() {
        if let Some(key) = item.get(name.as_ref()) {
            part.entry(name.as_ref()).or_insert_with(|| key.clone());
        }
    }
}
