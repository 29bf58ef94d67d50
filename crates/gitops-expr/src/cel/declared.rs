//! Types that variables are declared with: what a checked expression may read, and how much of it there may be.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The type of a variable, with the most that a value of it may hold; cheap to clone.
///
/// ```
/// use gitops_expr::cel::{Declared, Environment, Expression};
/// use serde_json::json;
///
/// let names = Declared::list(Declared::string(63), 10);
/// let spec = Declared::object([("names".to_owned(), names), ("count".to_owned(), Declared::int())]);
/// let environment = Environment::kubernetes().declare("self", spec);
/// assert!(Expression::compile("self.names.all(n, n.size() > self.count)", &environment).is_ok());
/// assert!(Expression::compile("self.nmaes.size() > 0", &environment).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub(super) shape: Shape,
    /// The most characters, bytes, items or entries; 0 for what has no size.
    pub(super) most: u64,
    pub(super) nullable: bool,
}

/// What a declared value is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Dyn,
    Bool,
    Int,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    Date,
    List(Arc<Declared>, ListIdentity),
    Map(Arc<Declared>),
    Object(Arc<Fields>),
}

/// The fields of an object by the names that expressions use.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Fields {
    pub(super) named: BTreeMap<String, Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The name in JSON.
    pub(super) name: String,
    pub(super) declared: Declared,
}

/// What makes two lists the same (`x-kubernetes-list-type`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ListIdentity {
    /// The same items in the same order.
    #[default]
    Ordered,
    /// The same items in any order; adding two lists joins them.
    Set,
    /// The same items by these keys, in any order; adding two lists replaces items by key.
    Keyed(Arc<[String]>),
}

impl Declared {
    fn plain(shape: Shape, most: u64) -> Self {
        Declared { shape, most, nullable: false }
    }

    /// Returns the type of what may be anything, of at most so many characters.
    #[must_use]
    pub fn anything(most: u64) -> Self {
        Self::plain(Shape::Dyn, most)
    }

    /// Returns the type of true and false.
    #[must_use]
    pub fn bool() -> Self {
        Self::plain(Shape::Bool, 0)
    }

    /// Returns the type of whole numbers.
    #[must_use]
    pub fn int() -> Self {
        Self::plain(Shape::Int, 0)
    }

    /// Returns the type of numbers with fractions; whole ones of JSON count as them.
    #[must_use]
    pub fn double() -> Self {
        Self::plain(Shape::Double, 0)
    }

    /// Returns the type of texts of at most so many characters.
    #[must_use]
    pub fn string(most: u64) -> Self {
        Self::plain(Shape::String, most)
    }

    /// Returns the type of bytes, which JSON holds in base 64.
    #[must_use]
    pub fn bytes(most: u64) -> Self {
        Self::plain(Shape::Bytes, most)
    }

    /// Returns the type of durations, which JSON holds as texts of at most so many characters.
    #[must_use]
    pub fn duration(most: u64) -> Self {
        Self::plain(Shape::Duration, most)
    }

    /// Returns the type of times, which JSON holds as texts of RFC 3339 of at most so many characters.
    #[must_use]
    pub fn timestamp(most: u64) -> Self {
        Self::plain(Shape::Timestamp, most)
    }

    /// Returns the type of days (`2024-02-29`), which expressions see as times.
    #[must_use]
    pub fn date(most: u64) -> Self {
        Self::plain(Shape::Date, most)
    }

    /// Returns the type of lists of at most so many items.
    #[must_use]
    pub fn list(item: Declared, most: u64) -> Self {
        Self::plain(Shape::List(Arc::new(item), ListIdentity::Ordered), most)
    }

    /// Returns the type of maps from strings, of at most so many entries.
    #[must_use]
    pub fn map(value: Declared, most: u64) -> Self {
        Self::plain(Shape::Map(Arc::new(value)), most)
    }

    /// Returns the type of objects with these fields. A name that is no identifier is escaped as Kubernetes does
    /// (`a-b` is `a__dash__b`); one that cannot be is left out.
    #[must_use]
    pub fn object(fields: impl IntoIterator<Item = (String, Declared)>) -> Self {
        let named = fields.into_iter().filter_map(|(name, declared)| {
            let escaped = super::typed::escape(&name)?;
            Some((escaped, Field { name, declared }))
        });
        Self::plain(Shape::Object(Arc::new(Fields { named: named.collect() })), 0)
    }

    /// Says what makes two lists of this type the same; no effect on other types.
    #[must_use]
    pub fn with_identity(mut self, identity: ListIdentity) -> Self {
        if let Shape::List(_, known) = &mut self.shape {
            *known = identity;
        }
        self
    }

    /// Allows null.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Returns the type of a field of an object, by its name in JSON.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Declared> {
        let Shape::Object(fields) = &self.shape else { return None };
        fields.named.values().find(|field| field.name == name).map(|field| &field.declared)
    }

    /// Returns the type of what a list or map holds.
    #[must_use]
    pub fn element(&self) -> Option<&Declared> {
        match &self.shape {
            Shape::List(item, _) => Some(item),
            Shape::Map(value) => Some(value),
            _ => None,
        }
    }
}
