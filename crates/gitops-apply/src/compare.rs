//! Comparing live objects with what an apply would leave, object by object, for a report without an apply.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff::Diff;
use crate::drift::drifted;
use crate::fields::{group, kind};
use crate::ignore::{IgnoreRules, is_ignored, remove};
use crate::order::is_secret;
use crate::switches::is_set;

/// How an object differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DiffKind {
    /// It would be made.
    Create,
    /// It would be changed.
    Update,
    /// It is as it should be.
    None,
    /// It was left out of the comparison.
    Exclude,
}

/// How objects are compared.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DiffOptions {
    /// Fields that do not count.
    pub ignore: IgnoreRules,
    /// Labels or annotations that exclude an object, in the repository or in the cluster.
    pub exclude: BTreeMap<String, String>,
    /// Whether the values of Secrets are masked; on unless told otherwise.
    pub mask_secrets: bool,
}

impl Default for DiffOptions {
    fn default() -> Self {
        DiffOptions { ignore: IgnoreRules::default(), exclude: BTreeMap::new(), mask_secrets: true }
    }
}

/// How one object differs, and in what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectDiff {
    /// How it differs.
    #[serde(rename = "type")]
    pub kind: DiffKind,
    /// In what; labels and annotations first, which only count when they are added or changed.
    pub patch: Diff,
}

impl ObjectDiff {
    /// Compares a live object, if there is one, with the result of a dry run
    /// (fluxcd/pkg `ssa/jsondiff/unstructured.go`).
    ///
    /// Labels and annotations that only the live object has are no difference here, for others may have added them.
    #[must_use]
    pub fn between(live: Option<&Value>, dry_run: &Value, options: &DiffOptions) -> Self {
        let excluded = |object: &Value| options.exclude.iter().any(|(key, value)| is_set(object, key, value));
        if excluded(dry_run) || live.is_some_and(excluded) {
            return ObjectDiff { kind: DiffKind::Exclude, patch: Diff::default() };
        }
        let Some(live) = live else { return ObjectDiff { kind: DiffKind::Create, patch: Diff::default() } };
        let ignored = options.ignore.paths(dry_run);
        let (metadata, body) = (Diff::of_metadata(live, dry_run), Diff::of_body(live, dry_run));
        let patch: Diff = metadata
            .differences()
            .iter()
            .chain(body.differences())
            .filter(|difference| !is_ignored(&difference.path, &ignored))
            .cloned()
            .collect();
        let kind = if patch.is_empty() { DiffKind::None } else { DiffKind::Update };
        let masked = options.mask_secrets && is_secret(group(dry_run), self::kind(dry_run));
        ObjectDiff { kind, patch: if masked { patch.masked() } else { patch } }
    }
}

/// The differences of a set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiffSet(Vec<ObjectDiff>);

impl DiffSet {
    /// Returns the differences, one for each object.
    #[must_use]
    pub fn objects(&self) -> &[ObjectDiff] {
        &self.0
    }

    /// Returns whether an object differs in this way.
    #[must_use]
    pub fn has_kind(&self, kind: DiffKind) -> bool {
        self.0.iter().any(|object| object.kind == kind)
    }

    /// Returns whether an object would be made or changed.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.has_kind(DiffKind::Create) || self.has_kind(DiffKind::Update)
    }
}

impl FromIterator<ObjectDiff> for DiffSet {
    fn from_iter<T: IntoIterator<Item = ObjectDiff>>(iter: T) -> Self {
        DiffSet(iter.into_iter().collect())
    }
}

/// Returns whether a live object has drifted in a field that is not left to others.
#[must_use]
pub fn drifted_beyond(live: &Value, dry_run: &Value, ignore: &IgnoreRules) -> bool {
    let paths = ignore.paths(dry_run);
    if paths.is_empty() {
        return drifted(live, dry_run);
    }
    if paths.contains(&"") {
        return false;
    }
    let (mut live, mut dry_run) = (live.clone(), dry_run.clone());
    for path in paths {
        remove(&mut live, path);
        remove(&mut dry_run, path);
    }
    drifted(&live, &dry_run)
}
