//! Who owns what: managers, and what applying and updating do to them.

mod conflict;
mod entry;
mod object;
mod reset;
mod scale;
mod updater;
mod versions;

use std::collections::BTreeMap;

pub use conflict::{Conflict, Conflicts};
pub use entry::{EntryError, ManagedFields, ManagedFieldsEntry, Manager, Operation};
pub use object::{Applied, ApplyError, ObjectUpdater, Request};
pub use reset::ResetFields;
pub use scale::ScaleFields;
pub use updater::{Force, Merged, UpdateError, Updater};
pub use versions::{ConvertError, OneVersion, Versions};

use crate::set::Set;

/// What one manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The paths, as they are called in the version below.
    pub set: Set,
    /// The API version in which the manager wrote.
    pub version: String,
    /// Whether the manager applied or updated.
    pub applied: bool,
}

/// All managers of an object, by a name that tells them apart.
///
/// `M` is the name: a [`Manager`] in `metadata.managedFields`, any other ordered type elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managers<M = String>(BTreeMap<M, Owned>);

impl<M: Ord + Clone> Managers<M> {
    /// Returns no managers.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Returns what a manager owns.
    #[must_use]
    pub fn get(&self, manager: &M) -> Option<&Owned> {
        self.0.get(manager)
    }

    /// Iterates over the managers in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&M, &Owned)> {
        self.0.iter()
    }

    /// Returns true if nobody owns anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many managers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Sets what a manager owns; nothing is the same as not being there.
    pub fn insert(&mut self, manager: M, owned: Owned) {
        if owned.set.is_empty() {
            self.0.remove(&manager);
        } else {
            self.0.insert(manager, owned);
        }
    }

    /// Removes a manager.
    pub fn remove(&mut self, manager: &M) -> Option<Owned> {
        self.0.remove(manager)
    }

    /// Returns in what two states differ, manager by manager: what is owned in only one of them.
    ///
    /// Of a manager that changed its version everything it owns in the other state is given.
    #[must_use]
    pub fn symmetric_difference(&self, other: &Self) -> Self {
        let mut managers = Self::new();
        for (manager, before) in self.iter() {
            let Some(after) = other.get(manager) else {
                managers.insert(manager.clone(), before.clone());
                continue;
            };
            let changed = if before.version == after.version {
                let set = before.set.difference(&after.set).union(&after.set.difference(&before.set));
                Owned { set, version: after.version.clone(), applied: false }
            } else {
                after.clone()
            };
            managers.insert(manager.clone(), changed);
        }
        for (manager, after) in other.iter().filter(|(manager, _)| self.get(manager).is_none()) {
            managers.insert(manager.clone(), after.clone());
        }
        managers
    }

    /// Iterates over those who own exactly this path.
    pub fn owners<'a>(&'a self, path: &'a crate::Path) -> impl Iterator<Item = (&'a M, &'a Owned)> {
        self.iter().filter(move |(_, owned)| owned.set.has(path))
    }

    fn retain(&mut self, keep: impl FnMut(&M, &mut Owned) -> bool) {
        self.0.retain(keep);
    }
}

impl<M> Default for Managers<M> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<M: Ord + Clone> FromIterator<(M, Owned)> for Managers<M> {
    fn from_iter<I: IntoIterator<Item = (M, Owned)>>(managers: I) -> Self {
        let mut all = Self::new();
        managers.into_iter().for_each(|(manager, owned)| all.insert(manager, owned));
        all
    }
}
