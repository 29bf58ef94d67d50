//! The objects of a build in their order, and how they are found.

use std::collections::HashSet;
use std::rc::Rc;

use crate::error::BuildError;
use crate::id::{Gvk, ResId};
use crate::resource::{Behavior, Resource};
use crate::yaml::{FieldError, Nodes};

impl From<FieldError> for BuildError {
    fn from(error: FieldError) -> Self {
        match error {
            FieldError::Limit(text) => Self::Limit(text),
            error => Self::Transform(error.to_string()),
        }
    }
}

/// The objects of a build in their order.
#[derive(Debug, Default)]
pub(crate) struct ResMap {
    pub(crate) list: Vec<Resource>,
}

/// What makes two objects the same.
type Key = (Gvk, Rc<str>, Rc<str>);

/// The identities of all objects, once somebody has asked for them; true as long as none of them changes.
#[derive(Debug, Default)]
pub(crate) struct Known(Option<HashSet<Key>>);

impl ResMap {
    /// Adds objects of which none may be there already.
    pub(crate) fn append_all(&mut self, nodes: &Nodes, more: Vec<Resource>) -> Result<(), BuildError> {
        self.append_new(nodes, more, &mut Known::default())
    }

    /// Adds objects as [`ResMap::append_all`]; whoever adds again and again keeps what is known.
    pub(crate) fn append_new(
        &mut self,
        nodes: &Nodes,
        more: Vec<Resource>,
        known: &mut Known,
    ) -> Result<(), BuildError> {
        let known =
            known.0.get_or_insert_with(|| self.list.iter().map(|known| known.id(nodes).key()).collect());
        for resource in more {
            let id = resource.id(nodes);
            if !known.insert(id.key()) {
                return Err(BuildError::Conflict(format!(
                    "may not add resource with an already registered id: {id}"
                )));
            }
            self.list.push(resource);
        }
        Ok(())
    }

    /// Adds generated objects, which may merge with those that are there or replace them.
    pub(crate) fn absorb(&mut self, nodes: &mut Nodes, resource: Resource) -> Result<(), BuildError> {
        let id = resource.id(nodes);
        let matches = self.matching_any_id(nodes, |other| id.is_same(other));
        let behavior = resource.behavior(nodes);
        let [at] = matches.as_slice() else {
            if !matches.is_empty() {
                return Err(BuildError::Conflict(format!(
                    "found multiple objects that could accept merge of {id}"
                )));
            }
            if matches!(behavior, Behavior::Merge | Behavior::Replace) {
                return Err(BuildError::Conflict(format!(
                    "id {} does not exist; cannot merge or replace",
                    debug_id(&id)
                )));
            }
            return self.append_all(nodes, vec![resource]);
        };
        let mut resource = resource;
        let old = self.list[*at].clone();
        match behavior {
            Behavior::Replace => resource.take_metadata(nodes, &old)?,
            Behavior::Merge => {
                let origin = old.annotation(nodes, crate::resource::annotation::ORIGIN);
                resource.take_metadata(nodes, &old)?;
                for field in ["data", "binaryData"] {
                    crate::generator::data::merge_map(nodes, &resource, &old, field)?;
                }
                if let Some(origin) = origin {
                    let mut annotations = resource.annotations(nodes);
                    annotations.insert(crate::resource::annotation::ORIGIN.into(), origin);
                    resource.set_annotations(nodes, &annotations)?;
                }
            }
            other => {
                return Err(BuildError::Conflict(format!(
                    "id {} exists; can not use behavior: '{}', behavior must be merge or replace",
                    debug_id(&id),
                    other.as_str()
                )));
            }
        }
        resource.variables.clone_from(&old.variables);
        self.list[*at] = resource;
        Ok(())
    }

    /// Returns the places of objects that have, or had, such an identity.
    pub(crate) fn matching_any_id(&self, nodes: &Nodes, matches: impl Fn(&ResId) -> bool) -> Vec<usize> {
        self.list
            .iter()
            .enumerate()
            .filter(|(_, resource)| !nodes[resource.node].is_nil_or_empty())
            .filter(|(_, resource)| resource.all_ids(nodes).iter().any(&matches))
            .map(|(at, _)| at)
            .collect()
    }

    /// Returns the one object that has, or had, this identity.
    pub(crate) fn by_id(&self, nodes: &Nodes, id: &ResId) -> Result<usize, BuildError> {
        let found = self.matching_any_id(nodes, |other| id.is_same(other));
        let what = match found.as_slice() {
            [at] => return Ok(*at),
            [] => "no",
            _ => "multiple",
        };
        Err(BuildError::Transform(format!(
            "{what} matches for Id {id}; failed to find unique target for patch {id}"
        )))
    }

    /// Removes the objects of which nothing is left.
    pub(crate) fn drop_empty(&mut self, nodes: &Nodes) {
        self.list.retain(|resource| !nodes[resource.node].is_nil_or_empty());
    }
}

/// Prints an identity as Go's `%#v` does, for texts that users search for.
fn debug_id(id: &ResId) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
        &*id.gvk.group, &*id.gvk.version, &*id.gvk.kind, id.cluster_scoped, &*id.name, &*id.namespace
    )
}
