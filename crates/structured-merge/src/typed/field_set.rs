//! The set of everything that a value says.

use serde_json::Value;

use super::error::{Problems, TypedError};
use super::list_items::ListItems;
use crate::schema::{ItemIdentity, ListShape, MapShape, TypeRef};
use crate::set::{Node, Set};

/// What a value says: something itself, or something below it.
struct Said {
    itself: bool,
    below: Set,
}

impl Said {
    const ITSELF: Self = Self { itself: true, below: Set::new() };
    const NOTHING: Self = Self { itself: false, below: Set::new() };
}

impl TypeRef<'_> {
    pub(crate) fn field_set_unbounded(&self, value: &Value) -> Result<Set, TypedError> {
        self.said(value).map(|said| said.below)
    }

    fn said(&self, value: &Value) -> Result<Said, TypedError> {
        let shapes = self.shapes_of(Some(value))?;
        if let Some(map) = shapes.map {
            self.said_by_map(&map, value)
        } else if shapes.scalar.is_some() {
            Ok(Said::ITSELF)
        } else if let Some(list) = shapes.list {
            self.said_by_list(&list, value)
        } else {
            Err(TypedError::new("schema error: invalid atom"))
        }
    }

    fn said_by_map(&self, map: &MapShape, value: &Value) -> Result<Said, TypedError> {
        if map.atomic {
            return Ok(Said::ITSELF);
        }
        let Value::Object(entries) = value else { return Ok(Said::NOTHING) };
        let mut nodes = Vec::with_capacity(entries.len());
        let mut problems = Problems::default();
        for (name, value) in entries {
            let entry = self.entry(map.element, name);
            match entry.known().and_then(|of| of.said(value)) {
                Ok(said) => {
                    // Nothing is said below an empty map, and an entry that is not declared is itself
                    // something that was said.
                    let is_empty = match value {
                        Value::Null => true,
                        Value::Object(map) => map.is_empty(),
                        _ => false,
                    };
                    let member = said.itself || is_empty || entry.declared.is_none();
                    nodes.push(Node { element: entry.element(name), member, children: said.below });
                }
                Err(error) => problems.add(error.prefixed(entry.element(name))),
            }
        }
        problems.finish()?;
        Ok(Said { itself: false, below: Set::from_nodes(nodes) })
    }

    fn said_by_list(&self, list: &ListShape<'_>, value: &Value) -> Result<Said, TypedError> {
        if list.items == ItemIdentity::Atomic {
            return Ok(Said::ITSELF);
        }
        let Value::Array(items) = value else { return Ok(Said::NOTHING) };
        let identities = ListItems::new(*self, list, items)?;
        let index = identities.index();
        let of = self.with(list.element);
        let mut nodes = Vec::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            if index.first(&identities.key(position)) != Some(position) {
                continue;
            }
            let element = identities.element(position);
            // Of items that occur several times only the fact is recorded.
            let children = if index.next(position).is_some() {
                Set::new()
            } else {
                of.said(item).map_err(|error| error.prefixed(&element))?.below
            };
            nodes.push(Node { element, member: true, children });
        }
        Ok(Said { itself: false, below: Set::from_nodes(nodes) })
    }
}
