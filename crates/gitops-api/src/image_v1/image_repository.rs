//! ImageRepository: a repository of container images whose tags are scanned.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN, TIMEOUT_PATTERN};
use crate::{AccessFrom, CloudProvider, GoDuration, LocalObjectReference, cloud};

resource! {
    /// A repository of container images whose tags are scanned.
    pub struct ImageRepository {
        spec: ImageRepositorySpec,
        status: ImageRepositoryStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "ImageRepository",
    description: "A repository of container images whose tags are scanned.",
    group: "image.toolkit.fluxcd.io",
    version: "v1",
    plural: "imagerepositories",
    singular: "imagerepository",
    short_names: ["imgrepo", "imagerepo"],
    categories: ["all", "fluxcd", "fluxcd-images"],
    annotations: [],
    columns: [
        ("Image", "string", ".spec.image"),
        ("Tags", "string", ".status.lastScanResult.tagCount"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
        ("Last scan", "string", ".status.lastScanResult.scanTime", priority 1),
        ("Age", "date", ".metadata.creationTimestamp"),
    ],
}

/// What is wanted of an image repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ImageRepositorySpec {
    /// From which other namespaces policies may refer to the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_from: Option<AccessFrom>,
    /// The Secret with the CA (`ca.crt`), or with the client's certificate and key (`tls.crt`, `tls.key`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Regular expressions of tags that do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 25), extend("default" = ["^.*\\.sig$"]))]
    pub exclusion_list: Option<Vec<String>>,
    /// Name of the repository, for example `ghcr.io/stefanprodan/podinfo`.
    pub image: String,
    /// Whether the registry speaks HTTP without TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// How often the tags are scanned.
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: GoDuration,
    /// Who authenticates.
    #[serde(default = "cloud::generic")]
    pub provider: CloudProvider,
    /// The Secret that says which proxy to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// The Secret with the registry's credentials, of type `kubernetes.io/dockerconfigjson`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The ServiceAccount whose pull secrets are used, or that authenticates to the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub service_account_name: Option<String>,
    /// Whether scanning is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// How long a scan may take; the interval when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIMEOUT_PATTERN))]
    pub timeout: Option<GoDuration>,
}

impl Default for ImageRepositorySpec {
    fn default() -> Self {
        Self {
            access_from: None,
            cert_secret_ref: None,
            exclusion_list: None,
            image: String::new(),
            insecure: false,
            interval: GoDuration::default(),
            provider: CloudProvider::Generic,
            proxy_secret_ref: None,
            secret_ref: None,
            service_account_name: None,
            suspend: false,
            timeout: None,
        }
    }
}

/// What is known of an image repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ImageRepositoryStatus {
    /// The repository's name with everything that is implied, for example `docker.io/library/alpine`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical_image_name: Option<String>,
    /// The object's conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The token of the last reconciliation that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// What the last scan found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scan_result: Option<ScanResult>,
    /// The excluded tags of the last scan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_exclusion_list: Vec<String>,
    /// The generation that was last reconciled; -1 on a new object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ScanResult {
    /// The first ten tags in descending alphabetical order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latest_tags: Vec<String>,
    /// A hash of all tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// When it was scanned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_time: Option<Time>,
    /// How many tags there are.
    #[schemars(schema_with = "schema::integer")]
    pub tag_count: i64,
}
