//! The switches that people set on single objects to change how they are applied.

use serde_json::Value;

use crate::fields::metadata_map;

/// The prefix of Flux's switches.
pub const FLUX_SWITCHES: &str = "kustomize.toolkit.fluxcd.io";

/// How an object is applied, by its switch `ssa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Fields of other managers that are listed for take-over go; conflicts are won.
    #[default]
    Override,
    /// As `Override`, but fields that others added stay.
    Merge,
    /// Created when absent and never changed.
    IfNotPresent,
    /// Never touched.
    Ignore,
}

/// The switches of one object, read from its labels and annotations, in the repository and in the cluster.
///
/// Names and values are those of kustomize-controller; values compare without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Switches {
    /// `reconcile: disabled`: not applied, not deleted.
    pub reconcile_disabled: bool,
    /// `prune: disabled`: not deleted.
    pub prune_disabled: bool,
    /// `force: enabled`: recreated when an immutable field changes.
    pub force: bool,
    /// `ssa`: how it is applied.
    pub strategy: Strategy,
}

impl Switches {
    /// Reads the switches with a prefix from an object and, where there is one, its live counterpart.
    #[must_use]
    pub fn read(prefix: &str, desired: &Value, live: Option<&Value>) -> Self {
        let set = |switch: &str, value: &str| {
            let key = format!("{prefix}/{switch}");
            is_set(desired, &key, value) || live.is_some_and(|live| is_set(live, &key, value))
        };
        let strategy = if set("ssa", "Ignore") {
            Strategy::Ignore
        } else if set("ssa", "IfNotPresent") {
            Strategy::IfNotPresent
        } else if set("ssa", "Merge") {
            Strategy::Merge
        } else {
            Strategy::Override
        };
        Switches {
            reconcile_disabled: set("reconcile", "disabled"),
            prune_disabled: set("prune", "disabled"),
            force: set("force", "enabled"),
            strategy,
        }
    }

    /// Returns whether the object must be left as it is; `exists` tells whether there is a live one.
    #[must_use]
    pub fn skips(&self, exists: bool) -> bool {
        self.reconcile_disabled
            || self.strategy == Strategy::Ignore
            || (self.strategy == Strategy::IfNotPresent && exists)
    }

    /// Returns whether the object must not be deleted when it leaves the set.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.reconcile_disabled || self.prune_disabled || self.strategy == Strategy::Ignore
    }
}

/// Returns whether an object has a label or an annotation with this value, whatever its case; an empty value never.
#[must_use]
pub fn is_set(object: &Value, key: &str, value: &str) -> bool {
    !value.is_empty()
        && ["labels", "annotations"].iter().any(|place| {
            metadata_map(object, place)
                .and_then(|map| map.get(key)?.as_str())
                .is_some_and(|found| found.eq_ignore_ascii_case(value))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn switches_are_read_from_desired_and_live() {
        #[track_caller]
        fn check(desired: Value, live: Option<Value>, want: Switches) {
            assert_eq!(Switches::read(FLUX_SWITCHES, &desired, live.as_ref()), want);
        }
        let with = |place: &str, key: &str, value: &str| json!({"metadata": {place: {format!("{FLUX_SWITCHES}/{key}"): value}}});
        let none = Switches::default();
        check(json!({}), None, none);
        check(with("labels", "ssa", "merge"), None, Switches { strategy: Strategy::Merge, ..none });
        check(
            with("annotations", "ssa", "IfNotPresent"),
            None,
            Switches { strategy: Strategy::IfNotPresent, ..none },
        );
        check(with("annotations", "prune", "Disabled"), None, Switches { prune_disabled: true, ..none });
        check(
            json!({}),
            Some(with("labels", "reconcile", "disabled")),
            Switches { reconcile_disabled: true, ..none },
        );
        check(json!({}), Some(with("labels", "force", "enabled")), Switches { force: true, ..none });
        check(with("labels", "force", "yes"), None, none);
    }
}
