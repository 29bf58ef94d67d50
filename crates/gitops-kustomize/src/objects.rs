//! Files to objects, as kustomize takes them: lists unfolded, and what is no object refused.

use std::rc::Rc;

use crate::error::BuildError;
use crate::resource::Resource;
use crate::yaml::{Id, Kind, Nodes, ReadError, ReadLimits};

/// Returns the objects of a text.
pub(crate) fn read(
    nodes: &mut Nodes,
    bytes: &[u8],
    limits: &ReadLimits,
) -> Result<Vec<Resource>, BuildError> {
    let roots = nodes.read_all(bytes, limits).map_err(|error| read_error(&error))?;
    let single = match roots.as_slice() {
        [root] => wrapped_items(nodes, *root),
        _ => None,
    };
    let mut queue: std::collections::VecDeque<Id> = checked(nodes, single.unwrap_or(roots))?.into();
    let mut resources = Vec::new();
    while let Some(root) = queue.pop_front() {
        let kind = nodes.field(root, "kind").map_or_else(|| "".into(), |kind| nodes[kind].value.clone());
        let items = if kind.ends_with("List") { nodes.field(root, "items") } else { None };
        let Some(items) = items else {
            resources.push(Resource::new(root));
            continue;
        };
        match nodes[items].kind {
            _ if nodes[items].is_null() => {}
            Kind::Sequence => {
                // Items of a list go through JSON, as they do in kustomize.
                let mut inner = Vec::new();
                for item in nodes[items].content.clone() {
                    let line = nodes[item].line;
                    let value =
                        nodes.value(item).map_err(|error| BuildError::Malformed(error.to_string()))?;
                    if value.is_null() {
                        continue;
                    }
                    let item = nodes.json(&value);
                    nodes[item].line = line;
                    inner.push(item);
                }
                queue.extend(checked(nodes, inner)?);
            }
            _ => {
                let found =
                    if nodes[items].kind == Kind::Mapping { "map[string]interface {}" } else { "string" };
                return Err(BuildError::Malformed(format!(
                    "expected array in {kind}/items, but found {found}"
                )));
            }
        }
    }
    Ok(resources)
}

/// Returns the objects of a file; the texts name it.
pub(crate) fn read_file(
    nodes: &mut Nodes,
    bytes: &[u8],
    path: &str,
    limits: &ReadLimits,
) -> Result<Vec<Resource>, BuildError> {
    let mut resources = read(nodes, bytes, limits).map_err(|error| match error {
        BuildError::Malformed(text) if text.contains("MalformedYAMLError") => {
            BuildError::Malformed(format!("{text} in File: {path}"))
        }
        other => other,
    })?;
    let name: Rc<str> = path.into();
    for resource in &mut resources {
        resource.read_from = Some((name.clone(), nodes[resource.node].line));
    }
    Ok(resources)
}

fn read_error(error: &ReadError) -> BuildError {
    match error {
        ReadError::TooManyNodes(_) | ReadError::TooDeep(_) => BuildError::Limit(error.to_string()),
        _ if error.is_malformed() => BuildError::Malformed(format!("MalformedYAMLError: {error}")),
        _ => BuildError::Malformed(error.to_string()),
    }
}

/// Returns the items of a `List` that is alone in its file.
fn wrapped_items(nodes: &Nodes, root: Id) -> Option<Vec<Id>> {
    let kind = nodes.field(root, "kind")?;
    if !matches!(&*nodes[kind].value, "List" | "ResourceList") {
        return None;
    }
    match nodes.field(root, "items") {
        Some(items) => Some(nodes[items].content.clone()),
        None => nodes.field(root, "functionConfig").map(|_| Vec::new()),
    }
}

/// Leaves empty documents out and refuses what is no object.
fn checked(nodes: &Nodes, roots: Vec<Id>) -> Result<Vec<Id>, BuildError> {
    let mut kept = Vec::with_capacity(roots.len());
    for root in roots {
        if nodes[root].is_nil_or_empty() {
            continue;
        }
        check(nodes, root)?;
        kept.push(root);
    }
    Ok(kept)
}

/// Refuses what has no kind or no name.
pub(crate) fn check(nodes: &Nodes, root: Id) -> Result<(), BuildError> {
    let text =
        |id: Option<Id>| id.filter(|id| !nodes[*id].is_nil_or_empty()).map(|id| nodes[id].value.to_string());
    let api_version = text(nodes.field(root, "apiVersion"));
    let kind = text(nodes.field(root, "kind"));
    let metadata = nodes.field(root, "metadata").filter(|metadata| !nodes[*metadata].is_nil_or_empty());
    let part = |name: &str| metadata.and_then(|metadata| nodes.field(metadata, name));
    let (name, namespace) = (text(part("name")), text(part("namespace")));
    let maps: Vec<String> = ["labels", "annotations"]
        .iter()
        .map(|field| {
            let mut texts = part(field).map(|map| nodes.texts(map)).unwrap_or_default();
            texts.sort();
            texts.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let known = api_version.is_some() || kind.is_some() || name.is_some() || namespace.is_some();
    if !known && maps.iter().all(String::is_empty) {
        return Err(BuildError::Malformed("missing Resource metadata".to_owned()));
    }
    let shown = || {
        format!(
            "{{{{{} {}}} {{{{{} {}}} map[{}] map[{}]}}}}",
            api_version.as_deref().unwrap_or_default(),
            kind.as_deref().unwrap_or_default(),
            name.as_deref().unwrap_or_default(),
            namespace.as_deref().unwrap_or_default(),
            maps[0],
            maps[1]
        )
    };
    match kind.as_deref() {
        None | Some("") => Err(BuildError::Malformed(format!("missing kind in object {}", shown()))),
        Some(kind) if kind.ends_with("List") => Ok(()),
        Some(_) if name.as_deref().unwrap_or_default().is_empty() => {
            Err(BuildError::Malformed(format!("missing metadata.name in object {}", shown())))
        }
        Some(_) => Ok(()),
    }
}
