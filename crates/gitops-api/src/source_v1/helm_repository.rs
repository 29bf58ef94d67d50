//! HelmRepository: an index of Helm charts.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN, TIMEOUT_PATTERN};
use crate::wire_enum::wire_enum;
use crate::{AccessFrom, Artifact, CloudProvider, GoDuration, LocalObjectReference, annotations, cloud};

resource! {
    /// An index of Helm charts.
    pub struct HelmRepository {
        spec: HelmRepositorySpec,
        status: HelmRepositoryStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "HelmRepository",
    description: "An index of Helm charts.",
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    plural: "helmrepositories",
    singular: "helmrepository",
    short_names: ["helmrepo"],
    categories: ["all", "fluxcd", "fluxcd-sources"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [
        ("URL", "string", ".spec.url"),
        ("Age", "date", ".metadata.creationTimestamp"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
    ],
}

/// What is wanted of a Helm repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct HelmRepositorySpec {
    /// From which other namespaces the repository may be referred to; not used by Flux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_from: Option<AccessFrom>,
    /// The Secret with the CA (`ca.crt`), or with the client's certificate and key (`tls.crt`, `tls.key`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Whether the registry speaks HTTP without TLS; for the kind `oci` only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// How often the index is looked at; a minute when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: Option<GoDuration>,
    /// Whether other hosts that the index names get the credentials, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pass_credentials: bool,
    /// Who authenticates; for the kind `oci` only.
    #[serde(default = "cloud::generic")]
    pub provider: CloudProvider,
    /// The Secret with `username` and `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Whether reconciling is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// How long an operation may take; a minute when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIMEOUT_PATTERN))]
    pub timeout: Option<GoDuration>,
    /// Its kind; one with an index over HTTP when it is not set.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<HelmRepositoryKind>,
    /// Its address.
    #[schemars(regex(pattern = "^(http|https|oci)://.*$"))]
    pub url: String,
}

impl Default for HelmRepositorySpec {
    fn default() -> Self {
        Self {
            access_from: None,
            cert_secret_ref: None,
            insecure: false,
            interval: None,
            pass_credentials: false,
            provider: CloudProvider::Generic,
            secret_ref: None,
            suspend: false,
            timeout: None,
            kind: None,
            url: String::new(),
        }
    }
}

wire_enum! {
    /// A kind of Helm repository.
    pub enum HelmRepositoryKind {
        /// With an index over HTTP.
        Default = "default",
        /// An OCI registry.
        Oci = "oci",
    }
}

/// What is known of a Helm repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct HelmRepositoryStatus {
    /// The index of the last reconciliation that read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The object's conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The token of the last reconciliation that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The generation that was last reconciled; -1 on a new object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Address under which the newest index can be found, where the server has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
