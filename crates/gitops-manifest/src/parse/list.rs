//! Lists of objects in place of objects.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::error::{ParseError, Position};
use crate::object::{Object, Origin, kind_of};
use crate::resolve::Resolver;

/// Returns the objects of the documents, with lists replaced by their items.
pub(super) fn flatten(
    file: &Arc<str>,
    values: Vec<(Value, usize)>,
    resolver: Resolver,
) -> Result<Vec<Object>, ParseError> {
    let unwraps_first = match &values[..] {
        [(only, _)] => only.get("kind").and_then(Value::as_str) == Some("List"),
        _ => false,
    };
    let mut objects = Vec::with_capacity(values.len());
    let mut queue: VecDeque<(Value, usize)> = values.into();
    let mut is_first = true;
    while let Some((mut value, line)) = queue.pop_front() {
        let items = take_items(&mut value);
        let Some(items) = items else {
            objects.push(object(file, value, line)?);
            continue;
        };
        let items = match items {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => {
                let reason = format!("the items of a list must be a list, this is {}", kind_of(&other));
                return Err(error(file, line, reason));
            }
        };
        let items = items.into_iter().map(|item| (item, line));
        // kustomize puts the items of a list behind all that it has not looked at yet; kubectl visits them
        // where the list stands. For a first `List` of its own both are the same.
        if resolver == Resolver::Kustomize && !(is_first && unwraps_first) {
            queue.extend(items);
        } else {
            items.rev().for_each(|item| queue.push_front(item));
        }
        is_first = false;
    }
    Ok(objects)
}

/// Takes the items out of a list; `None` when the value is no list.
fn take_items(value: &mut Value) -> Option<Value> {
    let map = value.as_object_mut()?;
    if !map.get("kind")?.as_str()?.ends_with("List") {
        return None;
    }
    map.remove("items")
}

fn object(file: &Arc<str>, value: Value, line: usize) -> Result<Object, ParseError> {
    let found = Object::new(value).map_err(|reason| error(file, line, reason.to_string()))?;
    Ok(found.with_origin(Origin { file: file.clone(), line }))
}

fn error(file: &Arc<str>, line: usize, reason: String) -> ParseError {
    ParseError::Object { at: Position { file: file.clone(), line, column: 1 }, reason }
}
