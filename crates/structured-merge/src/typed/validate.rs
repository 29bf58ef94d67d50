//! Is a value of its type?

use serde_json::Value;

use super::error::{Problems, TypedError};
use super::list_items::ListItems;
use crate::path::PathElement;
use crate::schema::{ItemIdentity, ListShape, MapShape, Scalar, TypeRef};

/// Whether lists may have several items with one identity.
///
/// An applied configuration may not; a live object may, for an update is not checked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// They may not.
    #[default]
    Refuse,
    /// They may.
    Allow,
}

impl TypeRef<'_> {
    pub(crate) fn validate_unbounded(&self, value: &Value, duplicates: Duplicates) -> Result<(), TypedError> {
        let shapes = self.shapes_of(Some(value))?;
        if let Some(map) = shapes.map {
            self.validate_map(&map, value, duplicates)
        } else if let Some(scalar) = shapes.scalar {
            validate_scalar(scalar, value).map_err(TypedError::new)
        } else if let Some(list) = shapes.list {
            self.validate_list(&list, value, duplicates)
        } else {
            Err(TypedError::new("schema error: invalid atom"))
        }
    }

    fn validate_map(&self, map: &MapShape, value: &Value, duplicates: Duplicates) -> Result<(), TypedError> {
        let entries = match value {
            Value::Null => return Ok(()),
            Value::Object(entries) => entries,
            other => return Err(TypedError::new(format!("expected map, got {other}"))),
        };
        let mut problems = Problems::default();
        for (name, value) in entries {
            let Some(of) = self.entry(map.element, name).of else {
                let error = TypedError::new("field not declared in schema");
                problems.add(error.prefixed(PathElement::field(name.as_str())));
                break;
            };
            if let Err(error) = of.validate_unbounded(value, duplicates) {
                problems.add(error.prefixed(PathElement::field(name.as_str())));
            }
        }
        problems.finish()
    }

    fn validate_list(
        &self,
        list: &ListShape<'_>,
        value: &Value,
        duplicates: Duplicates,
    ) -> Result<(), TypedError> {
        let items = match value {
            Value::Null => return Ok(()),
            Value::Array(items) => items,
            other => return Err(TypedError::new(format!("expected list, got {other}"))),
        };
        let of = self.with(list.element);
        let mut problems = Problems::default();
        if matches!(list.items, ItemIdentity::Atomic | ItemIdentity::Unspecified) {
            for (position, item) in items.iter().enumerate() {
                if let Err(error) = of.validate_unbounded(item, duplicates) {
                    problems.add(error.prefixed(format_args!("[{position}]")));
                }
            }
            return problems.finish();
        }
        let identities = ListItems::new(*self, list, items)?;
        let index = identities.index();
        for (position, item) in items.iter().enumerate() {
            if duplicates == Duplicates::Refuse
                && !index.is_unique()
                && index.first(&identities.key(position)) != Some(position)
            {
                let element = identities.element(position);
                problems.add(TypedError::new(format!("duplicate entries for key {element}")));
            }
            if let Err(error) = of.validate_unbounded(item, duplicates) {
                problems.add(error.prefixed(identities.element(position)));
            }
        }
        problems.finish()
    }
}

pub(super) fn validate_scalar(scalar: Scalar, value: &Value) -> Result<(), String> {
    let expected = match (scalar, value) {
        (_, Value::Null)
        | (Scalar::Numeric | Scalar::Untyped, Value::Number(_))
        | (Scalar::String | Scalar::Untyped, Value::String(_))
        | (Scalar::Boolean | Scalar::Untyped, Value::Bool(_)) => return Ok(()),
        (Scalar::Numeric, _) => "numeric (int or float)",
        (Scalar::String, _) => "string",
        (Scalar::Boolean, _) => "boolean",
        (Scalar::Untyped, _) => "any scalar",
        (Scalar::Unknown, _) => return Err("unexpected scalar type in schema".to_owned()),
    };
    // The server names the type where it wants a number.
    let found = match (scalar, value) {
        (Scalar::Numeric, Value::String(_)) => "string".to_owned(),
        (Scalar::Numeric, Value::Bool(_)) => "bool".to_owned(),
        (Scalar::Numeric, Value::Array(_)) => "[]interface {}".to_owned(),
        (Scalar::Numeric, Value::Object(_)) => "map[string]interface {}".to_owned(),
        _ => value.to_string(),
    };
    Err(format!("expected {expected}, got {found}"))
}
