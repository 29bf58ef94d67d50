//! Puts a prefix or suffix to names, and remembers the old ones so that references can follow.

use crate::error::BuildError;
use crate::field_spec::{Creation, FieldSpec, FieldSpecs};
use crate::id::Gvk;
use crate::resmap::ResMap;
use crate::resource::annotation;
use crate::yaml::{FieldError, Id, Node, Nodes};

/// The end of a name to which a text is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Prefix,
    Suffix,
}

/// The text and the fields.
#[derive(Clone, Debug)]
pub(crate) struct NameAffixTransformer {
    pub(crate) side: Side,
    pub(crate) text: String,
    pub(crate) specs: FieldSpecs,
}

impl NameAffixTransformer {
    pub(crate) fn apply(&self, nodes: &mut Nodes, map: &mut ResMap) -> Result<(), BuildError> {
        for resource in &map.list {
            let id = resource.original_id(nodes);
            if is_skipped(&id.gvk) {
                continue;
            }
            for spec in &self.specs.0 {
                if !id.gvk.is_selected_by(&spec.gvk) {
                    continue;
                }
                if &*spec.path == "metadata/name" {
                    let key = match self.side {
                        Side::Prefix => annotation::PREFIXES,
                        Side::Suffix => annotation::SUFFIXES,
                    };
                    resource.append_annotation(nodes, key, &self.text)?;
                    if !self.text.is_empty() {
                        resource.store_previous_id(nodes)?;
                    }
                }
                self.filter(nodes, resource.node, spec)?;
            }
        }
        Ok(())
    }

    /// Changes one field of one object.
    pub(crate) fn filter(&self, nodes: &mut Nodes, root: Id, spec: &FieldSpec) -> Result<(), FieldError> {
        spec.apply(nodes, root, &Creation::TEXT, &mut |nodes: &mut Nodes, field: Id| {
            let old = nodes[field].value.clone();
            let text = match self.side {
                Side::Prefix => format!("{}{old}", self.text),
                Side::Suffix => format!("{old}{}", self.text),
            };
            let value = nodes.add(Node::scalar(&text));
            nodes.set_scalar(field, value)
        })
    }
}

/// Kinds whose name is more than a name.
fn is_skipped(gvk: &Gvk) -> bool {
    matches!(&*gvk.kind, "CustomResourceDefinition" | "Namespace")
        || &*gvk.kind == "APIService" && &*gvk.group == "apiregistration.k8s.io"
}
