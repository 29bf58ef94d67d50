//! In which stage and in which order objects are applied.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fields;

/// A step of an apply: everything of one stage is in place before the next begins
/// (fluxcd/pkg `ssa/manager_apply.go`, `ApplyAllStaged`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stage {
    /// CustomResourceDefinitions, Namespaces and ClusterRoles, then a wait until they are ready.
    Definitions,
    /// Every kind whose name ends in `Class`, then a wait until they are ready.
    Classes,
    /// The kinds that the caller named, without a wait.
    Custom,
    /// Everything else.
    Workloads,
}

impl Stage {
    /// All stages in the order in which they are applied.
    pub const ALL: [Stage; 4] = [Stage::Definitions, Stage::Classes, Stage::Custom, Stage::Workloads];

    /// Returns whether the objects of this stage must be ready before the next stage begins.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Stage::Definitions | Stage::Classes)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Definitions => "definitions",
            Stage::Classes => "classes",
            Stage::Custom => "custom",
            Stage::Workloads => "workloads",
        })
    }
}

/// A kind without its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
}

/// The kinds that are applied in a stage of their own before the rest.
///
/// Its text is that of Flux's flag `--custom-apply-stage-kinds`: `group/Kind` separated by commas,
/// and only `Kind` for the core group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupKinds(BTreeSet<GroupKind>);

impl GroupKinds {
    /// Returns whether the kind is one of these.
    #[must_use]
    pub fn contains(&self, group: &str, kind: &str) -> bool {
        self.0.iter().any(|known| known.group == group && known.kind == kind)
    }

    /// Iterates over the kinds in order.
    pub fn iter(&self) -> impl Iterator<Item = &GroupKind> {
        self.0.iter()
    }
}

impl FromIterator<GroupKind> for GroupKinds {
    fn from_iter<T: IntoIterator<Item = GroupKind>>(iter: T) -> Self {
        GroupKinds(iter.into_iter().collect())
    }
}

impl FromStr for GroupKinds {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| {
                let (group, kind) = item.split_once('/').unwrap_or(("", item));
                GroupKind { group: group.trim().to_owned(), kind: kind.trim().to_owned() }
            })
            .collect())
    }
}

/// Returns whether the kind is `CustomResourceDefinition`.
#[must_use]
pub fn is_definition(group: &str, kind: &str) -> bool {
    group == "apiextensions.k8s.io" && kind.eq_ignore_ascii_case("CustomResourceDefinition")
}

/// Returns whether the kind is the core group's `Namespace`.
#[must_use]
pub fn is_namespace(group: &str, kind: &str) -> bool {
    group.is_empty() && kind.eq_ignore_ascii_case("Namespace")
}

/// Returns whether the kind is RBAC's `ClusterRole`.
#[must_use]
pub fn is_cluster_role(group: &str, kind: &str) -> bool {
    group == "rbac.authorization.k8s.io" && kind.eq_ignore_ascii_case("ClusterRole")
}

/// Returns whether the kind is the core group's `Secret`.
#[must_use]
pub fn is_secret(group: &str, kind: &str) -> bool {
    group.is_empty() && kind.eq_ignore_ascii_case("Secret")
}

/// Returns the kind that a CustomResourceDefinition defines; none for other objects.
#[must_use]
pub fn defined_kind(definition: &Value) -> Option<GroupKind> {
    if !is_definition(fields::group(definition), fields::kind(definition)) {
        return None;
    }
    let group = fields::text(definition, &["spec", "group"])?.to_owned();
    let kind = fields::text(definition, &["spec", "names", "kind"])?.to_owned();
    Some(GroupKind { group, kind })
}

/// Returns the stage of a kind.
#[must_use]
pub fn stage_of(group: &str, kind: &str, custom: &GroupKinds) -> Stage {
    if is_definition(group, kind) || is_cluster_definition(group, kind) {
        Stage::Definitions
    } else if kind.ends_with("Class") {
        Stage::Classes
    } else if custom.contains(group, kind) {
        Stage::Custom
    } else {
        Stage::Workloads
    }
}

fn is_cluster_definition(group: &str, kind: &str) -> bool {
    is_namespace(group, kind) || is_cluster_role(group, kind)
}

/// What the order of applying looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKey<'a> {
    /// The API group.
    pub group: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// The namespace; empty for cluster-scoped objects.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
}

/// Compares two objects in the order of applying; deleting is the reverse
/// (fluxcd/pkg `ssa/sort.go`: rank of the kind whatever its group, then group, kind, namespace, name).
#[must_use]
pub fn compare(a: &SortKey<'_>, b: &SortKey<'_>) -> Ordering {
    rank(a.kind)
        .cmp(&rank(b.kind))
        .then_with(|| a.group.cmp(b.group))
        .then_with(|| a.kind.cmp(b.kind))
        .then_with(|| a.namespace.cmp(b.namespace))
        .then_with(|| a.name.cmp(b.name))
}

const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Returns the place of a kind in the order; kinds of the same rank do not depend on each other.
pub(crate) fn rank(kind: &str) -> usize {
    if let Some(place) = FIRST.iter().position(|known| *known == kind) {
        return place;
    }
    match LAST.iter().position(|known| *known == kind) {
        Some(place) => FIRST.len() + 1 + place,
        None => FIRST.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_fall_into_their_stages() {
        #[track_caller]
        fn check(group: &str, kind: &str, want: Stage) {
            let custom: GroupKinds = "apps/Deployment, Secret".parse().unwrap_or_default();
            assert_eq!(stage_of(group, kind, &custom), want, "{group}/{kind}");
        }
        check("apiextensions.k8s.io", "CustomResourceDefinition", Stage::Definitions);
        check("", "Namespace", Stage::Definitions);
        check("example.org", "Namespace", Stage::Workloads);
        check("rbac.authorization.k8s.io", "ClusterRole", Stage::Definitions);
        check("storage.k8s.io", "StorageClass", Stage::Classes);
        check("example.org", "FooClass", Stage::Classes);
        check("apps", "Deployment", Stage::Custom);
        check("", "Secret", Stage::Custom);
        check("", "ConfigMap", Stage::Workloads);
    }

    #[test]
    fn webhook_configurations_come_last_and_unknown_kinds_before_them() {
        assert!(rank("PodDisruptionBudget") < rank("Widget"));
        assert!(rank("Widget") < rank("MutatingWebhookConfiguration"));
        assert!(rank("MutatingWebhookConfiguration") < rank("ValidatingWebhookConfiguration"));
    }
}
