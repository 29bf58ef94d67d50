//! OCIRepository: an OCI artifact whose layer becomes an artifact.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OciVerification;
use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN, TIMEOUT_PATTERN};
use crate::wire_enum::wire_enum;
use crate::{Artifact, CloudProvider, GoDuration, LocalObjectReference, annotations, cloud};

resource! {
    /// An OCI artifact whose layer becomes an artifact.
    pub struct OciRepository {
        spec: OciRepositorySpec,
        status: OciRepositoryStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "OCIRepository",
    description: "An OCI artifact whose layer becomes an artifact.",
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    plural: "ocirepositories",
    singular: "ocirepository",
    short_names: ["ocirepo"],
    categories: ["all", "fluxcd", "fluxcd-sources"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [
        ("URL", "string", ".spec.url"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
        ("Age", "date", ".metadata.creationTimestamp"),
    ],
}

/// What is wanted of an OCI repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct OciRepositorySpec {
    /// The Secret with the CA (`ca.crt`), or with the client's certificate and key (`tls.crt`, `tls.key`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Rules of files that are left out of the artifact, in the format of `.sourceignore`, instead of the
    /// default ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Whether the registry speaks HTTP without TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// How often the registry is looked at.
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: GoDuration,
    /// Which layer is taken, and how; the first one, unpacked, when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_selector: Option<OciLayerSelector>,
    /// Who authenticates.
    #[serde(default = "cloud::generic")]
    pub provider: CloudProvider,
    /// The Secret that says which proxy to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// What of the repository is wanted; the tag `latest` when it is not set.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<OciRepositoryRef>,
    /// The Secret with the registry's credentials, of type `kubernetes.io/dockerconfigjson`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The ServiceAccount whose pull secrets are used, or that authenticates to the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Whether reconciling is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// How long an operation may take; a minute when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIMEOUT_PATTERN), extend("default" = "60s"))]
    pub timeout: Option<GoDuration>,
    /// Address of the repository, `oci://`, without tag.
    #[schemars(regex(pattern = "^oci://.*$"))]
    pub url: String,
    /// Which signatures are verified.
    #[serde(rename = "verify", skip_serializing_if = "Option::is_none")]
    pub verification: Option<OciVerification>,
}

impl Default for OciRepositorySpec {
    fn default() -> Self {
        Self {
            cert_secret_ref: None,
            ignore: None,
            insecure: false,
            interval: GoDuration::default(),
            layer_selector: None,
            provider: CloudProvider::Generic,
            proxy_secret_ref: None,
            reference: None,
            secret_ref: None,
            service_account_name: None,
            suspend: false,
            timeout: None,
            url: String::new(),
            verification: None,
        }
    }
}

/// What of a repository is wanted: the digest comes before the constraint, the constraint before the tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct OciRepositoryRef {
    /// A digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// A version constraint on tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// A regular expression of tags that count for the constraint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver_filter: Option<String>,
    /// A tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Which layer of an OCI artifact is taken, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct OciLayerSelector {
    /// Media type of the layer; the first layer when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What is done with it; unpacking when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<OciLayerOperation>,
}

wire_enum! {
    /// What is done with a layer.
    pub enum OciLayerOperation {
        /// Its files are packed anew.
        Extract = "extract",
        /// It is taken as it is.
        Copy = "copy",
    }
}

/// What is known of an OCI repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct OciRepositoryStatus {
    /// The artifact of the last reconciliation that made one.
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
    /// The ignore rules that the artifact was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// The layer selector that the artifact was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_layer_selector: Option<OciLayerSelector>,
    /// Address under which the newest artifact can be found, where the server has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
