//! The inventory in the owner's status, as Flux keeps it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use gitops_api::ObjectId;
use gitops_apply::{Inventory, InventoryEntry, InventoryError, InventoryStore};
use kube::ResourceExt;

use super::run::Run;

/// Remembers the UIDs of applied objects: Flux's `status.inventory` has no room for them.
///
/// While the process lives a deletion is bound to the UID that was applied; after a restart it is bound to the UID of the
/// live object whose owner labels were checked, until the next apply.
#[derive(Debug, Default)]
pub(super) struct Uids(Mutex<HashMap<String, HashMap<ObjectId, String>>>);

impl Uids {
    fn fill(&self, owner: &str, inventory: Inventory) -> Inventory {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(uids) = known.get(owner) else { return inventory };
        inventory.iter().map(|entry| InventoryEntry { uid: uids.get(&entry.id).cloned(), ..entry }).collect()
    }

    /// Notes the UIDs of what an owner has in the cluster now.
    pub(super) fn learn(&self, owner: &str, inventory: &Inventory) {
        let uids = inventory.iter().filter_map(|entry| Some((entry.id, entry.uid?))).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(owner.to_owned(), uids);
    }

    /// Forgets an owner that is gone.
    pub(super) fn forget(&self, owner: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(owner);
    }
}

/// Keeps the inventory in `status.inventory` of the run's Kustomization.
///
/// The claim is a write of its own, before the first object is touched. The commit only notes the list: it goes out with the
/// status at the end of the run, so that revision and inventory never disagree. A crash in between leaves the claim, a list
/// that is too long and never too short.
pub(super) struct StatusInventory {
    run: Arc<Run>,
    uids: Arc<Uids>,
}

impl StatusInventory {
    pub(super) fn new(run: Arc<Run>, uids: Arc<Uids>) -> Self {
        Self { run, uids }
    }
}

impl InventoryStore for StatusInventory {
    fn load(&self) -> BoxFuture<'_, Result<Inventory, InventoryError>> {
        let kept = self.run.written().inventory.unwrap_or_default();
        let owner = self.run.object.uid().unwrap_or_default();
        let loaded =
            Inventory::try_from(&kept).map(|inventory| self.uids.fill(&owner, inventory)).map_err(|error| {
                InventoryError::Damaged { store: "status.inventory".to_owned(), what: error.to_string() }
            });
        futures::future::ready(loaded).boxed()
    }

    fn claim<'a>(&'a self, inventory: &'a Inventory) -> BoxFuture<'a, Result<(), InventoryError>> {
        async move {
            self.run.keep(inventory);
            self.run.write_progress().await.map_err(|source| InventoryError::Access {
                store: "status.inventory".to_owned(),
                source: Box::new(source),
            })
        }
        .boxed()
    }

    fn commit<'a>(&'a self, inventory: &'a Inventory) -> BoxFuture<'a, Result<(), InventoryError>> {
        self.run.keep(inventory);
        futures::future::ready(Ok(())).boxed()
    }
}
