//! The items of a list by what tells them apart.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use super::error::{Problems, TypedError};
use crate::path::{KeyFields, PathElement};
use crate::schema::{ItemIdentity, ListShape, TypeRef};
use crate::value::{equal_values, hash_value};

/// The identities of a list's items, borrowed from the items.
///
/// No path element is made until one is asked for: most items of a long list do not change.
pub(super) struct ListItems<'a> {
    /// The key fields; empty for a set.
    names: &'a [Arc<str>],
    /// The parts of all identities, `width` for each item.
    parts: Vec<Option<&'a Value>>,
    width: usize,
}

/// What one item is told apart by.
#[derive(Clone, Copy)]
pub(super) struct ItemKey<'a, 'k>(&'k [Option<&'a Value>]);

impl PartialEq for ItemKey<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(other.0).all(|(a, b)| match (a, b) {
                (Some(a), Some(b)) => equal_values(a, b),
                (None, None) => true,
                _ => false,
            })
    }
}

impl Eq for ItemKey<'_, '_> {}

impl Hash for ItemKey<'_, '_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for part in self.0 {
            match part {
                None => state.write_u8(0xff),
                Some(value) => hash_value(value, state),
            }
        }
    }
}

impl<'a> ListItems<'a> {
    /// Reads the identities of the items of a list of type `of`.
    pub(super) fn new(of: TypeRef<'a>, list: &ListShape<'a>, items: &'a [Value]) -> Result<Self, TypedError> {
        match list.items {
            ItemIdentity::Set => {
                let mut problems = Problems::default();
                let mut parts = Vec::with_capacity(items.len());
                for (position, item) in items.iter().enumerate() {
                    match set_item(item) {
                        Ok(()) => parts.push(Some(item)),
                        Err(message) => problems.add(at_position(position, message)),
                    }
                }
                problems.finish()?;
                Ok(Self { names: &[], parts, width: 1 })
            }
            ItemIdentity::Keys(names) => Self::keyed(of.with(list.element), names, items),
            ItemIdentity::Atomic | ItemIdentity::Unspecified if items.is_empty() => {
                Ok(Self { names: &[], parts: Vec::new(), width: 1 })
            }
            ItemIdentity::Atomic | ItemIdentity::Unspecified => {
                Err(at_position(0, "invalid indexing of non-associative list"))
            }
        }
    }

    fn keyed(element: TypeRef<'a>, names: &'a [Arc<str>], items: &'a [Value]) -> Result<Self, TypedError> {
        let mut problems = Problems::default();
        let mut parts = Vec::with_capacity(items.len() * names.len());
        for (position, item) in items.iter().enumerate() {
            let before = parts.len();
            let Value::Object(map) = item else {
                problems.add(at_position(
                    position,
                    match item {
                        Value::Null => "associative list with keys may not have a null element",
                        _ => "associative list with keys may not have non-map elements",
                    },
                ));
                continue;
            };
            for name in names {
                let part = match map.get(name.as_ref()) {
                    Some(value) => Some(value),
                    None => match default_of(element, name) {
                        Ok(default) => default,
                        Err(message) => {
                            let message = format!("couldn't find default value for {name}: {message}");
                            problems.add(at_position(position, message));
                            None
                        }
                    },
                };
                parts.push(part);
            }
            if parts[before..].iter().all(Option::is_none) {
                let message = format!(
                    "associative list with keys has an element that omits all key fields {} (and doesn't have default values for any key fields)",
                    quoted(names),
                );
                problems.add(at_position(position, message));
            }
        }
        problems.finish()?;
        Ok(Self { names, parts, width: names.len().max(1) })
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len() / self.width
    }

    pub(super) fn key(&self, position: usize) -> ItemKey<'a, '_> {
        ItemKey(&self.parts[position * self.width..(position + 1) * self.width])
    }

    /// Returns the path element of the item at this position.
    pub(super) fn element(&self, position: usize) -> PathElement {
        let ItemKey(parts) = self.key(position);
        if self.names.is_empty() {
            return PathElement::Value(Arc::new(
                parts.first().copied().flatten().cloned().unwrap_or_default(),
            ));
        }
        let named = self.names.iter().zip(parts);
        let fields = named.filter_map(|(name, part)| part.map(|value| (Arc::clone(name), value.clone())));
        PathElement::Key(KeyFields::new(fields))
    }

    /// Returns where each identity stands.
    pub(super) fn index(&self) -> Index<'a, '_> {
        Index::new(self)
    }
}

/// Where the items of a list stand, by identity.
pub(super) struct Index<'a, 'k> {
    first: Positions<'a, 'k>,
    /// For each position the next one with the same identity.
    next: Vec<Option<usize>>,
}

/// Short lists are searched, long ones hashed.
enum Positions<'a, 'k> {
    Short(Vec<(ItemKey<'a, 'k>, usize)>),
    Long(HashMap<ItemKey<'a, 'k>, usize>),
}

const SHORT: usize = 8;

impl<'a, 'k> Index<'a, 'k> {
    fn new(items: &'k ListItems<'a>) -> Self {
        let len = items.len();
        let mut next = Vec::new();
        let mut first = if len <= SHORT {
            Positions::Short(Vec::with_capacity(len))
        } else {
            Positions::Long(HashMap::with_capacity(len))
        };
        // From the back, so that each entry ends up at the first position of its identity.
        for position in (0..len).rev() {
            let key = items.key(position);
            let later = match &mut first {
                Positions::Short(entries) => match entries.iter_mut().find(|(entry, _)| *entry == key) {
                    Some((_, found)) => Some(std::mem::replace(found, position)),
                    None => {
                        entries.push((key, position));
                        None
                    }
                },
                Positions::Long(entries) => entries.insert(key, position),
            };
            if later.is_some() {
                next.resize(len, None);
                next[position] = later;
            }
        }
        Self { first, next }
    }

    /// Returns the first position with this identity.
    pub(super) fn first(&self, key: &ItemKey<'_, '_>) -> Option<usize> {
        match &self.first {
            Positions::Short(entries) => {
                entries.iter().find(|(entry, _)| entry == key).map(|(_, position)| *position)
            }
            Positions::Long(entries) => {
                // The lifetimes of a key are only those of what it borrows.
                entries.get(&ItemKey(key.0)).copied()
            }
        }
    }

    /// Returns the next position with the identity of this one.
    pub(super) fn next(&self, position: usize) -> Option<usize> {
        self.next.get(position).copied().flatten()
    }

    /// Returns all positions with this identity.
    pub(super) fn all(&self, key: &ItemKey<'_, '_>) -> impl Iterator<Item = usize> {
        std::iter::successors(self.first(key), |position| self.next(*position))
    }

    /// Returns true if no identity occurs twice.
    pub(super) fn is_unique(&self) -> bool {
        self.next.is_empty()
    }
}

fn set_item(item: &Value) -> Result<(), &'static str> {
    match item {
        Value::Object(_) => Err("associative list without keys has an element that's a map type"),
        Value::Array(_) => Err("not supported: associative list with lists as elements"),
        Value::Null => Err("associative list without keys has an element that's an explicit null"),
        _ => Ok(()),
    }
}

fn default_of<'a>(element: TypeRef<'a>, name: &str) -> Result<Option<&'a Value>, &'static str> {
    let shapes = element.shapes().ok_or("invalid elementType for list")?;
    if shapes.map.is_none() {
        return Err("associative list may not have non-map types");
    }
    Ok(element.field(name).and_then(|field| field.default))
}

fn at_position(position: usize, message: impl std::fmt::Display) -> TypedError {
    TypedError::new(format!("element {position}: {message}"))
}

fn quoted(names: &[Arc<str>]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("[{}]", names.join(" "))
}
