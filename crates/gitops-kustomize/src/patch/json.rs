//! JSON patches (RFC 6902), applied as Go's json-patch does.

use serde_json::{Map, Value};

use crate::error::BuildError;
use crate::kustomization::config_value;
use crate::resource::Resource;
use crate::yaml::Nodes;

/// The most operations of one patch.
const OPERATIONS: usize = 100_000;

/// The most values that the copies of one patch may make: each could double the object.
const COPIED: usize = 1_000_000;

/// The operations of a patch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPatch(Vec<Map<String, Value>>);

impl JsonPatch {
    /// Reads operations as JSON or YAML.
    pub(crate) fn parse(text: &str) -> Result<Self, BuildError> {
        if text.is_empty() {
            return Err(BuildError::Malformed("empty json patch operations".to_owned()));
        }
        // What looks like JSON must be JSON: a list in YAML's braces is refused, as kustomize refuses it.
        let value = if text.starts_with('[') {
            serde_json::from_str(text)
                .map_err(|error| BuildError::Malformed(format!("a JSON patch is no JSON: {error}")))?
        } else {
            parse_yaml(text)?
        };
        let Value::Array(items) = value else {
            return Err(BuildError::Malformed("a JSON patch must be a list of operations".to_owned()));
        };
        if items.len() > OPERATIONS {
            return Err(BuildError::Limit(format!("a patch has more than {OPERATIONS} operations")));
        }
        let operation = |item: Value| match item {
            Value::Object(map) => Ok(map),
            _ => Err(BuildError::Malformed("an operation of a JSON patch must be a map".to_owned())),
        };
        items.into_iter().map(operation).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Applies the operations to an object; kustomize's own annotations survive them.
    pub(crate) fn patch(&self, nodes: &mut Nodes, resource: &Resource) -> Result<(), BuildError> {
        let internal: Vec<_> =
            resource.annotations(nodes).into_iter().filter(|(key, _)| is_internal(key)).collect();
        self.filter(nodes, resource.node)?;
        let mut annotations = resource.annotations(nodes);
        annotations.extend(internal);
        resource.set_annotations(nodes, &annotations)?;
        Ok(())
    }

    /// Applies the operations to a node.
    pub(crate) fn filter(&self, nodes: &mut Nodes, root: crate::yaml::Id) -> Result<(), BuildError> {
        let value = nodes.value(root).map_err(|error| BuildError::Transform(error.to_string()))?;
        let patched = self.apply(value)?;
        if !patched.is_object() {
            return Err(BuildError::Transform("a JSON patch must leave an object".to_owned()));
        }
        let made = nodes.nodes_of(&patched);
        let line = nodes[root].line;
        nodes.overwrite(root, made);
        nodes[root].line = line;
        Ok(())
    }

    fn apply(&self, mut document: Value) -> Result<Value, BuildError> {
        let mut copied = 0;
        for operation in &self.0 {
            if operation.get("op").is_some_and(|op| op == "copy") {
                let from = operation.get("from").and_then(Value::as_str).unwrap_or_default();
                copied += find_mut(&mut document, from).map_or(0, |value| size(value));
                if copied > COPIED {
                    return Err(BuildError::Limit(format!(
                        "the copies of a patch make more than {COPIED} values"
                    )));
                }
            }
            apply_one(&mut document, operation).map_err(BuildError::Transform)?;
        }
        Ok(document)
    }
}

/// Returns how many values a value holds, a long text counting for as many as it has kilobytes.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => map.values().map(size).sum(),
        Value::String(text) => text.len() >> 10,
        _ => 0,
    }
}

fn parse_yaml(text: &str) -> Result<Value, BuildError> {
    // Nulls matter here: the value of an operation may be one.
    let documents = gitops_manifest::parse("", text.as_bytes(), &gitops_manifest::ParseOptions::kubectl())
        .map_err(|error| BuildError::Malformed(format!("error converting YAML to JSON: yaml: {error}")))?;
    match documents.into_iter().next() {
        Some(document) => Ok(document.into_value()),
        None => config_value(text.as_bytes()),
    }
}

fn is_internal(key: &str) -> bool {
    key.starts_with("internal.config.kubernetes.io/")
        || matches!(key, "config.kubernetes.io/path" | "config.kubernetes.io/index" | "config.k8s.io/id")
}

fn apply_one(document: &mut Value, operation: &Map<String, Value>) -> Result<(), String> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let op = text("op").unwrap_or("unknown");
    let path = text("path").ok_or_else(|| format!("{op} operation failed to decode path: missing value"))?;
    match op {
        "add" => add(document, path, operation.get("value").cloned().unwrap_or_default(), "add"),
        "remove" => remove(document, path, "remove").map(|_| ()),
        "replace" => {
            if path.is_empty() {
                *document = operation.get("value").cloned().unwrap_or_default();
                return Ok(());
            }
            replace(document, path, operation.get("value").cloned().unwrap_or_default())
        }
        "move" => {
            let from = text("from").ok_or("move operation failed to decode from: missing value")?;
            let value = remove(document, from, "move")?;
            add(document, path, value, "move")
        }
        "copy" => {
            let from = text("from").ok_or("copy operation failed to decode from: missing value")?;
            // A field that is missing from a map is copied as null.
            let missing =
                || format!("copy operation does not apply: doc is missing from path: {from}: missing value");
            let value = match find_mut(document, from).cloned() {
                Some(found) => found,
                None if is_in_map(document, from) => Value::Null,
                None => return Err(missing()),
            };
            add(document, path, value, "copy")
        }
        "test" => {
            let want = operation.get("value").cloned().unwrap_or_default();
            let found = find_mut(document, path).map(|found| found.clone());
            if found.as_ref().unwrap_or(&Value::Null) == &want {
                Ok(())
            } else {
                Err(format!("testing value {path} failed: test failed"))
            }
        }
        other => Err(format!("unexpected kind: {other}")),
    }
}

fn parts(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn split(path: &str) -> Option<(Vec<String>, String)> {
    let mut parts = parts(path);
    let last = parts.pop()?;
    Some((parts, last))
}

fn descend<'a>(document: &'a mut Value, parts: &[String]) -> Option<&'a mut Value> {
    parts.iter().try_fold(document, |at, part| match at {
        Value::Object(map) => map.get_mut(part),
        Value::Array(items) => {
            let index = index(part, items.len())?;
            items.get_mut(index)
        }
        _ => None,
    })
}

/// An index into a list; negative ones count from its end.
fn index(part: &str, length: usize) -> Option<usize> {
    let index: i64 = part.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    usize::try_from(if index < 0 { index + length } else { index }).ok()
}

fn find_mut<'a>(document: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    if path.is_empty() {
        return Some(document);
    }
    descend(document, &parts(path))
}

/// Tells whether a path leads into a map, whatever is there.
fn is_in_map(document: &mut Value, path: &str) -> bool {
    split(path)
        .is_some_and(|(container, _)| descend(document, &container).is_some_and(|found| found.is_object()))
}

/// Replaces what is at a path; a field that is missing from a map is added, as Go's json-patch does.
fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let missing = |what: &str| {
        format!("replace operation does not apply: doc is missing {what}: {path}: missing value")
    };
    let (container, key) = split(path).ok_or_else(|| missing("path"))?;
    match descend(document, &container) {
        Some(Value::Object(map)) => {
            map.insert(key, value);
            Ok(())
        }
        Some(Value::Array(items)) => {
            let at = index(&key, items.len()).filter(|at| *at < items.len()).ok_or_else(|| missing("key"))?;
            items[at] = value;
            Ok(())
        }
        _ => Err(missing("path")),
    }
}

fn add(document: &mut Value, path: &str, value: Value, op: &str) -> Result<(), String> {
    let missing = || format!("{op} operation does not apply: doc is missing path: \"{path}\": missing value");
    let (container, key) = split(path).ok_or_else(missing)?;
    match descend(document, &container) {
        Some(Value::Object(map)) => {
            map.insert(key, value);
            Ok(())
        }
        Some(Value::Array(items)) => {
            if key == "-" {
                items.push(value);
                return Ok(());
            }
            let length = items.len();
            let wrong = || {
                format!(
                    "{op} operation does not apply: Unable to access invalid index: {key}: invalid index referenced"
                )
            };
            let at: i64 = key.parse().map_err(|_| {
                format!("error in {op} for path: '{path}': value was not a proper array index: '{key}'")
            })?;
            let at = if at < 0 { at + i64::try_from(length).unwrap_or(i64::MAX) + 1 } else { at };
            let at = usize::try_from(at).map_err(|_| wrong())?;
            if at > length {
                return Err(wrong());
            }
            items.insert(at, value);
            Ok(())
        }
        _ => Err(missing()),
    }
}

fn remove(document: &mut Value, path: &str, op: &str) -> Result<Value, String> {
    let missing = || format!("{op} operation does not apply: doc is missing path: \"{path}\": missing value");
    let (container, key) = split(path).ok_or_else(missing)?;
    match descend(document, &container) {
        Some(Value::Object(map)) => map.remove(&key).ok_or_else(|| {
            format!(
                "error in {op} for path: '{path}': Unable to remove nonexistent key: {key}: missing value"
            )
        }),
        Some(Value::Array(items)) => match index(&key, items.len()) {
            Some(at) if at < items.len() => Ok(items.remove(at)),
            _ => Err(format!(
                "error in {op} for path: '{path}': Unable to access invalid index: {key}: invalid index referenced"
            )),
        },
        _ => Err(missing()),
    }
}
