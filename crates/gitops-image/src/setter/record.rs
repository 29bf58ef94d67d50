//! What changed where, as commit messages tell it.

use std::collections::BTreeMap;

use super::object::ObjectName;

/// One value that changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change {
    /// The value before.
    pub old: String,
    /// The value after.
    pub new: String,
    /// The marker that asked for it, as `namespace:name` with an optional part.
    pub setter: String,
}

/// A change and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Record {
    /// The file, relative to the path that was edited.
    pub file: String,
    /// The object.
    pub object: ObjectName,
    /// The change.
    pub change: Change,
}

/// Returns each different change once, in the order in which they first come (Flux's `Changed.Changes`).
#[must_use]
pub fn distinct_changes(records: &[Record]) -> Vec<Change> {
    let mut seen = std::collections::BTreeSet::new();
    records.iter().map(|record| &record.change).filter(|change| seen.insert(*change)).cloned().collect()
}

/// Returns the changes of each object over all files (Flux's `Changed.Objects`).
#[must_use]
pub fn changes_by_object(records: &[Record]) -> BTreeMap<ObjectName, Vec<Change>> {
    let mut objects: BTreeMap<ObjectName, Vec<Change>> = BTreeMap::new();
    for record in records {
        objects.entry(record.object.clone()).or_default().push(record.change.clone());
    }
    objects
}
