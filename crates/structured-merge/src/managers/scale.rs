//! Ownership through `/scale`: the same replicas under another name.

use std::collections::BTreeMap;

use super::{ManagedFields, ManagedFieldsEntry, Managers, Owned};
use crate::path::Path;
use crate::set::Set;

/// The API version of Scale objects.
const SCALE_VERSION: &str = "autoscaling/v1";

/// Carries ownership between a resource and its `/scale`, by where each version keeps the replicas.
///
/// A Scale shows who owns the replicas of its resource, and who takes them there owns them in the
/// resource.
#[derive(Clone, Debug, Default)]
pub struct ScaleFields {
    replicas: BTreeMap<String, Option<Path>>,
}

impl ScaleFields {
    /// Returns no versions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a version of the resource and where it keeps the replicas.
    #[must_use]
    pub fn with(mut self, version: impl Into<String>, replicas: Path) -> Self {
        self.replicas.insert(version.into(), Some(replicas));
        self
    }

    /// Adds a version of the resource that has no `/scale`.
    #[must_use]
    pub fn without(mut self, version: impl Into<String>) -> Self {
        self.replicas.insert(version.into(), None);
        self
    }

    /// Returns the managers of the Scale of a resource with these managers.
    #[must_use]
    pub fn to_scale(&self, parent: &ManagedFields) -> ManagedFields {
        let mut scale = ManagedFields::default();
        for entry in parent.entries() {
            let Some(Some(path)) = self.replicas.get(&entry.owned.version) else { continue };
            if entry.owned.set.has(path) {
                let set = [replicas_of_scale()].into_iter().collect();
                let owned = Owned { set, version: SCALE_VERSION.to_owned(), ..entry.owned };
                scale.insert(ManagedFieldsEntry { owned, ..entry });
            }
        }
        scale.entries = scale.managers.len();
        scale
    }

    /// Returns the managers of a resource after its Scale came to have these managers. `version` is the
    /// one in which the resource was written.
    #[must_use]
    pub fn to_parent(&self, parent: &ManagedFields, scale: &ManagedFields, version: &str) -> ManagedFields {
        let mut result = ManagedFields::default();
        let mut rest: Managers<_> = scale.managers.clone();
        for entry in parent.entries() {
            let Some(path) = self.replicas.get(&entry.owned.version) else { continue };
            let set = match path {
                Some(path) if entry.owned.set.has(path) && rest.remove(&entry.manager).is_none() => {
                    // Somebody took the replicas.
                    entry.owned.set.difference(&[path.clone()].into_iter().collect())
                }
                _ => entry.owned.set.clone(),
            };
            if !set.is_empty() {
                let owned = Owned { set, ..entry.owned };
                result.insert(ManagedFieldsEntry { owned, ..entry });
            }
        }
        let Some(Some(path)) = self.replicas.get(version) else { return result };
        for (manager, owned) in rest.iter().filter(|(_, owned)| owned.set.has(&replicas_of_scale())) {
            let set: Set = [path.clone()].into_iter().collect();
            // Somebody else's entry under the same name stays what it is, and gains the replicas.
            let before = result.managers.get(manager).map(|owned| owned.set.clone()).unwrap_or_default();
            let owned =
                Owned { set: before.union(&set), version: version.to_owned(), applied: owned.applied };
            // The time of a new entry is not known here.
            let time = parent.time(manager);
            result.insert(ManagedFieldsEntry { manager: manager.clone(), owned, time });
        }
        result.entries = result.managers.len();
        result
    }
}

fn replicas_of_scale() -> Path {
    Path::fields(["spec", "replicas"])
}
