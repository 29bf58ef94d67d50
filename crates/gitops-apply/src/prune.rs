//! Deleting what left the set.

use std::time::Duration;

use futures::FutureExt;

use crate::applier::{Applier, concurrently};
use crate::cluster::{Deletion, Place};
use crate::failure::CallFailure;
use crate::fields::{at, uid};
use crate::health::until_gone;
use crate::inventory::InventoryEntry;
use crate::order::{compare, rank};
use crate::prepare::sort_key;
use crate::progress::Progress;
use crate::report::{Action, Change, PruneFailure, PruneReport, Spared};
use crate::switches::Switches;

use serde_json::Value;

impl Applier {
    /// Deletes objects in the reverse order of applying, in the background, each only if it is the inventoried one and
    /// still ours.
    ///
    /// An object is deleted by its UID: the inventoried one, or where none is known that of the live object
    /// that was checked. It must bear the owner's labels; without an owner, and when no UID is known, it must
    /// have been applied by this field manager. Objects that a switch protects are skipped. What is already gone, or
    /// whose kind is, counts as deleted. All are tried even when some fail; those stay in the inventory.
    ///
    /// # Difference from Flux
    /// Flux deletes without a UID, so an object that was made anew between the check and the deletion goes too.
    pub async fn prune(&self, stale: &[InventoryEntry]) -> PruneReport {
        let mut entries = stale.to_vec();
        entries.sort_by(|a, b| compare(&sort_key(&b.id), &sort_key(&a.id)));
        let mut report = PruneReport::default();
        for kind in entries.chunk_by(|a, b| rank(a.id.kind()) == rank(b.id.kind())) {
            let work = kind.iter().map(|entry| self.prune_one(entry).boxed()).collect();
            for (entry, result) in kind.iter().zip(concurrently(work, self.options.concurrency).await) {
                let action = match result {
                    Ok(Fate::Deleted) => Action::Deleted,
                    Ok(Fate::Spared(why)) => {
                        report.spared.push((entry.id.clone(), why));
                        Action::Skipped
                    }
                    Err(cause) => {
                        report.failures.push(PruneFailure { entry: entry.clone(), cause });
                        Action::Unknown
                    }
                };
                self.listener.tell(|| Progress::Pruned { id: entry.id.clone(), action });
                let change = Change::new(entry.id.clone(), entry.version.clone(), action);
                report.changes.extend([change.with_uid(entry.uid.as_deref())]);
            }
        }
        report
    }

    /// Waits until deleted objects are gone, with their finalizers done; returns those that are left.
    ///
    /// # Errors
    /// When the kinds cannot be looked up.
    pub async fn wait_for_termination(
        &self,
        deleted: &[InventoryEntry],
        timeout: Duration,
    ) -> Result<Vec<InventoryEntry>, CallFailure> {
        let mut places = Vec::with_capacity(deleted.len());
        let mut entries = Vec::with_capacity(deleted.len());
        for entry in deleted {
            if let Some(place) = self.place_of(entry).await? {
                places.push((place, entry.uid.clone()));
                entries.push(entry);
            }
        }
        let left = until_gone(&self.cluster, &places, timeout).await;
        Ok(left.into_iter().map(|index| entries[index].clone()).collect())
    }

    async fn prune_one(&self, entry: &InventoryEntry) -> Result<Fate, CallFailure> {
        let Some(place) = self.place_of(entry).await? else { return Ok(Fate::Deleted) };
        let Some(live) = self.cluster.get(&place).await? else { return Ok(Fate::Deleted) };
        let live_uid = uid(&live).unwrap_or_default();
        if entry.uid.as_deref().is_some_and(|inventoried| inventoried != live_uid) {
            return Ok(Fate::Spared(Spared::Replaced));
        }
        let ours = match &self.owner {
            Some(owner) => owner.are_on(&live),
            None => entry.uid.is_some() || is_applied_by(&live, self.manager.name()),
        };
        if !ours {
            return Ok(Fate::Spared(Spared::OtherOwner));
        }
        if Switches::read(&self.options.switch_prefix, &live, None).keeps() {
            return Ok(Fate::Spared(Spared::Switch));
        }
        match self.cluster.delete(&place, live_uid).await? {
            Deletion::Accepted | Deletion::Absent => Ok(Fate::Deleted),
            Deletion::Replaced => Ok(Fate::Spared(Spared::Replaced)),
        }
    }

    /// Finds where an inventoried object lives; none when its kind is no longer served.
    async fn place_of(&self, entry: &InventoryEntry) -> Result<Option<Place>, CallFailure> {
        let id = &entry.id;
        let (discovery, calls) = (&self.cluster.discovery, &self.cluster.calls);
        let resource = match discovery.resource(calls, id.group(), &entry.version, id.kind()).await {
            Ok(resource) => resource,
            // The version may have gone while the kind is still served.
            Err(CallFailure::NoMatch { .. }) => {
                match discovery.any_version(calls, id.group(), id.kind()).await? {
                    Some(resource) => resource,
                    None => return Ok(None),
                }
            }
            Err(failure) => return Err(failure),
        };
        let namespace = id.namespace().unwrap_or_default().to_owned();
        Ok(Some(Place { resource, namespace, name: id.name().to_owned() }))
    }
}

enum Fate {
    Deleted,
    Spared(Spared),
}

fn is_applied_by(live: &Value, manager: &str) -> bool {
    at(live, &["metadata", "managedFields"]).and_then(Value::as_array).into_iter().flatten().any(|entry| {
        entry.get("manager").and_then(Value::as_str) == Some(manager)
            && entry.get("operation").and_then(Value::as_str) == Some("Apply")
    })
}
