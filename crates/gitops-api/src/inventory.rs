//! Inventories: which objects somebody applied.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ObjectId, ParseError};

/// The objects that a Kustomization applied and will prune.
///
/// ```
/// use gitops_api::{ObjectId, ResourceInventory};
///
/// let mut inventory = ResourceInventory::default();
/// inventory.insert(&ObjectId::new(Some("default"), "web", "apps", "Deployment"), "v1");
/// assert_eq!(inventory.entries[0].id, "default_web_apps_Deployment");
/// assert_eq!(inventory.entries[0].v, "v1");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ResourceInventory {
    /// One entry for each object.
    pub entries: Vec<InventoryEntry>,
}

impl ResourceInventory {
    /// Puts the object in, or sets its version when it is there already.
    pub fn insert(&mut self, id: &ObjectId, version: impl Into<String>) {
        let (id, v) = (id.to_string(), version.into());
        match self.entries.iter_mut().find(|entry| entry.id == id) {
            Some(entry) => entry.v = v,
            None => self.entries.push(InventoryEntry { id, v }),
        }
    }

    /// Returns whether the object is in the inventory, whatever its version.
    pub fn contains(&self, id: &ObjectId) -> bool {
        let id = id.to_string();
        self.entries.iter().any(|entry| entry.id == id)
    }

    /// Returns the ids of all entries in order, each as far as it can be read.
    pub fn ids(&self) -> impl Iterator<Item = Result<ObjectId, ParseError>> + '_ {
        self.entries.iter().map(InventoryEntry::object_id)
    }
}

/// One object of an inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct InventoryEntry {
    /// The object's id, `<namespace>_<name>_<group>_<kind>`.
    pub id: String,
    /// The version of the object's kind.
    pub v: String,
}

impl InventoryEntry {
    /// Returns the entry of this object.
    pub fn new(id: &ObjectId, version: impl Into<String>) -> Self {
        Self { id: id.to_string(), v: version.into() }
    }

    /// Returns the object's id.
    ///
    /// # Errors
    /// When the text is no id.
    pub fn object_id(&self) -> Result<ObjectId, ParseError> {
        self.id.parse()
    }
}
