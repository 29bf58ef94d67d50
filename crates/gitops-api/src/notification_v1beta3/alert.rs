//! Alert: which events go to a provider.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::resource;
use crate::wire_enum::wire_enum;
use crate::{LocalObjectReference, Severity, annotations};

resource! {
    /// A rule that says which events go to a provider.
    pub struct Alert {
        spec: AlertSpec,
    }
    kind: "Alert",
    description: "A rule that says which events go to a provider.",
    group: "notification.toolkit.fluxcd.io",
    version: "v1beta3",
    plural: "alerts",
    singular: "alert",
    short_names: [],
    categories: ["all", "fluxcd", "fluxcd-notifications"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [("Age", "date", ".metadata.creationTimestamp")],
}

/// What is wanted of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct AlertSpec {
    /// Metadata that the events get, where they do not have it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub event_metadata: BTreeMap<String, String>,
    /// Which events count: all with `info`, failures with `error`.
    #[serde(default = "info")]
    #[schemars(extend("enum" = ["info", "error"]))]
    pub event_severity: Severity,
    /// The objects whose events count.
    pub event_sources: Vec<EventSource>,
    /// Regular expressions of messages that do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// Regular expressions of messages that count; all do when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inclusion_list: Vec<String>,
    /// The provider.
    pub provider_ref: LocalObjectReference,
    /// A text that the messages carry. Deprecated: use `eventMetadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub summary: Option<String>,
    /// Whether the alert is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

impl Default for AlertSpec {
    fn default() -> Self {
        Self {
            event_metadata: BTreeMap::new(),
            event_severity: info(),
            event_sources: Vec::new(),
            exclusion_list: Vec::new(),
            inclusion_list: Vec::new(),
            provider_ref: LocalObjectReference::default(),
            summary: None,
            suspend: false,
        }
    }
}

fn info() -> Severity {
    Severity::Info
}

/// Objects whose events count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct EventSource {
    /// API version of the objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the objects.
    pub kind: EventSourceKind,
    /// Labels that the objects must have, with the name `*`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Name of the object, `*` for all.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the objects, by default that of the alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub namespace: Option<String>,
}

wire_enum! {
    /// A kind whose objects send events and can be asked to reconcile.
    pub enum EventSourceKind {
        /// A bucket of an object store.
        Bucket = "Bucket",
        /// A Git repository.
        GitRepository = "GitRepository",
        /// A Kustomization.
        Kustomization = "Kustomization",
        /// A Helm release.
        HelmRelease = "HelmRelease",
        /// A Helm chart.
        HelmChart = "HelmChart",
        /// A Helm repository.
        HelmRepository = "HelmRepository",
        /// An image repository.
        ImageRepository = "ImageRepository",
        /// An image policy.
        ImagePolicy = "ImagePolicy",
        /// An image update automation.
        ImageUpdateAutomation = "ImageUpdateAutomation",
        /// An OCI repository.
        OciRepository = "OCIRepository",
        /// A generator of artifacts.
        ArtifactGenerator = "ArtifactGenerator",
        /// A source of somebody else.
        ExternalArtifact = "ExternalArtifact",
    }
}
