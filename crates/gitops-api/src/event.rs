//! Events: what controllers tell the notification controller.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use crate::wire_enum::wire_enum;

wire_enum! {
    /// How much an event matters.
    pub enum Severity {
        /// Something that helps to follow a reconciliation; stays in the cluster.
        Trace = "trace",
        /// A change.
        Info = "info",
        /// A failure.
        Error = "error",
    }
}

/// The longest message that Flux's schema of an event allows, in characters.
pub const EVENT_MESSAGE_LIMIT: usize = 39_000;

/// The payload that controllers post to `--events-addr`.
///
/// Source: fluxcd/pkg `apis/event/v1beta1/event.go`.
///
/// ```
/// use gitops_api::{Event, Severity};
///
/// let event: Event = serde_json::from_str(r#"{
///     "involvedObject": {"kind": "GitRepository", "namespace": "default", "name": "app"},
///     "severity": "info",
///     "timestamp": "2026-01-02T03:04:05Z",
///     "message": "stored artifact for commit 'Init'",
///     "reason": "NewArtifact",
///     "metadata": {"source.toolkit.fluxcd.io/revision": "main@sha1:5394cb7"},
///     "reportingController": "source-controller"
/// }"#)?;
/// assert_eq!(event.severity, Severity::Info);
/// assert_eq!(event.metadata_value("revision"), Some("main@sha1:5394cb7"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The object that the event is about.
    pub involved_object: ObjectReference,
    /// How much it matters.
    pub severity: Severity,
    /// When it happened.
    pub timestamp: Time,
    /// What happened, for people.
    pub message: String,
    /// What happened, for machines: one of [`reasons`](crate::reasons).
    pub reason: String,
    /// More about it; the keys start with the group of the object's API.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The controller that tells, for example `source-controller`.
    pub reporting_controller: String,
    /// The instance of the controller.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}

impl Event {
    /// Returns the API group of the object that the event is about, empty for the core group.
    pub fn group(&self) -> &str {
        let version = self.involved_object.api_version.as_deref().unwrap_or_default();
        version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns the metadata of a key, whatever group stands before it: `revision` finds
    /// `source.toolkit.fluxcd.io/revision`. A key without a group comes before one with.
    pub fn metadata_value(&self, key: &str) -> Option<&str> {
        let find = || {
            self.metadata.iter().find(|(name, _)| name.rsplit_once('/').is_some_and(|(_, last)| last == key))
        };
        self.metadata.get(key).or_else(|| find().map(|(_, value)| value)).map(String::as_str)
    }
}

/// Keys of an event's metadata, to be written after the group and a slash.
pub mod event_metadata {
    /// The revision that the event is about.
    pub const REVISION: &str = "revision";
    /// The revision of the origin, for sources that are built from another.
    pub const ORIGIN_REVISION: &str = "originRevision";
    /// The digest of the artifact or release.
    pub const DIGEST: &str = "digest";
    /// The checksum of what was built.
    pub const CHECKSUM: &str = "checksum";
    /// The Git commit that should carry the event as its status.
    pub const COMMIT: &str = "commit";
    /// The value `update`: the event updates the status of a commit and is no alert.
    pub const COMMIT_STATUS: &str = "commit_status";
    /// The pull or merge request that should carry the event as a comment.
    pub const CHANGE_REQUEST: &str = "change_request";
    /// A token that tells two events of the same text apart.
    pub const TOKEN: &str = "token";
    /// A text that alerts add to their messages.
    pub const SUMMARY: &str = "summary";
}
