//! Sets labels wherever the configuration says.

use std::collections::BTreeMap;

use crate::error::BuildError;
use crate::field_spec::{Creation, FieldSpec, FieldSpecs};
use crate::id::Gvk;
use crate::resmap::ResMap;
use crate::yaml::{FieldError, Id, Node, Nodes, Tag};

/// Labels and where they go; annotations are set in the same way.
#[derive(Clone, Debug, Default)]
pub(crate) struct LabelTransformer {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) specs: FieldSpecs,
}

impl LabelTransformer {
    pub(crate) fn apply(&self, nodes: &mut Nodes, map: &mut ResMap) -> Result<(), BuildError> {
        for resource in &map.list {
            self.filter(nodes, resource.node)?;
        }
        Ok(())
    }

    /// Sets the labels of one object.
    pub(crate) fn filter(&self, nodes: &mut Nodes, root: Id) -> Result<(), FieldError> {
        for (key, text) in &self.labels {
            // One node for all places, as in kustomize: a later patch of one of them changes the others too.
            let value = nodes.add(Node { tag: Tag::Str, ..Node::scalar(text) });
            self.specs.apply(nodes, root, &Creation::MAP, &mut |nodes: &mut Nodes, field: Id| {
                nodes.set_field(field, key, Some(value)).map(|_| ())
            })?;
        }
        Ok(())
    }
}

/// Sets one label in the metadata.
pub(crate) fn set(nodes: &mut Nodes, root: Id, key: &str, text: &str) -> Result<(), FieldError> {
    let specs = FieldSpecs(vec![FieldSpec::new(Gvk::default(), "metadata/labels", true)]);
    LabelTransformer { labels: BTreeMap::from([(key.to_owned(), text.to_owned())]), specs }
        .filter(nodes, root)
}
