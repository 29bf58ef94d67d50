//! Values of a type: validated, turned into sets, compared, merged, cut.

mod compare;
mod error;
mod field_set;
mod granularity;
mod list_items;
mod merge;
mod remove;
mod validate;

use std::borrow::Cow;

use serde_json::Value;

pub use compare::Comparison;
pub use error::{Problem, TypedError};
pub use remove::ListKeys;
pub use validate::Duplicates;

use crate::schema::{Shapes, TypeRef};
use crate::set::Set;
use crate::value::{MAX_DEPTH, is_shallow};

/// What can be done with the values of a type.
///
/// All but [`TypeRef::validate`] take it that the values are valid; invalid ones give an error or a
/// useless result, never a panic.
impl<'s> TypeRef<'s> {
    /// Checks that a value is of this type.
    ///
    /// # Errors
    /// Names everything that is wrong with it; after an undeclared field the rest of its map is not
    /// looked at.
    ///
    /// ```
    /// use serde_json::json;
    /// use structured_merge::Duplicates;
    /// use structured_merge::schema::Table;
    /// let table = Table::from_openapi(&json!({"Site": {"type": "object", "properties": {
    ///     "hosts": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
    /// }}}))?;
    /// let site = table.named("Site").expect("it was just read");
    /// let error = site.validate(&json!({"hostz": []}), Duplicates::Refuse).unwrap_err();
    /// assert_eq!(error.to_string(), ".hostz: field not declared in schema");
    /// let error = site.validate(&json!({"hosts": ["a", "a"]}), Duplicates::Refuse).unwrap_err();
    /// assert_eq!(error.to_string(), r#".hosts: duplicate entries for key [="a"]"#);
    /// # Ok::<(), structured_merge::schema::SchemaError>(())
    /// ```
    pub fn validate(&self, value: &Value, duplicates: Duplicates) -> Result<(), TypedError> {
        check_depth(value)?;
        self.validate_unbounded(value, duplicates)
    }

    /// Returns the set of everything that a value says: what its applier owns.
    ///
    /// # Errors
    /// Fails when a part of the value has no type.
    pub fn field_set(&self, value: &Value) -> Result<Set, TypedError> {
        check_depth(value)?;
        self.field_set_unbounded(value)
    }

    /// Returns what changed from one value to another.
    ///
    /// # Errors
    /// Fails when a part of a value has no type.
    pub fn compare(&self, from: &Value, to: &Value) -> Result<Comparison, TypedError> {
        check_depth(from)?;
        check_depth(to)?;
        self.compare_unbounded(from, to)
    }

    /// Merges what `from` says into a value; where both say something, `from` wins.
    ///
    /// Lists keep the order of `from` for the items it names, and the others stay where they are
    /// relative to them.
    ///
    /// # Errors
    /// Fails when a part of a value has no type, or `from` names a list item twice.
    ///
    /// ```
    /// use serde_json::json;
    /// use structured_merge::schema::deduced;
    /// let merged = deduced().merge(&json!({"a": 1, "b": 2}), &json!({"b": 3}))?;
    /// assert_eq!(merged, json!({"a": 1, "b": 3}));
    /// # Ok::<(), structured_merge::TypedError>(())
    /// ```
    pub fn merge(&self, into: &Value, from: &Value) -> Result<Value, TypedError> {
        check_depth(into)?;
        check_depth(from)?;
        self.merge_unbounded(into, from)
    }

    /// Takes the items and fields of a set out of a value. What becomes empty by it becomes null.
    #[must_use]
    pub fn remove(&self, value: Value, items: &Set) -> Value {
        if !is_shallow(&value, MAX_DEPTH) {
            return Value::Null;
        }
        self.remove_unbounded(value, items)
    }

    /// Returns only what a set names of a value.
    ///
    /// With the leaves of what a manager owns this is the object as that manager applied it. Atomic
    /// parts are given whole.
    ///
    /// ```
    /// use serde_json::json;
    /// use structured_merge::{ListKeys, Path, Set};
    /// use structured_merge::schema::deduced;
    /// let mine: Set = [Path::fields(["spec", "paused"])].into_iter().collect();
    /// let live = json!({"spec": {"paused": true, "replicas": 3}, "status": {}});
    /// assert_eq!(deduced().extract(&live, &mine, ListKeys::AsOwned), json!({"spec": {"paused": true}}));
    /// ```
    #[must_use]
    pub fn extract(&self, value: &Value, items: &Set, keys: ListKeys) -> Value {
        if !is_shallow(value, MAX_DEPTH) {
            return Value::Null;
        }
        self.extract_unbounded(value, items, keys)
    }

    /// Brings a set that was recorded under an older schema to the granularity of this one: what is
    /// atomic now is owned whole. `None` when nothing changes.
    ///
    /// What became granular stays as it is: its owner owns nothing below it until it writes again.
    ///
    /// # Errors
    /// Fails when a path of the set leads through a part without a type.
    pub fn reconcile(&self, set: &Set) -> Result<Option<Set>, TypedError> {
        self.reconcile_granularity(set)
    }

    /// Returns the set together with the parents of its paths that are declared fields.
    ///
    /// A declared field has no owner of its own unless it is atomic, so it is there exactly as long as
    /// something below it is.
    #[must_use]
    pub fn with_declared_parents(&self, set: &Set) -> Set {
        granularity::add_declared_parents(Some(*self), set)
    }

    /// Returns the shapes of a value of this type: of several the one that it has.
    fn shapes_of(&self, value: Option<&Value>) -> Result<Shapes<'s>, TypedError> {
        let all = self.shapes().ok_or_else(|| TypedError::new("schema error: no type found"))?;
        let only = match value {
            Some(Value::Number(_) | Value::String(_) | Value::Bool(_)) if all.scalar.is_some() => {
                Shapes { scalar: all.scalar, ..Shapes::default() }
            }
            Some(Value::Array(_)) if all.list.is_some() => Shapes { list: all.list, ..Shapes::default() },
            Some(Value::Object(_)) if all.map.is_some() => Shapes { map: all.map, ..Shapes::default() },
            _ => all,
        };
        Ok(only)
    }

    /// Returns the type of a map's entry, and its declared name if it has one.
    fn entry(&self, element: Option<crate::schema::TypeId>, name: &str) -> Entry<'s> {
        match self.field(name) {
            Some(field) => Entry { of: Some(self.with(field.id)), declared: Some(field.name) },
            None => Entry { of: element.map(|id| self.with(id)), declared: None },
        }
    }
}

/// The type of one entry of a map.
struct Entry<'s> {
    /// `None` when the map may not have it.
    of: Option<TypeRef<'s>>,
    declared: Option<&'s std::sync::Arc<str>>,
}

impl Entry<'_> {
    /// Returns the type, or an error where there may be no such entry.
    fn known(&self) -> Result<TypeRef<'_>, TypedError> {
        self.of.ok_or_else(|| TypedError::new("schema error: invalid atom: inlined"))
    }

    /// Returns the path element of the entry, without a copy of its name if the schema has it.
    fn element(&self, name: &str) -> crate::path::PathElement {
        crate::path::PathElement::Field(self.declared.map_or_else(|| name.into(), std::sync::Arc::clone))
    }
}

fn check_depth(value: &Value) -> Result<(), TypedError> {
    if is_shallow(value, MAX_DEPTH) {
        Ok(())
    } else {
        Err(TypedError::new(format!("nested deeper than {MAX_DEPTH} levels")))
    }
}

/// The items of a list, or none where there is no list.
fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

/// The entries of a map, or none where there is no map.
fn entries(value: Option<&Value>) -> Cow<'_, serde_json::Map<String, Value>> {
    match value {
        Some(Value::Object(map)) => Cow::Borrowed(map),
        _ => Cow::Owned(serde_json::Map::new()),
    }
}
