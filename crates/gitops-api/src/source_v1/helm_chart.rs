//! HelmChart: one chart of a Helm repository, a Git repository or a bucket.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChartVerification;
use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN};
use crate::wire_enum::wire_enum;
use crate::{Artifact, GoDuration, annotations};

resource! {
    /// One chart of a Helm repository, a Git repository or a bucket.
    pub struct HelmChart {
        spec: HelmChartSpec,
        status: HelmChartStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "HelmChart",
    description: "One chart of a Helm repository, a Git repository or a bucket.",
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    plural: "helmcharts",
    singular: "helmchart",
    short_names: ["hc"],
    categories: ["all", "fluxcd", "fluxcd-sources"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [
        ("Chart", "string", ".spec.chart"),
        ("Version", "string", ".spec.version"),
        ("Source Kind", "string", ".spec.sourceRef.kind"),
        ("Source Name", "string", ".spec.sourceRef.name"),
        ("Age", "date", ".metadata.creationTimestamp"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
    ],
}

/// What is wanted of a Helm chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default, extend("x-kubernetes-validations" = [{
    "message": "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'",
    "rule": "!has(self.verify) || self.sourceRef.kind == 'HelmRepository'",
}]))]
pub struct HelmChartSpec {
    /// Name of the chart, or its path in the source.
    pub chart: String,
    /// Whether values files that are missing are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_missing_values_files: bool,
    /// How often the source is looked at.
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: GoDuration,
    /// What makes a new artifact.
    #[serde(default = "chart_version")]
    pub reconcile_strategy: ReconcileStrategy,
    /// The source.
    pub source_ref: ChartSourceReference,
    /// Whether reconciling is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Files of the source whose values replace those of the chart, later ones over earlier ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// Which signatures are verified.
    #[serde(rename = "verify", skip_serializing_if = "Option::is_none")]
    pub verification: Option<ChartVerification>,
    /// A version constraint, for charts of a Helm repository.
    #[serde(default = "any_version")]
    pub version: String,
}

impl Default for HelmChartSpec {
    fn default() -> Self {
        Self {
            chart: String::new(),
            ignore_missing_values_files: false,
            interval: GoDuration::default(),
            reconcile_strategy: chart_version(),
            source_ref: ChartSourceReference::default(),
            suspend: false,
            values_files: Vec::new(),
            verification: None,
            version: any_version(),
        }
    }
}

fn chart_version() -> ReconcileStrategy {
    ReconcileStrategy::ChartVersion
}

fn any_version() -> String {
    "*".to_owned()
}

wire_enum! {
    /// What makes a new artifact of a chart.
    pub enum ReconcileStrategy {
        /// Another version of the chart.
        ChartVersion = "ChartVersion",
        /// Another revision of the source.
        Revision = "Revision",
    }
}

/// A source of charts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ChartSourceReference {
    /// API version of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the source.
    pub kind: ChartSourceKind,
    /// Name of the source.
    pub name: String,
}

wire_enum! {
    /// A kind of source that can hold charts.
    pub enum ChartSourceKind {
        /// A Helm repository.
        HelmRepository = "HelmRepository",
        /// A Git repository.
        GitRepository = "GitRepository",
        /// A bucket of an object store.
        Bucket = "Bucket",
    }
}

/// What is known of a Helm chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct HelmChartStatus {
    /// The chart of the last reconciliation that made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The object's conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The token of the last reconciliation that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The chart's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_chart_name: Option<String>,
    /// The generation that was last reconciled; -1 on a new object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The revision of the source that the chart was taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_source_artifact_revision: Option<String>,
    /// The values files that the chart was made with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_values_files: Vec<String>,
    /// Address under which the newest chart can be found, where the server has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
