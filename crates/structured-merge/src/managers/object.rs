//! Applying and updating whole objects, as the API server does it around the merge.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Conflicts, EntryError, Force, ManagedFields, ManagedFieldsEntry, Manager, Managers, Operation, Owned,
    ResetFields, UpdateError, Updater, Versions,
};
use crate::path::Path;
use crate::set::Set;
use crate::typed::Duplicates;
use crate::value::{MAX_DEPTH, equal_values, is_shallow, write_json, zip_sorted};

/// How many entries of updaters an object keeps.
const MAX_UPDATERS: usize = 10;
/// Who owns what was there before anybody applied.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";
/// Who owns what the oldest updaters owned.
const ANCIENT_CHANGES: &str = "ancient-changes";
/// Whose configuration kubectl leaves in the object.
const KUBECTL: &str = "kubectl";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// How large all annotations together may be, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// What nobody owns: it says what the object is, not how it shall be.
const UNOWNED: [&[&str]; 12] = [
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "clusterName"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

/// Applies and updates objects of one kind, and keeps their `metadata.managedFields`.
///
/// This is what happens inside an API server between reading a request and storing the object, defaulting
/// and admission left out.
///
/// # Flow
/// An apply reads the managers of the live object; if there are none, `before-first-apply` owns what is
/// there. The configuration is merged, see [`Updater`]. An update compares the live object with the new
/// one. In both cases metadata that nobody owns is taken out, and of more than ten updaters the oldest of
/// a version are put together as `ancient-changes`.
///
/// For kubectl the annotation `last-applied-configuration` counts: what it shows to have been applied on
/// the client's side is no conflict, and it is kept up to date.
#[derive(Clone)]
pub struct ObjectUpdater<'a> {
    updater: Updater<'a>,
    versions: &'a dyn Versions,
    empty: Cow<'a, Value>,
}

/// Who writes, and how.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The field manager; `""` is kept as `unknown`.
    pub manager: &'r str,
    /// The version that is written (`apps/v1`).
    pub version: &'r str,
    /// The subresource that is written to (`status`); `""` for the object itself.
    pub subresource: &'r str,
    /// The time of the request.
    pub time: Timestamp,
}

/// What an apply came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The new object with its `managedFields`, to be defaulted and validated by whoever stores it.
    pub object: Value,
    /// Whether anything but `managedFields` changed.
    pub changed: bool,
}

/// Why an object could not be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// Others own what should change (409). Apply with [`Force::Yes`] to take it over.
    #[error("{}", .0.server_text())]
    Conflicts(Conflicts<Manager>),
    /// The request makes no sense (400).
    #[error("{0}")]
    BadRequest(String),
    /// The managers of the live object cannot be read.
    #[error("failed to decode managed fields")]
    ManagedFields(#[source] EntryError),
    /// An object is not of its type, or cannot be converted (500).
    #[error("{stage}")]
    Object {
        /// What was being done, and to what.
        stage: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl<'a> ObjectUpdater<'a> {
    /// Returns an updater of objects of these versions.
    #[must_use]
    pub fn new(versions: &'a dyn Versions) -> Self {
        Self { updater: Updater::new(versions), versions, empty: Cow::Owned(Value::Object(Map::new())) }
    }

    /// Sets what a write never changes on this endpoint.
    #[must_use]
    pub fn with_reset_fields(mut self, reset: &ResetFields) -> Self {
        for (version, filter) in reset.iter() {
            self.updater = self.updater.with_filter(version.as_str(), filter.clone());
        }
        self
    }

    /// Sets what the server takes to be there before an object is created: an empty object unless told
    /// otherwise, for built-in types what Go writes of an empty struct.
    #[must_use]
    pub fn with_empty_object(mut self, empty: Cow<'a, Value>) -> Self {
        self.empty = empty;
        self
    }

    /// Applies a configuration to the live object; null is no object.
    ///
    /// # Errors
    /// See [`ApplyError`]. On an error nothing happened.
    ///
    /// ```
    /// use serde_json::json;
    /// use structured_merge::{Force, ObjectUpdater, OneVersion, Request};
    /// use structured_merge::schema::deduced;
    /// let versions = OneVersion(deduced());
    /// let updater = ObjectUpdater::new(&versions);
    /// let by = |manager| Request {
    ///     manager, version: "v1", subresource: "", time: "2026-01-02T03:04:05Z".parse().unwrap(),
    /// };
    /// let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}});
    /// let live = updater.apply(&json!(null), &config, by("alice"), Force::No)?.object;
    /// let mut other = config.clone();
    /// other["data"]["k"] = json!("2");
    /// let error = updater.apply(&live, &other, by("bob"), Force::No).unwrap_err();
    /// assert_eq!(error.to_string(), r#"Apply failed with 1 conflict: conflict with "alice": .data.k"#);
    /// # Ok::<(), structured_merge::ApplyError>(())
    /// ```
    pub fn apply(
        &self,
        live: &Value,
        config: &Value,
        request: Request<'_>,
        force: Force,
    ) -> Result<Applied, ApplyError> {
        check(live, config, request)?;
        let live = if live.is_null() { &*self.empty } else { live };
        let managed = ManagedFields::of(live).map_err(ApplyError::ManagedFields)?;
        let (live, managed) = if managed.entries == 0 {
            let before = Request { manager: BEFORE_FIRST_APPLY, ..request };
            let managed =
                self.track(&self.empty, live, managed, before).map_err(|error| self.error(error, live))?;
            (Cow::Owned(without_managed_fields(live.clone())), managed)
        } else {
            (Cow::Borrowed(live), managed)
        };
        let outcome = match self.merge(&live, config, managed.clone(), request, force) {
            Err(UpdateError::Conflicts(conflicts)) if request.manager == KUBECTL => {
                match self.applied_by_client(&live, request.version) {
                    None => Err(UpdateError::Conflicts(conflicts)),
                    Some(applied) => {
                        let rest = conflicts.outside(&applied);
                        if rest.is_empty() {
                            self.merge(&live, config, managed, request, Force::Yes)
                        } else {
                            Err(UpdateError::Conflicts(rest))
                        }
                    }
                }
            }
            outcome => outcome,
        };
        let (mut object, changed, managed) = outcome.map_err(|error| self.error(error, config))?;
        if request.manager == KUBECTL {
            keep_last_applied(&mut object, config);
        }
        set_managed_fields(&mut object, &managed);
        Ok(Applied { object, changed })
    }

    /// Returns the new object with the managers that it has after somebody put it in place of the live
    /// one; null is no live object.
    ///
    /// The managers that the new object carries count, as far as they can be read, except on a
    /// subresource: a client may edit them, and reset them by sending an empty list. Nobody owns anything
    /// of an object that nobody owned before, unless it is created now.
    ///
    /// There is no error: if something cannot be compared, the object is left without managers, for an
    /// update must not fail because of them.
    #[must_use]
    pub fn update(&self, live: &Value, new: &Value, request: Request<'_>) -> Value {
        let managed = managed_for_update(live, new, request);
        let mut object = without_managed_fields(new.clone());
        let is_created = live["metadata"]["uid"].as_str().unwrap_or_default().is_empty();
        if managed.entries == 0 && !is_created {
            set_managed_fields(&mut object, &managed);
            return object;
        }
        let live = if live.is_null() { &*self.empty } else { live };
        if let Ok(managed) = self.track(live, &object, managed, request) {
            set_managed_fields(&mut object, &managed);
        }
        object
    }

    /// Merges a configuration and keeps the managers and their times.
    fn merge(
        &self,
        live: &Value,
        config: &Value,
        mut managed: ManagedFields,
        request: Request<'_>,
        force: Force,
    ) -> Result<(Value, bool, ManagedFields), UpdateError<Manager>> {
        let manager = Manager::applier(name_of(request)).on_subresource(request.subresource);
        let merged = self.updater.apply(live, config, request.version, managed.managers, &manager, force)?;
        managed.managers = merged.managers;
        strip(&mut managed.managers, &manager);
        if merged.changed {
            managed.times.insert(manager, request.time);
        }
        Ok((merged.object, merged.changed, managed))
    }

    /// Records an update: what changed is the manager's from now on.
    fn track(
        &self,
        live: &Value,
        new: &Value,
        mut managed: ManagedFields,
        request: Request<'_>,
    ) -> Result<ManagedFields, UpdateError<Manager>> {
        // A name of its own, so that the manager's older entry tells whether anything changed.
        let current = Manager::updater("current-operation", "");
        let manager = Manager::updater(name_of(request), request.version).on_subresource(request.subresource);
        let new = if new["metadata"]["managedFields"].is_null() {
            Cow::Borrowed(new)
        } else {
            Cow::Owned(without_managed_fields(new.clone()))
        };
        managed.managers = self.updater.update(live, &new, request.version, managed.managers, &current)?;
        strip(&mut managed.managers, &current);
        if let Some(mut owned) = managed.managers.remove(&current) {
            if let Some(before) = managed.managers.get(&manager) {
                owned.set = owned.set.union(&before.set);
            }
            managed.insert(ManagedFieldsEntry { manager, owned, time: Some(request.time) });
        }
        cap(&mut managed, MAX_UPDATERS);
        Ok(managed)
    }

    /// Returns what the annotation of kubectl shows to have been applied and is still so.
    fn applied_by_client(&self, live: &Value, version: &str) -> Option<Set> {
        let annotation = live["metadata"]["annotations"][LAST_APPLIED].as_str()?;
        let applied: Value = serde_json::from_str(annotation).ok()?;
        if applied["apiVersion"] != version {
            return None;
        }
        let of = self.versions.type_of(version)?;
        of.validate(live, Duplicates::Refuse).ok()?;
        of.validate(&applied, Duplicates::Refuse).ok()?;
        let set = of.field_set(&applied).ok()?;
        let change = of.compare(&applied, live).ok()?;
        Some(set.difference(&change.modified).difference(&change.added).difference(&change.removed))
    }

    fn error(&self, error: UpdateError<Manager>, object: &Value) -> ApplyError {
        let name = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        match error {
            UpdateError::Conflicts(conflicts) => ApplyError::Conflicts(conflicts),
            UpdateError::Typed { stage: "failed to create typed object", source } => {
                // As Go writes a group, version and kind; the core group is empty.
                let version = object["apiVersion"].as_str().unwrap_or_default();
                let separator = if version.contains('/') { "" } else { "/" };
                let kind = object["kind"].as_str().unwrap_or_default();
                let (namespace, name) = (name("namespace"), name("name"));
                let what = format!("{namespace}/{name}; {separator}{version}, Kind={kind}");
                let stage = format!("failed to create typed patch object ({what})");
                ApplyError::Object { stage, source: source.into() }
            }
            UpdateError::Typed { stage, source } => {
                ApplyError::Object { stage: stage.to_owned(), source: source.into() }
            }
            UpdateError::Convert(error) => ApplyError::Object {
                stage: "failed to convert an object to the version of a manager".to_owned(),
                source: error.into(),
            },
        }
    }
}

impl fmt::Debug for ObjectUpdater<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectUpdater").field("updater", &self.updater).finish_non_exhaustive()
    }
}

impl ManagedFields {
    /// Returns true if two objects are the same but for the times of their managers: storing the second
    /// in place of the first would change nothing, and the server does not do it.
    #[must_use]
    pub fn same_but_for_times(live: &Value, new: &Value) -> bool {
        live.is_object()
            && new.is_object()
            && is_shallow(live, MAX_DEPTH)
            && is_shallow(new, MAX_DEPTH)
            && same_beside(live, new, "metadata", |live, new| {
                same_beside(live, new, "managedFields", same_entries)
            })
    }
}

/// Whether two maps are equal in everything but one entry, and that one, which is looked at last, is as `same` says.
fn same_beside(live: &Value, new: &Value, name: &str, same: impl Fn(&Value, &Value) -> bool) -> bool {
    let (Value::Object(live), Value::Object(new)) = (live, new) else { return equal_values(live, new) };
    let same_rest = live.len() == new.len()
        && zip_sorted(live, new).all(|(key, live, new)| match (live, new) {
            (Some(live), Some(new)) => key == name || equal_values(live, new),
            _ => false,
        });
    same_rest
        && match (live.get(name), new.get(name)) {
            (Some(live), Some(new)) => same(live, new),
            _ => true,
        }
}

/// Whether two lists hold the same entries in any order, whatever their times.
fn same_entries(live: &Value, new: &Value) -> bool {
    let (Value::Array(live), Value::Array(new)) = (live, new) else { return equal_values(live, new) };
    let timeless = |entries: &[Value]| {
        let mut entries: Vec<Value> = entries.to_vec();
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.remove("time");
        }
        entries.sort_by(crate::value::compare_values);
        entries
    };
    live.len() == new.len()
        && timeless(live).iter().zip(&timeless(new)).all(|(live, new)| equal_values(live, new))
}

fn check(live: &Value, config: &Value, request: Request<'_>) -> Result<(), ApplyError> {
    if !is_shallow(live, MAX_DEPTH) || !is_shallow(config, MAX_DEPTH) {
        return Err(ApplyError::BadRequest(format!("object is nested deeper than {MAX_DEPTH} levels")));
    }
    let version = config["apiVersion"].as_str().unwrap_or_default();
    if version != request.version {
        return Err(ApplyError::BadRequest(format!(
            "Incorrect version specified in apply patch. Specified patch version: {version}, expected: {}",
            request.version
        )));
    }
    if !config["metadata"]["managedFields"].is_null() {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    Ok(())
}

/// Returns the managers that count when an object is put in place of another.
fn managed_for_update(live: &Value, new: &Value, request: Request<'_>) -> ManagedFields {
    let of_live = || ManagedFields::of(live).unwrap_or_default();
    if !request.subresource.is_empty() {
        return of_live();
    }
    let given = &new["metadata"]["managedFields"];
    let is_reset = match given.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([only]) => *only == json!({}),
        _ => false,
    };
    if is_reset {
        return ManagedFields::default();
    }
    match ManagedFields::from_value(given) {
        Ok(managed) if managed.entries > 0 => managed,
        _ => of_live(),
    }
}

fn name_of<'r>(request: Request<'r>) -> &'r str {
    if request.manager.is_empty() { "unknown" } else { request.manager }
}

fn strip(managers: &mut Managers<Manager>, manager: &Manager) {
    static SET: LazyLock<Set> =
        LazyLock::new(|| UNOWNED.iter().map(|names| Path::fields(names.iter().copied())).collect());
    if let Some(mut owned) = managers.remove(manager) {
        owned.set = owned.set.difference(&SET);
        managers.insert(manager.clone(), owned);
    }
}

/// Puts the oldest updaters of a version together until there are no more than `max`.
fn cap(managed: &mut ManagedFields, max: usize) {
    let mut updaters: Vec<(i64, Manager)> = managed
        .managers
        .iter()
        .filter(|(manager, _)| manager.operation() == Operation::Update)
        .map(|(manager, _)| (managed.time(manager).map_or(0, Timestamp::as_second), manager.clone()))
        .collect();
    let mut count = updaters.len();
    updaters.sort();
    let mut first_of: Vec<(String, Manager)> = Vec::new();
    for (_, manager) in updaters {
        if count <= max {
            break;
        }
        let Some(owned) = managed.managers.get(&manager).cloned() else { continue };
        let bucket = Manager::updater(ANCIENT_CHANGES, owned.version.as_str());
        let Some((_, first)) = first_of.iter().find(|(version, _)| *version == owned.version) else {
            first_of.push((owned.version.clone(), manager));
            continue;
        };
        if manager == bucket {
            continue;
        }
        let older = if managed.managers.get(&bucket).is_some() { &bucket } else { first };
        let older = managed.managers.remove(older).map(|owned| owned.set).unwrap_or_default();
        let set = owned.set.union(&older);
        managed.managers.remove(&manager);
        let time = managed.time(&manager);
        count -= 1;
        managed.insert(ManagedFieldsEntry { manager: bucket, owned: Owned { set, ..owned }, time });
    }
}

fn without_managed_fields(mut object: Value) -> Value {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
    object
}

fn set_managed_fields(object: &mut Value, managed: &ManagedFields) {
    let Value::Object(map) = object else { return };
    if managed.managers.is_empty() {
        if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
            metadata.remove("managedFields");
        }
        return;
    }
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(metadata) = metadata {
        metadata.insert("managedFields".to_owned(), managed.to_value());
    }
}

/// Keeps kubectl's annotation up to date where it is there.
fn keep_last_applied(object: &mut Value, config: &Value) {
    let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") else { return };
    if annotations.get(LAST_APPLIED).and_then(Value::as_str).is_none_or(str::is_empty) {
        return;
    }
    let mut config = config.clone();
    if let Some(Value::Object(metadata)) = config.get_mut("metadata")
        && let Some(Value::Object(given)) = metadata.get_mut("annotations")
    {
        given.remove(LAST_APPLIED);
        if given.is_empty() {
            metadata.remove("annotations");
        }
    }
    let mut text = String::new();
    write_json(&config, &mut text);
    text.push('\n');
    annotations.insert(LAST_APPLIED.to_owned(), Value::String(text));
    let size: usize =
        annotations.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MAX_ANNOTATIONS {
        annotations.remove(LAST_APPLIED);
    }
}
