//! The history of reconciliations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::GoDuration;

/// How many snapshots a history keeps.
pub const HISTORY_LIMIT: usize = 5;

/// What became of one set of manifests: a line of `status.history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct Snapshot {
    /// Checksum of the manifests, `<algorithm>:<hex>`.
    pub digest: String,
    /// When these manifests first had this outcome.
    pub first_reconciled: Time,
    /// When these manifests last had this outcome.
    pub last_reconciled: Time,
    /// How long the last reconciliation took.
    pub last_reconciled_duration: GoDuration,
    /// The outcome: the reason of the Ready condition.
    pub last_reconciled_status: String,
    /// More about the reconciliation, for example its revision.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// How often these manifests had this outcome.
    pub total_reconciliations: i64,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            digest: String::new(),
            first_reconciled: Time(Timestamp::UNIX_EPOCH),
            last_reconciled: Time(Timestamp::UNIX_EPOCH),
            last_reconciled_duration: GoDuration::default(),
            last_reconciled_status: String::new(),
            metadata: BTreeMap::new(),
            total_reconciliations: 0,
        }
    }
}

/// Records one reconciliation: counts it in the snapshot with the same digest and outcome, or adds a
/// snapshot. The newest stands first, and at most [`HISTORY_LIMIT`] stay.
///
/// The snapshot's `last_reconciled` is when it happened; its `first_reconciled` and
/// `total_reconciliations` are not read.
///
/// Source: fluxcd/pkg `apis/meta/history.go`.
///
/// ```
/// use gitops_api::{Snapshot, record_snapshot};
///
/// let once = Snapshot { digest: "sha256:aa".into(), ..Snapshot::default() };
/// let mut history = Vec::new();
/// record_snapshot(&mut history, once.clone());
/// record_snapshot(&mut history, once);
/// assert_eq!(history.len(), 1);
/// assert_eq!(history[0].total_reconciliations, 2);
/// ```
pub fn record_snapshot(history: &mut Vec<Snapshot>, mut snapshot: Snapshot) {
    let same = |known: &Snapshot| {
        known.digest == snapshot.digest && known.last_reconciled_status == snapshot.last_reconciled_status
    };
    match history.iter().position(same) {
        Some(at) => {
            let known = history.remove(at);
            snapshot.first_reconciled = known.first_reconciled;
            snapshot.total_reconciliations = known.total_reconciliations.saturating_add(1);
        }
        None => {
            snapshot.first_reconciled = snapshot.last_reconciled.clone();
            snapshot.total_reconciliations = 1;
        }
    }
    history.insert(0, snapshot);
    history.truncate(HISTORY_LIMIT);
}
