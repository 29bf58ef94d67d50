//! Patches: how one is read, which objects it is for, and what it does to them.

pub(crate) mod json;
mod merge_list;
pub(crate) mod strategic;

use std::collections::HashSet;

use crate::error::BuildError;
use crate::id::ResId;
use crate::kustomization::{PatchOptions, Selector};
use crate::objects;
use crate::resmap::ResMap;
use crate::resource::{Resource, annotation};
use crate::schema::Schemas;
use crate::selector::select;
use crate::yaml::{Nodes, ReadLimits};

/// What a patch's text holds.
#[derive(Debug)]
pub(crate) enum Patch {
    /// Parts of objects to merge.
    Strategic(Vec<Resource>),
    /// Operations of JSON 6902.
    Json(json::JsonPatch),
}

/// A patch of `patches`.
#[derive(Debug)]
pub(crate) struct PatchTransformer {
    patch: Patch,
    /// How texts name the patch.
    source: String,
    /// The path of its file, relative to the kustomization.
    file: Option<String>,
    target: Option<Selector>,
}

impl PatchTransformer {
    /// Reads the text of a patch, which must be of one sort.
    pub(crate) fn parse(
        nodes: &mut Nodes,
        text: &str,
        source: String,
        target: Option<Selector>,
        options: PatchOptions,
        limits: &ReadLimits,
    ) -> Result<Self, BuildError> {
        let merges = objects::read(nodes, text.as_bytes(), limits);
        let operations = json::JsonPatch::parse(text);
        if let (Ok(merges), Ok(operations)) = (&merges, &operations)
            && !merges.is_empty()
            && !operations.is_empty()
        {
            return Err(BuildError::Invalid(format!(
                "illegally qualifies as both an SM and JSON patch: {source}"
            )));
        }
        let patch = match (merges, operations) {
            (Err(BuildError::Limit(text)), Err(_)) | (Err(_), Err(BuildError::Limit(text))) => {
                return Err(BuildError::Limit(text));
            }
            (Err(_), Err(_)) => {
                return Err(BuildError::Malformed(format!("unable to parse SM or JSON patch from {source}")));
            }
            (Ok(merges), _) => {
                for merge in &merges {
                    if options.allow_name_change {
                        merge.enable(nodes, annotation::ALLOW_NAME_CHANGE)?;
                    }
                    if options.allow_kind_change {
                        merge.enable(nodes, annotation::ALLOW_KIND_CHANGE)?;
                    }
                }
                Patch::Strategic(merges)
            }
            (Err(_), Ok(operations)) => Patch::Json(operations),
        };
        Ok(Self { patch, source, file: None, target })
    }

    /// Keeps the path of the patch's file; an empty one is none.
    pub(crate) fn in_file(self, path: String) -> Self {
        Self { file: Some(path).filter(|path| !path.is_empty()), ..self }
    }

    pub(crate) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    pub(crate) fn is_strategic(&self) -> bool {
        matches!(self.patch, Patch::Strategic(_))
    }

    pub(crate) fn apply(
        &self,
        nodes: &mut Nodes,
        map: &mut ResMap,
        schemas: &Schemas,
    ) -> Result<(), BuildError> {
        match &self.patch {
            Patch::Strategic(merges) => self.merge(nodes, map, merges, schemas),
            Patch::Json(operations) => {
                let Some(target) = &self.target else {
                    return Err(BuildError::Invalid(format!(
                        "must specify a target for JSON patch {}",
                        self.source
                    )));
                };
                for at in select(nodes, map, target)? {
                    let resource = &map.list[at];
                    resource.store_previous_id(nodes)?;
                    operations.patch(nodes, resource)?;
                }
                Ok(())
            }
        }
    }

    fn merge(
        &self,
        nodes: &mut Nodes,
        map: &mut ResMap,
        merges: &[Resource],
        schemas: &Schemas,
    ) -> Result<(), BuildError> {
        let Some(target) = &self.target else {
            for merge in merges {
                let id = merge.original_id(nodes);
                let at = map.by_id(nodes, &id).map_err(|error| {
                    error.within(format!("no resource matches strategic merge patch \"{id}\""))
                })?;
                let resource = map.list[at].clone();
                map.list[at].node = apply_strategic(nodes, &resource, merge, schemas)?;
            }
            return Ok(());
        };
        let [merge] = merges else {
            if merges.is_empty() {
                return Ok(());
            }
            return Err(BuildError::Invalid(format!(
                "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {}",
                self.source
            )));
        };
        let selected = select(nodes, map, target).map_err(|error| {
            error.within(format!("unable to find patch target \"{target}\" in `resources`"))
        })?;
        let ids: Vec<ResId> = selected.into_iter().map(|at| map.list[at].id(nodes)).collect();
        apply_to(nodes, map, &ids, merge, schemas)
    }
}

/// The patches of `patchesStrategicMerge`.
#[derive(Debug)]
pub(crate) struct StrategicMergeTransformer {
    pub(crate) patches: Vec<Resource>,
}

impl StrategicMergeTransformer {
    pub(crate) fn apply(
        &self,
        nodes: &mut Nodes,
        map: &mut ResMap,
        schemas: &Schemas,
    ) -> Result<(), BuildError> {
        for patch in &self.patches {
            let id = patch.original_id(nodes);
            let at = map.by_id(nodes, &id)?;
            let target = map.list[at].id(nodes);
            apply_to(nodes, map, &[target], patch, schemas)?;
        }
        Ok(())
    }
}

/// The patches of `patchesJson6902`.
#[derive(Debug)]
pub(crate) struct Json6902Transformer {
    patch: json::JsonPatch,
    /// The path of its file, relative to the kustomization.
    file: Option<String>,
    target: Selector,
}

impl Json6902Transformer {
    /// Reads operations; `file` is what they were read from.
    pub(crate) fn parse(text: &str, file: &str, target: Option<Selector>) -> Result<Self, BuildError> {
        let target = target.unwrap_or_default();
        if target.name.is_empty() {
            return Err(BuildError::Invalid("must specify the target name".to_owned()));
        }
        if text.is_empty() {
            return Err(BuildError::Invalid(if file.is_empty() {
                "empty file path and empty jsonOp".to_owned()
            } else {
                format!("patch file '{file}' empty seems to be empty")
            }));
        }
        let patch = json::JsonPatch::parse(text)?;
        if patch.is_empty() {
            return Err(BuildError::Invalid(format!(
                "patch appears to be empty; file={file}, JsonOp={text}"
            )));
        }
        let file = Some(file.to_owned()).filter(|file| !file.is_empty());
        Ok(Self { patch, file, target })
    }

    pub(crate) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    pub(crate) fn apply(&self, nodes: &mut Nodes, map: &mut ResMap) -> Result<(), BuildError> {
        for at in select(nodes, map, &self.target)? {
            self.patch.patch(nodes, &map.list[at])?;
        }
        Ok(())
    }
}

/// Merges a patch into every object with one of these identities; what is deleted leaves the list.
fn apply_to(
    nodes: &mut Nodes,
    map: &mut ResMap,
    ids: &[ResId],
    patch: &Resource,
    schemas: &Schemas,
) -> Result<(), BuildError> {
    let ids: HashSet<&ResId> = ids.iter().collect();
    let mut kept = Vec::with_capacity(map.list.len());
    for mut resource in std::mem::take(&mut map.list) {
        if ids.contains(&resource.id(nodes)) {
            let copy = patch.copy(nodes);
            copy.take_metadata(nodes, patch)?;
            copy.set_gvk(nodes, &resource.gvk(nodes))?;
            copy.set_kind(nodes, &patch.kind(nodes))?;
            resource.node = apply_strategic(nodes, &resource, &copy, schemas)?;
        }
        if !nodes[resource.node].is_nil_or_empty() {
            kept.push(resource);
        }
    }
    map.append_all(nodes, kept)
}

/// Merges a patch into an object, which keeps its name and kind unless the patch may change them.
fn apply_strategic(
    nodes: &mut Nodes,
    resource: &Resource,
    patch: &Resource,
    schemas: &Schemas,
) -> Result<crate::yaml::Id, BuildError> {
    let (name, namespace, kind) = (resource.name(nodes), resource.namespace(nodes), resource.kind(nodes));
    let renames = patch.is_enabled(nodes, annotation::ALLOW_NAME_CHANGE);
    let rekinds = patch.is_enabled(nodes, annotation::ALLOW_KIND_CHANGE);
    if renames || rekinds {
        resource.store_previous_id(nodes)?;
    }
    let merged = strategic::merge(nodes, schemas, resource.node, patch.node)?;
    // What replaces the object as a whole is dropped, as it is in kustomize; only its end counts.
    if merged.is_none() || nodes[resource.node].is_nil_or_empty() {
        return Ok(nodes.add(crate::yaml::Node::default()));
    }
    if !rekinds {
        resource.set_kind(nodes, &kind)?;
    }
    if !renames {
        resource.set_name(nodes, &name)?;
    }
    resource.set_namespace(nodes, &namespace)?;
    Ok(resource.node)
}
