//! A schema as a table in memory.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Field, ItemIdentity, ListShape, MapShape, Scalar, Schema, Shapes, TypeId, TypeRef};

/// A schema read at run time: from OpenAPI documents, from a CRD, or from the form that the Go library
/// uses.
#[derive(Clone, Debug, Default)]
pub struct Table {
    types: Vec<TypeDef>,
    names: HashMap<Arc<str>, TypeId>,
    kinds: HashMap<(String, String, String), TypeId>,
}

/// One type of a [`Table`]; a type without any shape does not exist.
#[derive(Clone, Debug, Default)]
pub(super) struct TypeDef {
    pub(super) scalar: Option<Scalar>,
    pub(super) list: Option<ListDef>,
    pub(super) map: Option<MapDef>,
}

#[derive(Clone, Debug)]
pub(super) struct ListDef {
    pub(super) element: TypeId,
    pub(super) relation: ListRelation,
    pub(super) keys: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListRelation {
    Atomic,
    Associative,
    Unspecified,
}

#[derive(Clone, Debug)]
pub(super) struct MapDef {
    /// Sorted by name.
    pub(super) fields: Vec<FieldDef>,
    pub(super) element: Option<TypeId>,
    pub(super) atomic: bool,
    /// Whether what is not declared may be anything, by the schema's own words.
    pub(super) untyped_element: bool,
}

#[derive(Clone, Debug)]
pub(super) struct FieldDef {
    pub(super) name: Arc<str>,
    pub(super) id: TypeId,
    pub(super) default: Option<Value>,
}

impl Table {
    /// Returns the type with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<TypeRef<'_>> {
        self.names.get(name).map(|id| TypeRef::new(self, *id))
    }

    /// Returns the type of objects of this group, version and kind (`""` is the core group).
    #[must_use]
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<TypeRef<'_>> {
        let key = (group.to_owned(), version.to_owned(), kind.to_owned());
        self.kinds.get(&key).map(|id| TypeRef::new(self, *id))
    }

    /// Returns the names of its types, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.keys().map(AsRef::as_ref).collect();
        names.sort_unstable();
        names
    }

    /// Reserves a number for a named type whose definition follows.
    pub(super) fn declare(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let id = self.add(TypeDef::default());
        self.names.insert(name.into(), id);
        id
    }

    pub(super) fn declare_kind(&mut self, group: &str, version: &str, kind: &str, id: TypeId) {
        self.kinds.insert((group.to_owned(), version.to_owned(), kind.to_owned()), id);
    }

    pub(super) fn add(&mut self, def: TypeDef) -> TypeId {
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        self.types.push(def);
        id
    }

    pub(super) fn define(&mut self, id: TypeId, def: TypeDef) {
        if let Some(slot) = self.types.get_mut(id.0 as usize) {
            *slot = def;
        }
    }

    pub(super) fn def(&self, id: TypeId) -> Option<&TypeDef> {
        self.types.get(id.0 as usize)
    }
}

impl Schema for Table {
    fn shapes(&self, id: TypeId) -> Option<Shapes<'_>> {
        let def = self.def(id)?;
        let list = def.list.as_ref().map(|list| ListShape {
            element: list.element,
            items: match list.relation {
                ListRelation::Atomic => ItemIdentity::Atomic,
                ListRelation::Associative if list.keys.is_empty() => ItemIdentity::Set,
                ListRelation::Associative => ItemIdentity::Keys(&list.keys),
                ListRelation::Unspecified => ItemIdentity::Unspecified,
            },
        });
        let map = def.map.as_ref().map(|map| MapShape {
            element: map.element,
            atomic: map.atomic,
            free_form: map.fields.is_empty() && map.untyped_element,
        });
        let shapes = Shapes { scalar: def.scalar, list, map };
        (shapes.scalar.is_some() || shapes.list.is_some() || shapes.map.is_some()).then_some(shapes)
    }

    fn field(&self, id: TypeId, name: &str) -> Option<Field<'_>> {
        let fields = &self.def(id)?.map.as_ref()?.fields;
        let position = fields.binary_search_by(|field| field.name.as_ref().cmp(name)).ok()?;
        let field = &fields[position];
        Some(Field { name: &field.name, id: field.id, default: field.default.as_ref() })
    }
}
