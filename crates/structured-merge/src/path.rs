//! Paths: how one field, list item or map entry of an object is named.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use crate::value::{MAX_DEPTH, compare_values, equal_values, hash_value, write_text};

/// One step of a [`Path`].
///
/// Elements are ordered as the API server writes them: fields, keys, values, indices.
#[derive(Clone, Debug)]
pub enum PathElement {
    /// The field of a map (`.spec`).
    Field(Arc<str>),
    /// The item of a list of maps, named by its key fields (`[name="app"]`).
    Key(KeyFields),
    /// The item of a set, which is its own name (`[="finalizer"]`).
    Value(Arc<Value>),
    /// The item of a list, by its position (`[3]`).
    Index(i64),
}

impl PathElement {
    /// Returns the element of a field.
    #[must_use]
    pub fn field(name: impl Into<Arc<str>>) -> Self {
        Self::Field(name.into())
    }

    /// Returns the element of a list item with these key fields.
    pub fn key<N: Into<Arc<str>>, V: Into<Value>>(fields: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::Key(KeyFields::new(fields))
    }

    /// Returns the element of a set's item.
    #[must_use]
    pub fn value(value: impl Into<Value>) -> Self {
        Self::Value(Arc::new(value.into()))
    }

    /// Returns the element of a list item by position.
    #[must_use]
    pub fn index(index: i64) -> Self {
        Self::Index(index)
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => {
                if Arc::ptr_eq(a, b) {
                    Ordering::Equal
                } else {
                    a.cmp(b)
                }
            }
            (Self::Key(a), Self::Key(b)) => a.cmp(b),
            (Self::Value(a), Self::Value(b)) => compare_values(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a == b,
            (Self::Value(a), Self::Value(b)) => equal_values(a, b),
            _ => self.cmp(other).is_eq(),
        }
    }
}

impl Eq for PathElement {}

impl Hash for PathElement {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Field(name) => name.hash(state),
            Self::Key(key) => {
                for (name, value) in key.iter() {
                    name.hash(state);
                    hash_value(value, state);
                }
            }
            Self::Value(value) => hash_value(value, state),
            Self::Index(index) => index.hash(state),
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        match self {
            Self::Field(name) => {
                text.push('.');
                text.push_str(name);
            }
            Self::Key(key) => {
                text.push('[');
                for (position, (name, value)) in key.iter().enumerate() {
                    if position > 0 {
                        text.push(',');
                    }
                    text.push_str(name);
                    text.push('=');
                    write_text(value, &mut text);
                }
                text.push(']');
            }
            Self::Value(value) => {
                text.push_str("[=");
                write_text(value, &mut text);
                text.push(']');
            }
            Self::Index(index) => text = format!("[{index}]"),
        }
        f.write_str(&text)
    }
}

/// The key fields that name one item of a list of maps, ordered by name.
#[derive(Clone, Debug)]
pub struct KeyFields(Arc<[(Arc<str>, Value)]>);

impl KeyFields {
    /// Returns the key with these fields; of fields with one name the last counts.
    pub fn new<N: Into<Arc<str>>, V: Into<Value>>(fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut fields: Vec<(Arc<str>, Value)> =
            fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        if !fields.is_sorted_by(|a, b| a.0 < b.0) {
            fields.reverse();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            fields.dedup_by(|a, b| a.0 == b.0);
        }
        Self(fields.into())
    }

    /// Iterates over name and value of each key field.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl Ord for KeyFields {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter()
            .zip(other.iter())
            .map(|((na, va), (nb, vb))| na.cmp(nb).then_with(|| compare_values(va, vb)))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for KeyFields {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeyFields {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for KeyFields {}

/// The way from an object's root to one of its parts.
///
/// ```
/// use structured_merge::{Path, PathElement};
/// let path = Path::new([
///     PathElement::field("spec"),
///     PathElement::field("containers"),
///     PathElement::key([("name", "app")]),
///     PathElement::field("image"),
/// ]);
/// assert_eq!(path.to_string(), r#".spec.containers[name="app"].image"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<PathElement>);

impl Path {
    /// Returns the path with these elements.
    ///
    /// What lies deeper than [`MAX_DEPTH`] elements is cut off: no object that this crate handles
    /// is deeper, and so the path still names nothing that exists.
    #[must_use]
    pub fn new(elements: impl IntoIterator<Item = PathElement>) -> Self {
        Self(elements.into_iter().take(MAX_DEPTH).collect())
    }

    /// Returns the path through these fields.
    ///
    /// ```
    /// # use structured_merge::Path;
    /// assert_eq!(Path::fields(["spec", "replicas"]).to_string(), ".spec.replicas");
    /// ```
    #[must_use]
    pub fn fields<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(names.into_iter().map(PathElement::field))
    }

    /// Returns the elements from the root on.
    #[must_use]
    pub fn elements(&self) -> &[PathElement] {
        &self.0
    }

    /// Returns the path one element longer.
    #[must_use]
    pub fn child(&self, element: PathElement) -> Self {
        Self::new(self.0.iter().cloned().chain([element]))
    }

    /// Returns true if this path names `other` or something above it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| element.fmt(f))
    }
}
