//! Sets how many replicas a workload has.

use crate::error::BuildError;
use crate::field_spec::{Creation, FieldSpec, FieldSpecs};
use crate::kustomization::Replica;
use crate::resmap::ResMap;
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, Tag};

/// The count and the fields.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaCountTransformer {
    pub(crate) replica: Replica,
    pub(crate) specs: FieldSpecs,
}

impl ReplicaCountTransformer {
    pub(crate) fn apply(&self, nodes: &mut Nodes, map: &mut ResMap) -> Result<(), BuildError> {
        let mut found = false;
        for spec in &self.specs.0 {
            let matches = map.matching_any_id(nodes, |id| {
                *id.name == *self.replica.name && id.gvk.is_selected_by(&spec.gvk)
            });
            for at in matches {
                found = true;
                self.filter(nodes, map.list[at].node, spec)?;
            }
        }
        if found {
            return Ok(());
        }
        let kinds: Vec<String> = self.specs.0.iter().map(|spec| spec.gvk.to_string()).collect();
        Err(BuildError::Transform(format!(
            "resource with name {} does not match a config with the following GVK [{}]",
            self.replica.name,
            kinds.join(" ")
        )))
    }

    /// Sets the count in one field of one object.
    pub(crate) fn filter(&self, nodes: &mut Nodes, root: Id, spec: &FieldSpec) -> Result<(), FieldError> {
        let creation = Creation { kind: Kind::Scalar, tag: Tag::Int };
        spec.apply(nodes, root, &creation, &mut |nodes: &mut Nodes, field: Id| {
            let value = nodes.add(Node { tag: Tag::Int, ..Node::scalar(&self.replica.count.to_string()) });
            nodes.set_scalar(field, value)
        })
    }
}
