//! What an owner has put into the cluster: the list from which it knows what to delete.

mod config_map;

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use gitops_api::{ObjectId, ResourceInventory};
use serde::{Deserialize, Serialize};

pub use config_map::ConfigMapInventory;

/// One object that an owner has put into the cluster, or was about to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InventoryEntry {
    /// Which object.
    pub id: ObjectId,
    /// The API version it was applied in.
    #[serde(rename = "v")]
    pub version: String,
    /// The object's UID, known once it was applied; stores that cannot keep it leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

impl InventoryEntry {
    /// Returns an entry whose UID is not known.
    #[must_use]
    pub fn new(id: ObjectId, version: impl Into<String>) -> Self {
        InventoryEntry { id, version: version.into(), uid: None }
    }
}

/// The objects of an owner, each once, in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    entries: BTreeMap<ObjectId, Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    version: String,
    uid: Option<String>,
}

impl Inventory {
    /// Returns an inventory without objects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an object, or replaces what was known of it.
    pub fn insert(&mut self, entry: InventoryEntry) {
        self.entries.insert(entry.id, Kept { version: entry.version, uid: entry.uid });
    }

    /// Removes an object; returns whether it was there.
    pub fn remove(&mut self, id: &ObjectId) -> bool {
        self.entries.remove(id).is_some()
    }

    /// Returns whether the object is in the inventory.
    #[must_use]
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.entries.contains_key(id)
    }

    /// Returns what is known of an object.
    #[must_use]
    pub fn get(&self, id: &ObjectId) -> Option<InventoryEntry> {
        self.entries.get_key_value(id).map(entry)
    }

    /// Iterates over the entries in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = InventoryEntry> {
        self.entries.iter().map(entry)
    }

    /// Returns the number of objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the objects of both; what this inventory knows of an object stays.
    #[must_use]
    pub fn union(&self, other: impl IntoIterator<Item = InventoryEntry>) -> Self {
        let mut united = self.clone();
        for new in other {
            let kept = united.entries.entry(new.id).or_insert(Kept { version: new.version, uid: None });
            kept.uid = kept.uid.take().or(new.uid);
        }
        united
    }

    /// Returns the entries whose object is not in the other inventory.
    #[must_use]
    pub fn without(&self, other: &Inventory) -> Vec<InventoryEntry> {
        self.iter().filter(|entry| !other.contains(&entry.id)).collect()
    }
}

impl From<&Inventory> for ResourceInventory {
    /// Loses the UIDs, which Flux's form has no place for.
    fn from(inventory: &Inventory) -> Self {
        let entries =
            inventory.iter().map(|entry| gitops_api::InventoryEntry::new(&entry.id, entry.version)).collect();
        ResourceInventory { entries }
    }
}

impl TryFrom<&ResourceInventory> for Inventory {
    type Error = gitops_api::ParseError;

    fn try_from(resource: &ResourceInventory) -> Result<Self, Self::Error> {
        resource
            .entries
            .iter()
            .map(|entry| Ok(InventoryEntry::new(entry.object_id()?, entry.v.clone())))
            .collect()
    }
}

fn entry((id, kept): (&ObjectId, &Kept)) -> InventoryEntry {
    InventoryEntry { id: id.clone(), version: kept.version.clone(), uid: kept.uid.clone() }
}

impl FromIterator<InventoryEntry> for Inventory {
    fn from_iter<T: IntoIterator<Item = InventoryEntry>>(iter: T) -> Self {
        let mut inventory = Inventory::new();
        inventory.extend(iter);
        inventory
    }
}

impl Extend<InventoryEntry> for Inventory {
    fn extend<T: IntoIterator<Item = InventoryEntry>>(&mut self, iter: T) {
        iter.into_iter().for_each(|entry| self.insert(entry));
    }
}

/// Where an owner's inventory is kept.
///
/// The order of calls is the guarantee that nothing is lost: `claim` is called with everything that is about to be
/// written before the first write, and `commit` with what is left after the last; a crash in between leaves a list
/// that is too long, never too short.
///
/// Both are called only when the list differs from the last known one.
pub trait InventoryStore: Send + Sync {
    /// Reads the inventory; empty when there never was one.
    fn load(&self) -> BoxFuture<'_, Result<Inventory, InventoryError>>;

    /// Keeps an inventory before the objects in it are written. It must be durable when this returns.
    fn claim<'a>(&'a self, inventory: &'a Inventory) -> BoxFuture<'a, Result<(), InventoryError>>;

    /// Keeps the inventory of what is in the cluster after an apply.
    fn commit<'a>(&'a self, inventory: &'a Inventory) -> BoxFuture<'a, Result<(), InventoryError>>;

    /// Lends the applier's client to a store that was made without one. By default nothing happens.
    fn lend(&mut self, client: &kube::Client) {
        let _ = client;
    }
}

/// An inventory that could not be read or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The store was not reached or refused.
    #[error("inventory {store} is not accessible")]
    Access {
        /// What keeps the inventory.
        store: String,
        /// What the store answered.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is kept is no inventory. It is never read as an empty one.
    #[error("inventory {store} is damaged: {what}")]
    Damaged {
        /// What keeps the inventory.
        store: String,
        /// What is wrong with it.
        what: String,
    },
    /// Another writer changed it meanwhile.
    #[error("inventory {store} was changed by another writer")]
    Contended {
        /// What keeps the inventory.
        store: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, uid: Option<&str>) -> InventoryEntry {
        InventoryEntry {
            id: ObjectId::new(Some("ns"), name, "", "ConfigMap"),
            version: "v1".to_owned(),
            uid: uid.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_known_of_an_object_survives_a_union() {
        let known: Inventory = [entry("a", Some("1"))].into_iter().collect();
        let united = known.union([entry("a", None), entry("b", None)]);
        assert_eq!(united.iter().collect::<Vec<_>>(), [entry("a", Some("1")), entry("b", None)]);
        assert_eq!(united.without(&known), [entry("b", None)]);
    }
}
