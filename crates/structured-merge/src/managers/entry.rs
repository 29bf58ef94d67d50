//! `metadata.managedFields`: the managers of an object as it carries them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Managers, Owned};
use crate::fields_v1::FieldsV1Error;
use crate::path::Path;
use crate::set::Set;
use crate::value::write_quoted;

/// How a manager writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By anything else: create, update, patch.
    Update,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        })
    }
}

/// Who a manager is: what tells the entries of `managedFields` apart.
///
/// One name may be there several times. An applier is one whatever version it applies in; an updater is
/// another one in each version, and both are others on each subresource.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Manager {
    name: String,
    operation: Operation,
    version: String,
    subresource: String,
}

impl Manager {
    /// Returns who applies under this name.
    #[must_use]
    pub fn applier(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            operation: Operation::Apply,
            version: String::new(),
            subresource: String::new(),
        }
    }

    /// Returns who updates under this name in this version (`apps/v1`).
    #[must_use]
    pub fn updater(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            operation: Operation::Update,
            version: version.into(),
            subresource: String::new(),
        }
    }

    /// Returns the same on a subresource (`status`); `""` is the object itself.
    #[must_use]
    pub fn on_subresource(mut self, subresource: impl Into<String>) -> Self {
        self.subresource = subresource.into();
        self
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how it writes.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Returns the subresource that it writes to; `None` for the object itself.
    #[must_use]
    pub fn subresource(&self) -> Option<&str> {
        Some(self.subresource.as_str()).filter(|subresource| !subresource.is_empty())
    }
}

/// By name, operation, version; those on subresources first, as the server orders them.
impl Ord for Manager {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |manager: &Self| manager.subresource.is_empty();
        (self.name.cmp(&other.name))
            .then_with(|| self.operation.cmp(&other.operation))
            .then_with(|| self.version.cmp(&other.version))
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| self.subresource.cmp(&other.subresource))
    }
}

impl PartialOrd for Manager {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As the server names managers in conflicts: `"kubectl" with subresource "scale" using apps/v1`.
impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_quoted(&self.name, &mut text);
        if let Some(subresource) = self.subresource() {
            text.push_str(" with subresource ");
            write_quoted(subresource, &mut text);
        }
        if self.operation == Operation::Update {
            text.push_str(" using ");
            text.push_str(&self.version);
        }
        f.write_str(&text)
    }
}

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedFieldsEntry {
    /// Who.
    pub manager: Manager,
    /// What it owns, and in which version.
    pub owned: Owned,
    /// When it wrote last; none when it only came to share what others own.
    pub time: Option<Timestamp>,
}

/// The managers of an object, and when each wrote last.
///
/// ```
/// use serde_json::json;
/// use structured_merge::{ManagedFields, Path};
/// let object = json!({"metadata": {"managedFields": [{
///     "manager": "kubectl", "operation": "Apply", "apiVersion": "apps/v1",
///     "time": "2026-01-02T03:04:05Z", "fieldsType": "FieldsV1",
///     "fieldsV1": {"f:spec": {"f:replicas": {}}},
/// }]}});
/// let managed = ManagedFields::of(&object)?;
/// let owners: Vec<_> = managed.owners(&Path::fields(["spec", "replicas"])).collect();
/// assert_eq!(owners[0].manager.name(), "kubectl");
/// assert_eq!(owners[0].time.unwrap().to_string(), "2026-01-02T03:04:05Z");
/// # Ok::<(), structured_merge::EntryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedFields {
    pub(super) managers: Managers<Manager>,
    pub(super) times: BTreeMap<Manager, Timestamp>,
    /// How many entries there were, also those that own nothing.
    pub(super) entries: usize,
}

/// Why `managedFields` cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The list is no list, or an entry no map.
    #[error("managedFields is not a list of maps")]
    NotAList,
    /// The operation is neither `Apply` nor `Update`.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// There is no `apiVersion`.
    #[error("apiVersion must not be empty")]
    Version,
    /// The `fieldsType` is not `FieldsV1`.
    #[error("fieldsType {0:?} of a managed fields entry is not FieldsV1")]
    FieldsType(String),
    /// The time is no time.
    #[error("time of a managed fields entry is malformed")]
    Time(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The fields are no field set.
    #[error("fields of manager {manager:?} are malformed")]
    Fields {
        /// Whose.
        manager: String,
        /// Why.
        #[source]
        source: FieldsV1Error,
    },
}

impl ManagedFields {
    /// Reads the managers of an object.
    ///
    /// # Errors
    /// Fails when an entry cannot be read.
    pub fn of(object: &Value) -> Result<Self, EntryError> {
        Self::from_value(&object["metadata"]["managedFields"])
    }

    /// Reads a list of entries; null is the empty list.
    ///
    /// # Errors
    /// Fails when an entry cannot be read.
    pub fn from_value(entries: &Value) -> Result<Self, EntryError> {
        let entries = match entries {
            Value::Null => return Ok(Self::default()),
            Value::Array(entries) => entries,
            _ => return Err(EntryError::NotAList),
        };
        let mut managed = Self { entries: entries.len(), ..Self::default() };
        for entry in entries {
            managed.insert(ManagedFieldsEntry::from_value(entry)?);
        }
        Ok(managed)
    }

    /// Adds an entry, in place of one of the same manager.
    pub fn insert(&mut self, entry: ManagedFieldsEntry) {
        let ManagedFieldsEntry { manager, owned, time } = entry;
        match time {
            Some(time) => self.times.insert(manager.clone(), time),
            None => self.times.remove(&manager),
        };
        self.managers.insert(manager, owned);
    }

    /// Returns what everybody owns.
    #[must_use]
    pub fn managers(&self) -> &Managers<Manager> {
        &self.managers
    }

    /// Returns when a manager wrote last.
    #[must_use]
    pub fn time(&self, manager: &Manager) -> Option<Timestamp> {
        self.times.get(manager).copied()
    }

    /// Returns the entries in the order in which the server keeps them: appliers first, then by time.
    #[must_use]
    pub fn entries(&self) -> Vec<ManagedFieldsEntry> {
        let mut entries: Vec<_> = self
            .managers
            .iter()
            .map(|(manager, owned)| ManagedFieldsEntry {
                manager: manager.clone(),
                owned: owned.clone(),
                time: self.time(manager),
            })
            .collect();
        entries.sort_by(ManagedFieldsEntry::server_order);
        entries
    }

    /// Returns the entries that own exactly this path, in the server's order.
    pub fn owners(&self, path: &Path) -> impl Iterator<Item = ManagedFieldsEntry> {
        self.entries().into_iter().filter(move |entry| entry.owned.set.has(path))
    }

    /// Returns the list as it stands in an object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.entries().iter().map(ManagedFieldsEntry::to_value).collect()
    }
}

impl ManagedFieldsEntry {
    fn from_value(entry: &Value) -> Result<Self, EntryError> {
        if !entry.is_object() {
            return Err(EntryError::NotAList);
        }
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let version = text("apiVersion");
        let manager = match text("operation") {
            "Apply" => Manager::applier(text("manager")),
            "Update" => Manager::updater(text("manager"), version),
            _ => return Err(EntryError::Operation),
        };
        if version.is_empty() {
            return Err(EntryError::Version);
        }
        if text("fieldsType") != "FieldsV1" {
            return Err(EntryError::FieldsType(text("fieldsType").to_owned()));
        }
        let set = match &entry["fieldsV1"] {
            Value::Null => Set::new(),
            fields => Set::from_fields_v1(fields)
                .map_err(|source| EntryError::Fields { manager: text("manager").to_owned(), source })?,
        };
        let time = match &entry["time"] {
            Value::Null => None,
            time => {
                let time = time.as_str().unwrap_or_default().parse();
                Some(time.map_err(|error: jiff::Error| EntryError::Time(error.into()))?)
            }
        };
        let applied = manager.operation == Operation::Apply;
        let manager = manager.on_subresource(text("subresource"));
        Ok(Self { manager, owned: Owned { set, version: version.to_owned(), applied }, time })
    }

    fn to_value(&self) -> Value {
        let Manager { name, operation, subresource, .. } = &self.manager;
        let mut entry = Map::new();
        let mut add = |name: &str, value: Value| entry.insert(name.to_owned(), value);
        add("manager", json!(name));
        add("operation", json!(operation.to_string()));
        add("apiVersion", json!(self.owned.version));
        if let Some(time) = self.time {
            // The server's times have no fractions.
            let seconds = Timestamp::from_second(time.as_second()).unwrap_or(time);
            add("time", json!(seconds.to_string()));
        }
        add("fieldsType", json!("FieldsV1"));
        add("fieldsV1", self.owned.set.to_fields_v1());
        if !subresource.is_empty() {
            add("subresource", json!(subresource));
        }
        entry.retain(|key, value| key != "manager" || value != "");
        Value::Object(entry)
    }

    fn server_order(&self, other: &Self) -> Ordering {
        let seconds = |entry: &Self| entry.time.map_or(0, Timestamp::as_second);
        (self.manager.operation.cmp(&other.manager.operation))
            .then_with(|| seconds(self).cmp(&seconds(other)))
            .then_with(|| self.manager.name.cmp(&other.manager.name))
            .then_with(|| self.owned.version.cmp(&other.owned.version))
            .then_with(|| self.manager.subresource.cmp(&other.manager.subresource))
    }
}
