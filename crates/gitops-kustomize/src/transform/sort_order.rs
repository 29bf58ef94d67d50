//! Puts objects into an order in which a cluster can take them.

use std::collections::HashMap;

use crate::error::BuildError;
use crate::id::{Gvk, ResId};
use crate::kustomization::{LegacySortOptions, SortOptions};
use crate::resmap::ResMap;
use crate::yaml::Nodes;

/// The kinds that come first when nobody says which (kustomize's legacy order).
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// The kinds that come last.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Returns a kind's rank in the default order; most have 0.
pub(crate) fn default_rank(kind: &str) -> i32 {
    if let Some(at) = FIRST.iter().position(|first| *first == kind) {
        return rank_of(at) - rank_of(FIRST.len());
    }
    LAST.iter().position(|last| *last == kind).map_or(0, |at| rank_of(at) + 1)
}

fn rank_of(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX)
}

/// The order that is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct SortOrderTransformer {
    pub(crate) options: SortOptions,
}

impl SortOrderTransformer {
    /// Returns the order of the kustomize command.
    pub(crate) fn legacy() -> Self {
        Self { options: SortOptions { order: "legacy".to_owned(), legacy_sort_options: None } }
    }

    pub(crate) fn apply(&self, nodes: &Nodes, map: &mut ResMap) -> Result<(), BuildError> {
        let legacy = match self.options.order.as_str() {
            "legacy" => true,
            "fifo" => false,
            _ => {
                return Err(BuildError::Invalid(
                    "the field 'sortOptions.order' must be one of [fifo, legacy]".to_owned(),
                ));
            }
        };
        if !legacy {
            if self.options.legacy_sort_options.is_some() {
                return Err(BuildError::Invalid(
                    "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"
                        .to_owned(),
                ));
            }
            return Ok(());
        }
        let ranks = Ranks::new(self.options.legacy_sort_options.as_ref());
        map.list.sort_by_cached_key(|resource| {
            let id = resource.id(nodes);
            let text = group_text(&id.gvk);
            // Namespaces of the core group come before those of others.
            let reversed = &*id.gvk.kind == "Namespace";
            let rank = ranks.of(&id.gvk.kind);
            (rank, Text { text, reversed }, id_text(&id))
        });
        Ok(())
    }
}

#[derive(PartialEq, Eq)]
struct Text {
    text: String,
    reversed: bool,
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let order = self.text.cmp(&other.text);
        let core = |text: &str| text.starts_with("~G_");
        let swap = self.reversed && other.reversed && (core(&self.text) || core(&other.text));
        if swap { order.reverse() } else { order }
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Ranks(Option<HashMap<String, i32>>);

impl Ranks {
    fn new(options: Option<&LegacySortOptions>) -> Self {
        Self(options.map(|options| {
            let count = rank_of(options.order_first.len());
            let first =
                options.order_first.iter().enumerate().map(|(at, kind)| (kind.clone(), rank_of(at) - count));
            let last =
                options.order_last.iter().enumerate().map(|(at, kind)| (kind.clone(), rank_of(at) + 1));
            first.chain(last).collect()
        }))
    }

    fn of(&self, kind: &str) -> i32 {
        self.0
            .as_ref()
            .map_or_else(|| default_rank(kind), |ranks| ranks.get(kind).copied().unwrap_or_default())
    }
}

fn group_text(gvk: &Gvk) -> String {
    let part = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    format!("{}_{}_{}", part(&gvk.group, "~G"), part(&gvk.version, "~V"), part(&gvk.kind, "~K"))
}

fn id_text(id: &ResId) -> String {
    let part = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    format!("{}|{}|{}", id.gvk, part(&id.namespace, "~X"), part(&id.name, "~N"))
}
