//! The `data` and `binaryData` of ConfigMaps and Secrets.

use crate::base64::encode_lines;
use crate::resource::{Resource, Texts};
use crate::yaml::{FieldError, Kind, Node, Nodes, Style, Tag};

/// Merges the data of an older object under that of a newer one.
pub(crate) fn merge_map(
    nodes: &mut Nodes,
    into: &Resource,
    from: &Resource,
    field: &str,
) -> Result<(), FieldError> {
    let texts = |nodes: &Nodes, resource: &Resource| -> Texts {
        let map = nodes.field(resource.node, field);
        // A null is an empty text here.
        let text = |(key, value)| (nodes[key].value.clone(), nodes.text(value).into());
        map.map(|map| nodes.pairs(map).map(text).collect()).unwrap_or_default()
    };
    let mut merged = texts(nodes, from);
    merged.extend(texts(nodes, into));
    nodes.clear(into.node, field)?;
    for (key, value) in &merged {
        set(nodes, into, field, key, value)?;
    }
    Ok(())
}

/// Sets one entry of a map of data.
pub(crate) fn set(
    nodes: &mut Nodes,
    resource: &Resource,
    field: &str,
    key: &str,
    value: &str,
) -> Result<(), FieldError> {
    let Some(map) = nodes.lookup_create(resource.node, &[field], Kind::Mapping)? else { return Ok(()) };
    let style = if value.contains('\n') { Style::LITERAL } else { Style::PLAIN };
    let value = nodes.add(Node { tag: Tag::Str, style, ..Node::scalar(value) });
    nodes.set_field(map, key, Some(value))?;
    Ok(())
}

/// Sets an entry of a ConfigMap: text in `data`, other bytes in `binaryData`.
pub(crate) fn set_config(
    nodes: &mut Nodes,
    resource: &Resource,
    key: &str,
    bytes: &[u8],
) -> Result<(), FieldError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => set(nodes, resource, "data", key, text),
        Err(_) => set(nodes, resource, "binaryData", key, &encode_lines(bytes)),
    }
}

/// Sets an entry of a Secret.
pub(crate) fn set_secret(
    nodes: &mut Nodes,
    resource: &Resource,
    key: &str,
    bytes: &[u8],
) -> Result<(), FieldError> {
    set(nodes, resource, "data", key, &encode_lines(bytes))
}
