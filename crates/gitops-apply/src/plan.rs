//! What an apply would do, before anything is written.

use std::fmt;

use gitops_api::ObjectId;
use gitops_manifest::{Origin, to_yaml};
use serde::Serialize;
use serde_json::Value;

use crate::diff::Diff;
use crate::inventory::{Inventory, InventoryEntry};
use crate::mask::mask_pair;
use crate::order::{Stage, is_secret};
use crate::report::subject_of;

/// What will be done to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Intent {
    /// It will be made.
    Create,
    /// It will be changed, or its fields taken over from another manager.
    Configure,
    /// It will be deleted and made again: an immutable field changes and force is on.
    Recreate,
    /// It is as it should be.
    Unchanged,
    /// A switch on it says to leave it alone.
    Skip,
    /// Its change can only be seen when another object of the plan is in place: its namespace, or the definition of
    /// its kind.
    Deferred {
        /// The object it waits for.
        until: ObjectId,
    },
}

/// One object of a plan.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct PlannedObject {
    /// The object.
    pub id: ObjectId,
    /// Its API version.
    pub version: String,
    /// In which stage it is applied.
    pub stage: Stage,
    /// What will be done.
    pub intent: Intent,
    /// What would change in it; values of Secrets are masked. Empty for an object that will be made.
    #[serde(skip_serializing_if = "Diff::is_empty")]
    pub diff: Diff,
    /// Where it was read.
    #[serde(skip)]
    pub origin: Option<Origin>,
    #[serde(skip)]
    pub(crate) desired: Value,
    /// What is known of the live object.
    #[serde(skip)]
    pub(crate) live: Option<Live>,
}

/// What a plan remembers of a live object.
#[derive(Clone, Default)]
pub(crate) struct Live {
    pub(crate) uid: Option<String>,
    /// Whether fields must be taken over from other managers.
    pub(crate) takeover: bool,
    /// Whether it was ready when it was read.
    pub(crate) ready: bool,
}

impl PlannedObject {
    /// Returns the object as it will be applied, with the values of a Secret masked.
    #[must_use]
    pub fn object(&self) -> Value {
        let mut object = self.desired.clone();
        if is_secret(self.id.group(), self.id.kind()) {
            mask_pair(None, Some(&mut object));
        }
        object
    }

    /// Returns the object as an entry of an inventory.
    #[must_use]
    pub fn entry(&self) -> InventoryEntry {
        let uid = self.live.as_ref().and_then(|live| live.uid.clone());
        let uid = uid.filter(|_| self.intent != Intent::Recreate);
        InventoryEntry { id: self.id.clone(), version: self.version.clone(), uid }
    }
}

impl fmt::Debug for PlannedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedObject")
            .field("id", &self.id)
            .field("stage", &self.stage)
            .field("intent", &self.intent)
            .finish_non_exhaustive()
    }
}

/// What an apply would do: the objects in stages, and what left the set.
///
/// `{}` prints what would change and how, `{:#}` also the whole of what would be made. Values of Secrets are masked
/// in both, and in the serialised form.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The content hash of the manifests.
    pub digest: String,
    /// The objects in the order of applying.
    pub objects: Vec<PlannedObject>,
    /// What is in the inventory and no longer in the set, in the order of deleting.
    pub stale: Vec<InventoryEntry>,
    #[serde(skip)]
    pub(crate) inventory: Inventory,
}

impl Plan {
    /// Returns whether applying would write nothing.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.stale.is_empty()
            && self.objects.iter().all(|object| matches!(object.intent, Intent::Unchanged | Intent::Skip))
    }

    /// Returns the ids of all objects of the set, in the order of applying.
    #[must_use]
    pub fn ids(&self) -> Vec<ObjectId> {
        self.objects.iter().map(|object| object.id.clone()).collect()
    }

    /// Returns the inventory on which the plan is based.
    #[must_use]
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Returns the inventory that must be kept before the first write: all that was there and all that is planned.
    #[must_use]
    pub fn claim(&self) -> Inventory {
        self.inventory.union(self.objects.iter().map(PlannedObject::entry))
    }

    /// Returns the objects of a stage.
    pub fn stage(&self, stage: Stage) -> impl Iterator<Item = &PlannedObject> {
        self.objects.iter().filter(move |object| object.stage == stage)
    }

    fn count(&self, intent: &Intent) -> usize {
        self.objects.iter().filter(|object| object.intent == *intent).count()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deferred =
            self.objects.iter().filter(|object| matches!(object.intent, Intent::Deferred { .. })).count();
        let counts = [
            (self.count(&Intent::Create), "to create"),
            (self.count(&Intent::Configure), "to configure"),
            (self.count(&Intent::Recreate), "to recreate"),
            (deferred, "to see later"),
            (self.stale.len(), "to delete"),
            (self.count(&Intent::Unchanged), "unchanged"),
            (self.count(&Intent::Skip), "skipped"),
        ];
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        write!(f, "plan: {}", if told.is_empty() { "nothing".to_owned() } else { told.join(", ") })?;
        for stage in Stage::ALL {
            let mut first = true;
            for object in self.stage(stage) {
                let mark = match &object.intent {
                    Intent::Create => '+',
                    Intent::Configure => '~',
                    Intent::Recreate => '!',
                    Intent::Deferred { .. } => '?',
                    Intent::Unchanged | Intent::Skip => continue,
                };
                if std::mem::take(&mut first) {
                    write!(f, "\nstage {stage}:")?;
                }
                write!(f, "\n  {mark} {}", subject_of(&object.id))?;
                if let Intent::Deferred { until } = &object.intent {
                    write!(f, " (after {})", subject_of(until))?;
                }
                indented(f, &object.diff.to_string())?;
                if f.alternate() && matches!(object.intent, Intent::Create | Intent::Deferred { .. }) {
                    indented(f, &to_yaml(&object.object()))?;
                }
            }
        }
        if !self.stale.is_empty() {
            f.write_str("\nleft the set:")?;
            for entry in &self.stale {
                write!(f, "\n  - {}", subject_of(&entry.id))?;
            }
        }
        Ok(())
    }
}

fn indented(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| write!(f, "\n      {line}"))
}
