//! What an apply, a wait and a prune have done.

use std::fmt;
use std::time::Duration;

use gitops_api::ObjectId;
use serde::{Deserialize, Serialize};

use crate::failure::CallFailure;
use crate::fields::subject;
use crate::health::{Assessment, Status};
use crate::inventory::{Inventory, InventoryEntry};

/// What was done to an object, in Flux's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Action {
    /// It was made, or made again.
    Created,
    /// It was changed.
    Configured,
    /// It was as it should be.
    Unchanged,
    /// It was deleted, or had gone.
    Deleted,
    /// It was left alone on purpose.
    Skipped,
    /// It is not certain what became of it.
    Unknown,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Created => "created",
            Action::Configured => "configured",
            Action::Unchanged => "unchanged",
            Action::Deleted => "deleted",
            Action::Skipped => "skipped",
            Action::Unknown => "unknown",
        })
    }
}

/// What was done to one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// The object.
    pub id: ObjectId,
    /// Its API version.
    pub version: String,
    /// Its UID, when it is in the cluster and known.
    pub uid: Option<String>,
    /// What was done.
    pub action: Action,
}

impl Change {
    /// Returns a change of an object whose UID is not known.
    #[must_use]
    pub fn new(id: ObjectId, version: impl Into<String>, action: Action) -> Self {
        Change { id, version: version.into(), uid: None, action }
    }

    pub(crate) fn with_uid(mut self, uid: Option<&str>) -> Self {
        self.uid = uid.map(str::to_owned);
        self
    }

    /// Returns the object as an entry of an inventory.
    #[must_use]
    pub fn entry(&self) -> InventoryEntry {
        InventoryEntry { id: self.id.clone(), version: self.version.clone(), uid: self.uid.clone() }
    }
}

/// Writes Flux's line: `Kind/namespace/name action`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", subject_of(&self.id), self.action)
    }
}

/// Writes an object as Flux does in its messages: `Kind/namespace/name`, or `Kind/name`.
#[must_use]
pub fn subject_of(id: &ObjectId) -> String {
    subject(id.kind(), id.namespace().unwrap_or_default(), id.name())
}

/// What was done to the objects of a set, in the order of applying or of deleting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeSet(Vec<Change>);

impl ChangeSet {
    /// Returns a set without changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was done, in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    /// Returns the same set without what was unchanged or skipped: what Flux tells in an event.
    #[must_use]
    pub fn only_changed(&self) -> Self {
        self.0
            .iter()
            .filter(|change| !matches!(change.action, Action::Unchanged | Action::Skipped))
            .cloned()
            .collect()
    }

    /// Returns the number of objects with which this was done.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.0.iter().filter(|change| change.action == action).count()
    }

    /// Returns what was done to an object.
    #[must_use]
    pub fn action(&self, id: &ObjectId) -> Option<Action> {
        self.0.iter().find(|change| change.id == *id).map(|change| change.action)
    }

    /// Returns whether nothing was looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the objects as an inventory.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        self.0.iter().map(Change::entry).collect()
    }
}

impl FromIterator<Change> for ChangeSet {
    fn from_iter<T: IntoIterator<Item = Change>>(iter: T) -> Self {
        ChangeSet(iter.into_iter().collect())
    }
}

impl Extend<Change> for ChangeSet {
    fn extend<T: IntoIterator<Item = Change>>(&mut self, iter: T) {
        self.0.extend(iter);
    }
}

/// Writes one line an object.
impl fmt::Display for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            change.fmt(f)?;
        }
        Ok(())
    }
}

/// How waiting for health ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthOutcome {
    /// Every object is as asked for.
    Healthy,
    /// Time was up.
    TimedOut,
    /// An object has failed and nothing more was waited for.
    FailedEarly,
    /// The caller broke it off.
    Interrupted,
}

/// The health of one object when waiting ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectHealth {
    /// The object.
    pub id: ObjectId,
    /// The last assessment; none when the object was never seen.
    pub assessment: Option<Assessment>,
    /// Whether the object counts as healthy.
    pub healthy: bool,
}

/// The health of a set when waiting ended.
///
/// Its text is empty when all is well and Flux's message otherwise, such as
/// `timeout waiting for: [Deployment/ns/x status: 'InProgress']`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthReport {
    /// How it ended.
    pub outcome: HealthOutcome,
    /// The objects in the order they were asked for.
    pub objects: Vec<ObjectHealth>,
    /// How long it took.
    pub elapsed: Duration,
}

impl HealthReport {
    /// Returns whether every object is as asked for.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.outcome == HealthOutcome::Healthy
    }

    /// Returns the objects that are not as asked for.
    pub fn unhealthy(&self) -> impl Iterator<Item = &ObjectHealth> {
        self.objects.iter().filter(|object| !object.healthy)
    }
}

impl fmt::Display for HealthReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, list): (&str, Vec<String>) = match self.outcome {
            HealthOutcome::Healthy => return Ok(()),
            HealthOutcome::FailedEarly => {
                let failed = |object: &&ObjectHealth| {
                    object.assessment.as_ref().is_some_and(|assessment| assessment.status == Status::Failed)
                };
                ("failed early due to stalled resources", self.unhealthy().filter(failed).map(told).collect())
            }
            HealthOutcome::TimedOut => ("timeout waiting for", self.unhealthy().map(told).collect()),
            HealthOutcome::Interrupted => ("interrupted waiting for", self.unhealthy().map(told).collect()),
        };
        write!(f, "{start}: [{}]", list.join(", "))
    }
}

fn told(object: &ObjectHealth) -> String {
    let subject = subject_of(&object.id);
    match &object.assessment {
        None => format!("can't determine status for {subject}"),
        Some(Assessment { status, error: Some(error), .. }) => {
            format!("{subject} status: '{status}': {error}")
        }
        Some(Assessment { status, .. }) => format!("{subject} status: '{status}'"),
    }
}

/// Why an object that left the set was not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spared {
    /// A switch on it forbids it.
    Switch,
    /// Its owner labels name somebody else, or nobody.
    OtherOwner,
    /// It is another object of the same name: its UID is not the one that was inventoried.
    Replaced,
}

/// A deletion that failed; the object stays in the inventory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PruneFailure {
    /// The entry that stays in the inventory.
    pub entry: InventoryEntry,
    /// Why.
    pub cause: CallFailure,
}

/// Writes Flux's wording: `Kind/namespace/name delete failed: …`.
impl fmt::Display for PruneFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} delete failed: {}", subject_of(&self.entry.id), self.cause)
    }
}

/// What became of the objects that left the set.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PruneReport {
    /// What was done, in the order of deleting: deleted, skipped, or unknown after a failure.
    pub changes: ChangeSet,
    /// Why objects were skipped.
    pub spared: Vec<(ObjectId, Spared)>,
    /// What could not be deleted and stays in the inventory.
    pub failures: Vec<PruneFailure>,
}

impl PruneReport {
    /// Returns whether nothing failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    /// Returns what could not be deleted and stays in the inventory.
    pub fn survivors(&self) -> impl Iterator<Item = &InventoryEntry> {
        self.failures.iter().map(|failure| &failure.entry)
    }

    /// Returns the objects whose deletion the server has accepted, to wait until they are gone.
    #[must_use]
    pub fn deleted(&self) -> Vec<InventoryEntry> {
        self.changes
            .changes()
            .iter()
            .filter(|change| change.action == Action::Deleted)
            .map(Change::entry)
            .collect()
    }
}

/// What an apply has done, from its plan to its commit.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApplyReport {
    /// What was done to the objects of the set.
    pub changes: ChangeSet,
    /// What became of the objects that left it.
    pub pruned: PruneReport,
    /// The health of the set, when it was waited for.
    pub health: Option<HealthReport>,
    /// What the owner has in the cluster now.
    pub inventory: Inventory,
    /// How long it took.
    pub elapsed: Duration,
}

impl fmt::Display for ApplyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.changes)?;
        if !self.changes.is_empty() && !self.pruned.changes.is_empty() {
            f.write_str("\n")?;
        }
        write!(f, "{}", self.pruned.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(name: &str, assessment: Option<Assessment>) -> ObjectHealth {
        let healthy = assessment.as_ref().is_some_and(|assessment| assessment.status == Status::Current);
        ObjectHealth { id: ObjectId::new(Some("ns"), name, "apps", "Deployment"), assessment, healthy }
    }

    #[test]
    fn health_is_told_as_flux_tells_it() {
        #[track_caller]
        fn check(outcome: HealthOutcome, objects: Vec<ObjectHealth>, want: &str) {
            assert_eq!(HealthReport { outcome, objects, elapsed: Duration::ZERO }.to_string(), want);
        }
        let (slow, fine) = (Assessment::in_progress("x", "y"), Assessment::current("z"));
        let all = vec![
            health("a", Some(slow)),
            health("b", Some(fine)),
            health("c", Some(Assessment::failed("x", "y"))),
            health("d", Some(Assessment::unknown("no such key"))),
            health("e", None),
        ];
        check(HealthOutcome::Healthy, vec![], "");
        check(
            HealthOutcome::TimedOut,
            all.clone(),
            "timeout waiting for: [Deployment/ns/a status: 'InProgress', Deployment/ns/c status: 'Failed', \
             Deployment/ns/d status: 'Unknown': no such key, can't determine status for Deployment/ns/e]",
        );
        check(
            HealthOutcome::FailedEarly,
            all,
            "failed early due to stalled resources: [Deployment/ns/c status: 'Failed']",
        );
    }
}
