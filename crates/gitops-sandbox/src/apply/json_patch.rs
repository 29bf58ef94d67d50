//! JSON patches (RFC 6902), with the leniencies of the server's library.

use serde_json::Value;

/// How many operations a patch may have.
pub(crate) const MAX_OPERATIONS: usize = 10_000;

/// Why a patch does not apply.
#[derive(Debug)]
pub(crate) enum Flaw {
    /// It is no patch.
    Malformed(String),
    /// It does not fit the object.
    Failed(String),
}

/// Reads a patch.
pub(crate) fn parse(patch: &Value) -> Result<&[Value], Flaw> {
    patch.as_array().map(Vec::as_slice).ok_or_else(|| {
        Flaw::Malformed(
            "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp".to_owned(),
        )
    })
}

/// Applies a patch.
pub(crate) fn apply(object: &mut Value, operations: &[Value]) -> Result<(), Flaw> {
    for operation in operations {
        let text = |name: &str| operation[name].as_str();
        let what = text("op").unwrap_or_default();
        let path = pointer(text("path"), what)?;
        let value = || operation.get("value").cloned().unwrap_or(Value::Null);
        match what {
            "add" => add(object, &path, value())?,
            "remove" => {
                remove(object, &path)?;
            }
            "replace" => {
                replace(object, &path, value())?;
            }
            "move" => {
                let from = pointer(text("from"), what)?;
                let moved = remove(object, &from)?;
                add(object, &path, moved)?;
            }
            "copy" => {
                let from = pointer(text("from"), what)?;
                let copied = read(object, &from)?;
                add(object, &path, copied)?;
            }
            "test" => {
                let wanted = value();
                let found = find(object, &path).map(|found| found.clone());
                let equal = match found {
                    // A number with a fraction is another one, even if that is zero.
                    Ok(found) => found == wanted,
                    // What is not there equals null.
                    Err(_) => wanted.is_null(),
                };
                if !equal {
                    let path = text("path").unwrap_or_default();
                    return Err(Flaw::Failed(format!("testing value {path} failed: test failed")));
                }
            }
            other => return Err(Flaw::Failed(format!("Unexpected kind: {other}"))),
        }
    }
    Ok(())
}

fn pointer(text: Option<&str>, what: &str) -> Result<Vec<String>, Flaw> {
    let Some(text) = text else {
        return Err(Flaw::Failed(format!("{what} operation is missing a path")));
    };
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err(Flaw::Failed(format!("{what} operation does not apply: doc is missing path: {text:?}")));
    };
    Ok(rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

fn missing(path: &[String]) -> Flaw {
    Flaw::Failed(format!("doc is missing path: /{}: missing value", path.join("/")))
}

fn index(part: &str, length: usize) -> Option<usize> {
    // A number below zero counts from the end.
    let number: i64 = part.parse().ok()?;
    let position = if number < 0 { number + i64::try_from(length).ok()? } else { number };
    usize::try_from(position).ok()
}

fn find<'v>(object: &'v mut Value, path: &[String]) -> Result<&'v mut Value, Flaw> {
    let mut value = object;
    for part in path {
        let next = match value {
            Value::Object(map) => map.get_mut(part),
            Value::Array(items) => index(part, items.len()).and_then(|position| items.get_mut(position)),
            _ => None,
        };
        value = next.ok_or_else(|| missing(path))?;
    }
    Ok(value)
}

/// Puts a value in place of another; in a map it need not have been there.
fn replace(object: &mut Value, path: &[String], new: Value) -> Result<(), Flaw> {
    let Some((last, parent)) = path.split_last() else {
        *object = new;
        return Ok(());
    };
    match find(object, parent)? {
        Value::Object(map) => {
            map.insert(last.clone(), new);
            Ok(())
        }
        _ => {
            *find(object, path)? = new;
            Ok(())
        }
    }
}

/// Returns a value; what is not in a map is null.
fn read(object: &mut Value, path: &[String]) -> Result<Value, Flaw> {
    let Some((last, parent)) = path.split_last() else { return Ok(object.clone()) };
    match find(object, parent)? {
        Value::Object(map) => Ok(map.get(last).cloned().unwrap_or_default()),
        _ => find(object, path).map(|value| value.clone()),
    }
}

fn add(object: &mut Value, path: &[String], added: Value) -> Result<(), Flaw> {
    let Some((last, parent)) = path.split_last() else {
        *object = added;
        return Ok(());
    };
    match find(object, parent)? {
        Value::Object(map) => {
            map.insert(last.clone(), added);
            Ok(())
        }
        Value::Array(items) => {
            if last == "-" {
                items.push(added);
                return Ok(());
            }
            // One more than there are items: an index below zero counts from the new end.
            let length = items.len() + 1;
            match index(last, length).filter(|position| *position < length) {
                Some(position) => {
                    items.insert(position, added);
                    Ok(())
                }
                None => Err(Flaw::Failed(format!("Unable to access invalid index: {last}"))),
            }
        }
        _ => Err(missing(path)),
    }
}

fn remove(object: &mut Value, path: &[String]) -> Result<Value, Flaw> {
    let Some((last, parent)) = path.split_last() else {
        return Err(Flaw::Failed("the whole document cannot be removed".to_owned()));
    };
    match find(object, parent)? {
        Value::Object(map) => map.remove(last).ok_or_else(|| missing(path)),
        Value::Array(items) => match index(last, items.len()).filter(|position| *position < items.len()) {
            Some(position) => Ok(items.remove(position)),
            None => Err(Flaw::Failed(format!("Unable to access invalid index: {last}"))),
        },
        _ => Err(missing(path)),
    }
}
