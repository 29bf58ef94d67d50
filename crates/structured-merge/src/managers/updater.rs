//! Applying and updating: what becomes of the object, and of what its managers own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::{Conflicts, ConvertError, Managers, Owned, Versions};
use crate::pattern::Filter;
use crate::schema::TypeRef;
use crate::set::Set;
use crate::typed::{Comparison, Duplicates, TypedError};
use crate::value::{MAX_DEPTH, equal_values, is_shallow};

/// Whether an apply takes over what others own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// It fails with [`Conflicts`].
    #[default]
    No,
    /// It takes over.
    Yes,
}

/// What an apply came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged<M = String> {
    /// The new object.
    pub object: Value,
    /// Whether it differs from the live one.
    pub changed: bool,
    /// Who owns what of it.
    pub managers: Managers<M>,
}

/// Why an apply or an update failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError<M: Ord + Clone + fmt::Debug + 'static> {
    /// Somebody else owns what should change; apply with [`Force::Yes`] to take it over.
    #[error(transparent)]
    Conflicts(Conflicts<M>),
    /// An object is not of its type.
    #[error("{stage}")]
    Typed {
        /// What was being done.
        stage: &'static str,
        /// What is wrong.
        #[source]
        source: TypedError,
    },
    /// An object could not be converted to the version of one of its managers.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

/// Applies and updates objects of one kind.
///
/// # Flow
/// An apply merges the configuration into the live object, takes out what the manager applied last time
/// and does not any more unless somebody else owns it too, and finds the conflicts: what others own and
/// what changed. An update only finds out what changed: the manager owns that from now on, and nobody
/// else does.
///
/// # Guarantees
/// Who owns something and does not change it is never in conflict with others who own it with the same
/// value. The outcome does not depend on the names of the managers. On an error nothing happened.
#[derive(Clone)]
pub struct Updater<'a> {
    versions: &'a dyn Versions,
    ignored: BTreeMap<String, Filter>,
}

impl<'a> Updater<'a> {
    /// Returns an updater of objects of these versions.
    #[must_use]
    pub fn new(versions: &'a dyn Versions) -> Self {
        Self { versions, ignored: BTreeMap::new() }
    }

    /// Sets what nobody comes to own in this version.
    #[must_use]
    pub fn with_filter(mut self, version: impl Into<String>, filter: Filter) -> Self {
        self.ignored.insert(version.into(), filter);
        self
    }

    /// Records that a manager replaced the live object by a new one. Both are in `version`.
    ///
    /// # Errors
    /// Fails when an object is not of its type or cannot be converted to a manager's version.
    pub fn update<M: Ord + Clone + fmt::Debug>(
        &self,
        live: &Value,
        new: &Value,
        version: &str,
        managers: Managers<M>,
        manager: &M,
    ) -> Result<Managers<M>, UpdateError<M>> {
        let of = self.type_of(version)?;
        check(of, new, Duplicates::Allow)?;
        check_depth(live)?;
        let live = Object::borrowed(live, version);
        let new = Object::borrowed(new, version);
        let managers = self.reconcile(&live, managers)?;
        let (mut managers, change) = self.settle(&live, &new, managers, manager, Force::Yes)?;
        let before = managers.remove(manager).map(|owned| owned.set).unwrap_or_default();
        let set = before.difference(&change.removed).union(&change.modified).union(&change.added);
        let set = self.filter(version, set);
        managers.insert(manager.clone(), Owned { set, version: version.to_owned(), applied: false });
        Ok(managers)
    }

    /// Applies a configuration to the live object. Both are in `version`.
    ///
    /// # Errors
    /// Fails with [`UpdateError::Conflicts`] when others own what should change, unless forced; and when
    /// the configuration is not of its type, or an object cannot be converted to a manager's version.
    pub fn apply<M: Ord + Clone + fmt::Debug>(
        &self,
        live: &Value,
        config: &Value,
        version: &str,
        managers: Managers<M>,
        manager: &M,
        force: Force,
    ) -> Result<Merged<M>, UpdateError<M>> {
        let of = self.type_of(version)?;
        check(of, config, Duplicates::Refuse)?;
        check_depth(live)?;
        let live_object = Object::borrowed(live, version);
        let mut managers = self.reconcile(&live_object, managers)?;
        let merged = of.merge_unbounded(live, config).map_err(typed("failed to merge config"))?;
        let set = of.field_set_unbounded(config).map_err(typed("failed to get field set"))?;
        let set = self.filter(version, set);
        let last = managers.remove(manager);
        managers.insert(manager.clone(), Owned { set, version: version.to_owned(), applied: true });
        let merged = Object::owned(merged, version);
        let new = match &last {
            None => merged,
            Some(last) if last.version == version && managers.iter().all(|(_, o)| o.version == version) => {
                self.drop_unowned(of, merged, &managers, last)
            }
            Some(last) => self.prune(merged, &managers, last)?,
        };
        let (managers, _) = self.settle(&live_object, &new, managers, manager, force)?;
        let object = new.value.into_owned();
        Ok(Merged { changed: !equal_values(live, &object), object, managers })
    }

    /// Takes out of the merged object what the manager applied last time and nobody owns now, where all
    /// managers wrote in the version of the object.
    ///
    /// This is what [`Updater::prune`] comes to then, without looking at what did not change.
    fn drop_unowned<'o, M: Ord + Clone>(
        &self,
        of: TypeRef<'_>,
        merged: Object<'o>,
        managers: &Managers<M>,
        last: &Owned,
    ) -> Object<'o> {
        // Who applies the same fields again drops none.
        if managers.iter().any(|(_, owned)| owned.set == last.set) {
            return merged;
        }
        let mut dropped = of.with_declared_parents(&last.set);
        for (_, owned) in managers.iter() {
            dropped = dropped.difference(&of.with_declared_parents(&owned.set));
            if dropped.is_empty() {
                return merged;
            }
        }
        let value = of.remove_dropped(merged.value.into_owned(), &dropped);
        Object { value: Cow::Owned(value), version: merged.version }
    }

    /// Takes from all managers but one what changed from one object to the other.
    fn settle<M: Ord + Clone + fmt::Debug>(
        &self,
        live: &Object<'_>,
        new: &Object<'_>,
        mut managers: Managers<M>,
        manager: &M,
        force: Force,
    ) -> Result<(Managers<M>, Comparison), UpdateError<M>> {
        let mut changes: BTreeMap<String, Comparison> = BTreeMap::new();
        changes.insert(live.version.clone(), self.change(live, new)?);
        let mut conflicts = Managers::new();
        let mut obsolete = Vec::new();
        for (other, owned) in managers.iter().filter(|(other, _)| *other != manager) {
            if !changes.contains_key(&owned.version) {
                let live = self.convert(live, &owned.version)?;
                let new = self.convert(new, &owned.version)?;
                let (Some(live), Some(new)) = (live, new) else {
                    obsolete.push(other.clone());
                    continue;
                };
                changes.insert(owned.version.clone(), self.change(&live, &new)?);
            }
            let Some(change) = changes.get(&owned.version) else { continue };
            let set = owned.set.intersection(&change.modified);
            let set = set.union(&owned.set.intersection(&change.added));
            conflicts.insert(other.clone(), Owned { set, ..owned.clone() });
        }
        obsolete.iter().for_each(|manager| {
            managers.remove(manager);
        });
        if force == Force::No && !conflicts.is_empty() {
            return Err(UpdateError::Conflicts(Conflicts::with(&conflicts)));
        }
        managers.retain(|other, owned| {
            if other != manager {
                if let Some(lost) = conflicts.get(other) {
                    owned.set = owned.set.difference(&lost.set);
                }
                if let Some(change) = changes.get(&owned.version).filter(|change| !change.removed.is_empty())
                {
                    owned.set = owned.set.difference(&change.removed);
                }
            }
            !owned.set.is_empty()
        });
        let change = changes.remove(&live.version).unwrap_or_default();
        Ok((managers, change))
    }

    /// Takes out of the merged object what the manager applied last time, does not apply now, and nobody
    /// else owns.
    fn prune<'o, M: Ord + Clone + fmt::Debug>(
        &self,
        merged: Object<'o>,
        managers: &Managers<M>,
        last: &Owned,
    ) -> Result<Object<'o>, UpdateError<M>> {
        let Some(merged_then) = self.convert(&merged, &last.version)? else { return Ok(merged) };
        let of = self.type_of(&last.version)?;
        let last_set = of.with_declared_parents(&last.set);
        let pruned = of.remove_unbounded(merged_then.value.clone().into_owned(), &last_set);
        let pruned = Object::owned(pruned, &last.version);
        let pruned = self.add_back_owned(&merged_then, pruned, managers)?;
        // What was taken out with it, but never was the manager's, comes back.
        let gone = match self.convert(&pruned, &last.version)? {
            Some(pruned) => self.field_set(&merged_then)?.difference(&self.field_set(&pruned)?),
            None => Set::new(),
        };
        let pruned = of.remove_unbounded(merged_then.value.into_owned(), &gone.intersection(&last_set));
        let pruned = Object::owned(pruned, &last.version);
        Ok(self.convert_known(&pruned, &merged.version)?.into_owned())
    }

    /// Adds back what anybody owns, version by version, beginning with the one that was pruned in: a
    /// conversion may need what was just taken out.
    fn add_back_owned<M: Ord + Clone + fmt::Debug>(
        &self,
        merged: &Object<'_>,
        mut pruned: Object<'static>,
        managers: &Managers<M>,
    ) -> Result<Object<'static>, UpdateError<M>> {
        let mut by_version: BTreeMap<&str, Set> = BTreeMap::new();
        for (_, owned) in managers.iter() {
            let set = by_version.entry(&owned.version).or_default();
            *set = set.union(&owned.set);
        }
        let first = by_version.remove_entry(merged.version.as_str());
        let mut merged = Object { value: Cow::Borrowed(&*merged.value), version: merged.version.clone() };
        for (version, owned) in first.into_iter().chain(by_version) {
            if merged.version != version {
                let Some(converted) = self.convert(&merged, version)? else { continue };
                merged = converted.into_owned();
            }
            if pruned.version != version {
                let Some(converted) = self.convert(&pruned, version)? else { continue };
                pruned = converted.into_owned();
            }
            let of = self.type_of(version)?;
            let kept = self.field_set(&pruned)?.union(&of.with_declared_parents(&owned));
            let gone = self.field_set(&merged)?.difference(&kept);
            pruned = Object::owned(of.remove_unbounded(merged.value.clone().into_owned(), &gone), version);
        }
        Ok(pruned)
    }

    /// Brings what managers own to the granularity of the present schema. Managers of versions that are
    /// gone are dropped.
    fn reconcile<M: Ord + Clone + fmt::Debug>(
        &self,
        live: &Object<'_>,
        managers: Managers<M>,
    ) -> Result<Managers<M>, UpdateError<M>> {
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        let mut reconciled = Managers::new();
        for (manager, mut owned) in managers.0 {
            let is_known = match known.get(&owned.version) {
                Some(is_known) => *is_known,
                None => {
                    let is_known = self.convert(live, &owned.version)?.is_some();
                    known.insert(owned.version.clone(), is_known);
                    is_known
                }
            };
            let Some(of) = self.versions.type_of(&owned.version).filter(|_| is_known) else { continue };
            let set = of.reconcile(&owned.set).map_err(typed("failed to reconcile field set"))?;
            if let Some(set) = set {
                owned.set = set;
            }
            reconciled.insert(manager, owned);
        }
        Ok(reconciled)
    }

    fn change<M: Ord + Clone + fmt::Debug>(
        &self,
        live: &Object<'_>,
        new: &Object<'_>,
    ) -> Result<Comparison, UpdateError<M>> {
        let of = self.type_of(&live.version)?;
        let change =
            of.compare_unbounded(&live.value, &new.value).map_err(typed("failed to compare objects"))?;
        Ok(match self.ignored.get(&live.version) {
            Some(filter) => change.map(|set| filter.apply(set)),
            None => change,
        })
    }

    fn filter(&self, version: &str, set: Set) -> Set {
        match self.ignored.get(version) {
            Some(filter) => filter.apply(&set),
            None => set,
        }
    }

    /// Returns everything that an object says, with the declared fields above it.
    fn field_set<M: Ord + Clone + fmt::Debug>(&self, object: &Object<'_>) -> Result<Set, UpdateError<M>> {
        let of = self.type_of(&object.version)?;
        let set = of.field_set_unbounded(&object.value).map_err(typed("failed to create field set"))?;
        Ok(of.with_declared_parents(&set))
    }

    fn type_of<M: Ord + Clone + fmt::Debug>(&self, version: &str) -> Result<TypeRef<'_>, UpdateError<M>> {
        let unknown = || ConvertError::UnknownVersion(version.to_owned()).into();
        self.versions.type_of(version).ok_or_else(unknown)
    }

    /// Converts an object; `None` when there is no such version any more.
    fn convert<'x, M: Ord + Clone + fmt::Debug>(
        &self,
        object: &'x Object<'_>,
        version: &str,
    ) -> Result<Option<Object<'x>>, UpdateError<M>> {
        match self.convert_known(object, version) {
            Ok(object) => Ok(Some(object)),
            Err(UpdateError::Convert(ConvertError::UnknownVersion(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn convert_known<'x, M: Ord + Clone + fmt::Debug>(
        &self,
        object: &'x Object<'_>,
        version: &str,
    ) -> Result<Object<'x>, UpdateError<M>> {
        if object.version == version {
            return Ok(Object::borrowed(&object.value, version));
        }
        let value = self.versions.convert(&object.value, &object.version, version)?;
        self.type_of(version)?;
        check_depth(&value)?;
        Ok(Object::owned(value, version))
    }
}

impl fmt::Debug for Updater<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updater").field("ignored", &self.ignored).finish_non_exhaustive()
    }
}

/// An object in one of its versions.
struct Object<'o> {
    value: Cow<'o, Value>,
    version: String,
}

impl<'o> Object<'o> {
    fn borrowed(value: &'o Value, version: &str) -> Self {
        Self { value: Cow::Borrowed(value), version: version.to_owned() }
    }

    fn owned(value: Value, version: &str) -> Self {
        Self { value: Cow::Owned(value), version: version.to_owned() }
    }

    fn into_owned(self) -> Object<'static> {
        Object { value: Cow::Owned(self.value.into_owned()), version: self.version }
    }
}

fn check_depth<M: Ord + Clone + fmt::Debug>(value: &Value) -> Result<(), UpdateError<M>> {
    if is_shallow(value, MAX_DEPTH) {
        return Ok(());
    }
    let source = TypedError::new(format!("nested deeper than {MAX_DEPTH} levels"));
    Err(UpdateError::Typed { stage: "failed to read an object", source })
}

fn check<M: Ord + Clone + fmt::Debug>(
    of: TypeRef<'_>,
    value: &Value,
    duplicates: Duplicates,
) -> Result<(), UpdateError<M>> {
    of.validate(value, duplicates).map_err(typed("failed to create typed object"))
}

fn typed<M: Ord + Clone + fmt::Debug>(stage: &'static str) -> impl Fn(TypedError) -> UpdateError<M> {
    move |source| UpdateError::Typed { stage, source }
}
