//! Schemas: what the types of an object are, as far as merging needs to know.

mod deduced;
mod openapi;
mod smd_form;
mod table;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

pub use deduced::deduced;
pub use table::Table;

/// How deep a schema may be nested where it is written without names. Real ones stay below twenty.
const MAX_SCHEMA_DEPTH: usize = 64;

/// A schema: types with numbers, each of which says what its values look like.
///
/// The trait is all that merging needs to know of types. [`Table`] implements it for schemas read from
/// OpenAPI documents and CRDs; other crates may implement it over tables of their own.
pub trait Schema: Send + Sync {
    /// Returns the shapes that a value of the type may have; `None` when there is no such type.
    fn shapes(&self, id: TypeId) -> Option<Shapes<'_>>;

    /// Returns a declared field of the type when it is a map.
    fn field(&self, id: TypeId, name: &str) -> Option<Field<'_>>;
}

/// The number of a type in its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

/// The shapes that values of one type may have. Mostly only one of them is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shapes<'s> {
    /// How it looks as a scalar.
    pub scalar: Option<Scalar>,
    /// How it looks as a list.
    pub list: Option<ListShape<'s>>,
    /// How it looks as a map.
    pub map: Option<MapShape>,
}

/// The kinds of scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scalar {
    /// A number.
    Numeric,
    /// A string.
    String,
    /// A boolean.
    Boolean,
    /// Any of them.
    Untyped,
    /// A kind that no value but null has: the schema names one that does not exist.
    Unknown,
}

/// How lists of a type look.
#[derive(Clone, Copy, Debug)]
pub struct ListShape<'s> {
    /// The type of the items.
    pub element: TypeId,
    /// How the items are told apart.
    pub items: ItemIdentity<'s>,
}

/// How the items of a list are told apart when two lists are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemIdentity<'s> {
    /// Not at all: the list is one value (`x-kubernetes-list-type: atomic`).
    Atomic,
    /// By their value (`x-kubernetes-list-type: set`).
    Set,
    /// By these fields (`x-kubernetes-list-type: map`).
    Keys(&'s [Arc<str>]),
    /// The schema does not say: such lists can be validated, not merged.
    Unspecified,
}

/// How maps of a type look.
#[derive(Clone, Copy, Debug)]
pub struct MapShape {
    /// The type of fields that are not declared; `None` when there may be none.
    pub element: Option<TypeId>,
    /// Whether the map is one value (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// Whether the map has no declared fields and holds anything: the granularity of what managers own
    /// below it is then left as it is.
    pub free_form: bool,
}

/// A declared field of a map.
#[derive(Clone, Copy, Debug)]
pub struct Field<'s> {
    /// Its name.
    pub name: &'s Arc<str>,
    /// Its type.
    pub id: TypeId,
    /// Its default, which also counts where the field is the key of a list and is left out.
    pub default: Option<&'s Value>,
}

/// A type together with the schema it belongs to: all that is needed to work on its values.
#[derive(Clone, Copy)]
pub struct TypeRef<'s> {
    schema: &'s dyn Schema,
    id: TypeId,
}

impl<'s> TypeRef<'s> {
    /// Returns the type with this number in this schema.
    #[must_use]
    pub fn new(schema: &'s dyn Schema, id: TypeId) -> Self {
        Self { schema, id }
    }

    /// Returns its number.
    #[must_use]
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// Returns its schema.
    #[must_use]
    pub fn schema(&self) -> &'s dyn Schema {
        self.schema
    }

    /// Returns the shapes that its values may have.
    #[must_use]
    pub fn shapes(&self) -> Option<Shapes<'s>> {
        self.schema.shapes(self.id)
    }

    /// Returns the declared field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Field<'s>> {
        self.schema.field(self.id, name)
    }

    /// Returns another type of the same schema.
    pub(crate) fn with(&self, id: TypeId) -> Self {
        Self { schema: self.schema, id }
    }
}

impl fmt::Debug for TypeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypeRef").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a document is not a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema is invalid at {at}: {message}")]
pub struct SchemaError {
    at: String,
    message: String,
}

impl SchemaError {
    pub(crate) fn new(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: at.into(), message: message.into() }
    }
}
