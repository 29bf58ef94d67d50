//! Puts a value into fields, or into a part of the path that a field holds.

use crate::error::BuildError;
use crate::kustomization::Selector;
use crate::resmap::ResMap;
use crate::selector::select;
use crate::transform::namespace::NamespaceTransformer;
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, split_path};

/// One field.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueTarget {
    pub(crate) selector: Option<Selector>,
    pub(crate) field_path: String,
    pub(crate) position: i64,
}

/// The value and the fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueAddTransformer {
    pub(crate) value: String,
    pub(crate) targets: Vec<ValueTarget>,
}

impl ValueAddTransformer {
    pub(crate) fn apply(&self, nodes: &mut Nodes, map: &mut ResMap) -> Result<(), BuildError> {
        for target in &self.targets {
            let selected = match &target.selector {
                None => (0..map.list.len()).collect(),
                Some(selector) => select(nodes, map, selector)?,
            };
            for at in selected {
                let root = map.list[at].node;
                if target.field_path == "metadata/namespace" {
                    let namespace = self.value.clone();
                    NamespaceTransformer { namespace, ..NamespaceTransformer::default() }
                        .filter(nodes, root)?;
                } else {
                    filter(nodes, root, &self.value, &target.field_path, target.position)?;
                }
            }
        }
        Ok(())
    }
}

/// Puts a value into one field; a position above 0 makes it that part of the field's path.
pub(crate) fn filter(
    nodes: &mut Nodes,
    root: Id,
    value: &str,
    path: &str,
    position: i64,
) -> Result<(), FieldError> {
    let parts = split_path(path, '/');
    let Some(field) = nodes.lookup_create(root, &parts, Kind::Scalar)? else { return Ok(()) };
    nodes.expect(field, Kind::Scalar)?;
    let text = if position > 0 {
        insert_part(&nodes[field].value, usize::try_from(position - 1).unwrap_or_default(), value)
    } else {
        value.to_owned()
    };
    let value = nodes.add(Node::scalar(&text));
    nodes.set_scalar(field, value)
}

fn insert_part(path: &str, position: usize, part: &str) -> String {
    if part.is_empty() {
        return path.to_owned();
    }
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    format!("{}{}", if rooted { "/" } else { "" }, parts.join("/"))
}
