//! cel-go's optional values, with `first` and `last` of lists.

use std::sync::Arc;

use super::Answer;
use crate::cel::meter::Fault;
use crate::cel::value::Value;

pub(super) fn function(name: &str, values: &[Value]) -> Answer {
    Some(match (name, values) {
        ("optional.none", []) => Ok(Value::Optional(None)),
        ("optional.of", [value]) => Ok(Value::some(value.clone())),
        ("optional.ofNonZeroValue", [value]) => {
            Ok(if is_zero(value) { Value::Optional(None) } else { Value::some(value.clone()) })
        }
        ("optional.unwrap", [Value::List(items)]) => unwrap(items),
        _ => return None,
    })
}

pub(super) fn method(name: &str, values: &[Value]) -> Answer {
    let wrapped = |item: Option<&Value>| Ok(Value::Optional(item.cloned().map(Arc::new)));
    Some(match (name, values) {
        ("hasValue", [Value::Optional(value)]) => Ok(Value::Bool(value.is_some())),
        ("value", [Value::Optional(Some(value))]) => Ok((**value).clone()),
        ("value", [Value::Optional(None)]) => Err(Fault::text("optional.none() dereference")),
        ("or" | "orValue", [Value::Optional(None), other]) => Ok(other.clone()),
        ("first", [Value::List(items)]) => wrapped(items.first()),
        ("last", [Value::List(items)]) => wrapped(items.last()),
        ("unwrapOpt", [Value::List(items)]) => unwrap(items),
        _ => return None,
    })
}

/// The values of those that have one.
fn unwrap(items: &[Value]) -> Result<Value, Fault> {
    let mut values = Vec::new();
    for item in items {
        let Value::Optional(value) = item else { return Err(Fault::overload()) };
        values.extend(value.as_ref().map(|value| (**value).clone()));
    }
    Ok(Value::list(values))
}

#[allow(clippy::float_cmp)]
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(number) | Value::Duration(number) => *number == 0,
        Value::Uint(number) => *number == 0,
        Value::Double(number) => *number == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Timestamp(_) | Value::Type(_) | Value::Special(_) | Value::Flaw(_) => false,
        Value::Optional(value) => value.is_none(),
    }
}
