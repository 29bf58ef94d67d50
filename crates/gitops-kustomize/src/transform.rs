//! Kustomize's transformers, one a file, all of one shape: a struct of what is asked for, and `apply` on the objects.

pub(crate) mod hash;
pub(crate) mod image_tag;
pub(crate) mod label;
pub(crate) mod name_affix;
pub(crate) mod name_reference;
pub(crate) mod namespace;
pub(crate) mod replacement;
pub(crate) mod replica_count;
pub(crate) mod sort_order;
pub(crate) mod value_add;
pub(crate) mod variable;

use crate::error::BuildError;
use crate::patch::{Json6902Transformer, PatchTransformer, StrategicMergeTransformer};
use crate::resmap::ResMap;
use crate::schema::Schemas;
use crate::yaml::Nodes;

/// Any of the transformers.
#[derive(Debug)]
pub(crate) enum Transformer {
    StrategicMerge(StrategicMergeTransformer),
    Patch(PatchTransformer),
    Namespace(namespace::NamespaceTransformer),
    NameAffix(Vec<name_affix::NameAffixTransformer>),
    Label(label::LabelTransformer),
    Json6902(Json6902Transformer),
    ReplicaCount(replica_count::ReplicaCountTransformer),
    ImageTag(image_tag::ImageTagTransformer),
    Replacement(replacement::ReplacementTransformer),
    ValueAdd(value_add::ValueAddTransformer),
    Hash,
    SortOrder(sort_order::SortOrderTransformer),
}

impl Transformer {
    pub(crate) fn apply(
        &self,
        nodes: &mut Nodes,
        map: &mut ResMap,
        schemas: &Schemas,
    ) -> Result<(), BuildError> {
        match self {
            Self::StrategicMerge(transformer) => transformer.apply(nodes, map, schemas),
            Self::Patch(transformer) => transformer.apply(nodes, map, schemas),
            Self::Namespace(transformer) => transformer.apply(nodes, map),
            Self::NameAffix(transformers) => transformers.iter().try_for_each(|one| one.apply(nodes, map)),
            Self::Label(transformer) => transformer.apply(nodes, map),
            Self::Json6902(transformer) => transformer.apply(nodes, map),
            Self::ReplicaCount(transformer) => transformer.apply(nodes, map),
            Self::ImageTag(transformer) => transformer.apply(nodes, map),
            Self::Replacement(transformer) => transformer.apply(nodes, &map.list),
            Self::ValueAdd(transformer) => transformer.apply(nodes, map),
            Self::Hash => hash::apply(nodes, map),
            Self::SortOrder(transformer) => transformer.apply(nodes, map),
        }
    }
}
