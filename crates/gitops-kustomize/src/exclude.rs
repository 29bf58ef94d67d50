//! What is left out of a build, as ignore rules say.

use std::fmt;
use std::sync::Arc;

use gitops_manifest::EntryKind;

use crate::error::BuildError;
use crate::kustomization::Kustomization;
use crate::root::{Place, Root, is_remote, join};

/// A predicate of paths.
#[derive(Clone)]
pub(crate) struct Exclude(Arc<Predicate>);

/// Tells whether what is at a path is left out.
type Predicate = dyn Fn(&str, EntryKind) -> bool + Send + Sync;

impl fmt::Debug for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exclude")
    }
}

/// A predicate is equal to itself alone.
impl PartialEq for Exclude {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Exclude {}

impl Exclude {
    pub(crate) fn new(is_excluded: impl Fn(&str, EntryKind) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_excluded))
    }

    pub(crate) fn takes(&self, path: &str, kind: EntryKind) -> bool {
        (self.0)(path, kind)
    }

    /// Takes entries out of a kustomization that stands in a file.
    ///
    /// # Errors
    /// When an entry does not exist, as in Flux. Remote ones are kept, and refused by the build.
    pub(crate) fn thin_out(
        &self,
        root: &Root<'_>,
        place: &Place,
        kustomization: &mut Kustomization,
    ) -> Result<(), BuildError> {
        for (field, list) in [
            ("resources", &mut kustomization.resources),
            ("components", &mut kustomization.components),
            ("crds", &mut kustomization.crds),
        ] {
            let mut kept = Vec::with_capacity(list.len());
            for entry in std::mem::take(list) {
                if field == "crds" || !is_remote(&entry) {
                    let path = root.resolve(place, &entry, field)?;
                    let Some(kind) = root.kind(&path)? else {
                        let shown = root.shown(&join(&place.dir, &entry));
                        return Err(BuildError::Missing(format!("lstat {shown}: no such file or directory")));
                    };
                    if self.takes(&path, kind) {
                        continue;
                    }
                }
                kept.push(entry);
            }
            *list = kept;
        }
        Ok(())
    }
}
