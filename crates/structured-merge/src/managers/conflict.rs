//! Conflicts: somebody else owns what a manager wants to change.

use std::collections::BTreeMap;
use std::fmt;

use super::Managers;
use crate::path::Path;
use crate::set::Set;

/// One path that somebody else owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict<M = String> {
    /// Who owns it.
    pub manager: M,
    /// What is owned.
    pub path: Path,
}

/// All paths of an apply that somebody else owns, by manager and path.
///
/// The manager's [`Debug`](fmt::Debug) form stands in the texts: a name in quotes for strings, the name
/// and how it wrote for a [`Manager`](super::Manager).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicts<M = String>(Vec<Conflict<M>>);

impl<M: Ord + Clone> Conflicts<M> {
    /// Returns the conflicts with everything that these managers own.
    #[must_use]
    pub fn with(managers: &Managers<M>) -> Self {
        let all = managers.iter().flat_map(|(manager, owned)| {
            owned.set.iter().map(|path| Conflict { manager: manager.clone(), path })
        });
        Self(all.collect())
    }

    /// Returns the conflicts.
    #[must_use]
    pub fn as_slice(&self) -> &[Conflict<M>] {
        &self.0
    }

    /// Returns true if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the paths, whoever owns them.
    #[must_use]
    pub fn to_set(&self) -> Set {
        self.0.iter().map(|conflict| conflict.path.clone()).collect()
    }

    /// Returns the conflicts whose paths are not in a set.
    #[must_use]
    pub fn outside(&self, set: &Set) -> Self {
        Self(self.0.iter().filter(|conflict| !set.has(&conflict.path)).cloned().collect())
    }

    /// Returns the conflicts by manager.
    #[must_use]
    pub fn by_manager(&self) -> BTreeMap<&M, Vec<&Path>> {
        let mut managers: BTreeMap<&M, Vec<&Path>> = BTreeMap::new();
        for conflict in &self.0 {
            managers.entry(&conflict.manager).or_default().push(&conflict.path);
        }
        managers
    }
}

impl<M: Ord + Clone + fmt::Debug> Conflicts<M> {
    /// Returns the text of the 409 with which an API server answers.
    ///
    /// ```
    /// use structured_merge::{Conflicts, Managers, Owned, Path};
    /// let owned = |paths: &[Path]| Owned {
    ///     set: paths.iter().cloned().collect(),
    ///     version: "apps/v1".to_owned(),
    ///     applied: true,
    /// };
    /// let replicas = Path::fields(["spec", "replicas"]);
    /// let one: Managers = [("hpa".to_owned(), owned(&[replicas.clone()]))].into_iter().collect();
    /// assert_eq!(
    ///     Conflicts::with(&one).server_text(),
    ///     r#"Apply failed with 1 conflict: conflict with "hpa": .spec.replicas"#,
    /// );
    /// let two = owned(&[replicas, Path::fields(["spec", "paused"])]);
    /// let two: Managers = [("hpa".to_owned(), two)].into_iter().collect();
    /// assert_eq!(
    ///     Conflicts::with(&two).server_text(),
    ///     "Apply failed with 2 conflicts: conflicts with \"hpa\":\n- .spec.paused\n- .spec.replicas",
    /// );
    /// ```
    #[must_use]
    pub fn server_text(&self) -> String {
        match self.0.len() {
            1 => format!("Apply failed with 1 conflict: {self}"),
            several => format!("Apply failed with {several} conflicts: {self}"),
        }
    }
}

impl<M: Ord + Clone + fmt::Debug> fmt::Display for Conflicts<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [Conflict { manager, path }] = self.0.as_slice() {
            return write!(f, "conflict with {manager:?}: {path}");
        }
        for (position, (manager, paths)) in self.by_manager().into_iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "conflicts with {manager:?}:")?;
            paths.into_iter().try_for_each(|path| write!(f, "\n- {path}"))?;
        }
        Ok(())
    }
}

impl<M: Ord + Clone + fmt::Debug> std::error::Error for Conflicts<M> {}
