//! Bucket: the objects of an object store that become an artifact.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN, TIMEOUT_PATTERN};
use crate::wire_enum::wire_enum;
use crate::{Artifact, GoDuration, LocalObjectReference, annotations};

resource! {
    /// The objects of an object store that become an artifact.
    pub struct Bucket {
        spec: BucketSpec,
        status: BucketStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "Bucket",
    description: "The objects of an object store that become an artifact.",
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    plural: "buckets",
    singular: "bucket",
    short_names: [],
    categories: ["all", "fluxcd", "fluxcd-sources"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [
        ("Endpoint", "string", ".spec.endpoint"),
        ("Age", "date", ".metadata.creationTimestamp"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
    ],
}

/// What is wanted of a bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default, extend("x-kubernetes-validations" = [
    {
        "message": "STS configuration is only supported for the 'aws' and 'generic' Bucket providers",
        "rule": "self.provider == 'aws' || self.provider == 'generic' || !has(self.sts)",
    },
    {
        "message": "'aws' is the only supported STS provider for the 'aws' Bucket provider",
        "rule": "self.provider != 'aws' || !has(self.sts) || self.sts.provider == 'aws'",
    },
    {
        "message": "'ldap' is the only supported STS provider for the 'generic' Bucket provider",
        "rule": "self.provider != 'generic' || !has(self.sts) || self.sts.provider == 'ldap'",
    },
    {
        "message": "spec.sts.secretRef is not required for the 'aws' STS provider",
        "rule": "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.secretRef)",
    },
    {
        "message": "spec.sts.certSecretRef is not required for the 'aws' STS provider",
        "rule": "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.certSecretRef)",
    },
    {
        "message": "ServiceAccountName is not supported for the 'generic' Bucket provider",
        "rule": "self.provider != 'generic' || !has(self.serviceAccountName)",
    },
    {
        "message": "cannot set both .spec.secretRef and .spec.serviceAccountName",
        "rule": "!has(self.secretRef) || !has(self.serviceAccountName)",
    },
]))]
pub struct BucketSpec {
    /// Name of the bucket.
    pub bucket_name: String,
    /// The Secret with the CA (`ca.crt`), or with the client's certificate and key (`tls.crt`, `tls.key`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Host, and port if need be, of the object store.
    pub endpoint: String,
    /// Rules of files that are left out of the artifact, in the format of `.sourceignore`, instead of the
    /// default ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Whether the object store speaks HTTP without TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// How often the bucket is looked at.
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: GoDuration,
    /// What the names of the objects must start with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Whose object store it is.
    #[serde(default = "generic")]
    pub provider: BucketProvider,
    /// The Secret that says which proxy to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Region of the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The Secret with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The ServiceAccount that authenticates to the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// The service that hands out short-lived credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sts: Option<BucketStsSpec>,
    /// Whether reconciling is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// How long an operation may take; a minute when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIMEOUT_PATTERN), extend("default" = "60s"))]
    pub timeout: Option<GoDuration>,
}

impl Default for BucketSpec {
    fn default() -> Self {
        Self {
            bucket_name: String::new(),
            cert_secret_ref: None,
            endpoint: String::new(),
            ignore: None,
            insecure: false,
            interval: GoDuration::default(),
            prefix: None,
            provider: generic(),
            proxy_secret_ref: None,
            region: None,
            secret_ref: None,
            service_account_name: None,
            sts: None,
            suspend: false,
            timeout: None,
        }
    }
}

fn generic() -> BucketProvider {
    BucketProvider::Generic
}

wire_enum! {
    /// Whose object store it is.
    pub enum BucketProvider {
        /// Anybody's that speaks S3.
        Generic = "generic",
        /// Amazon S3.
        Aws = "aws",
        /// Google Cloud Storage.
        Gcp = "gcp",
        /// Azure Blob Storage.
        Azure = "azure",
    }
}

/// A service that hands out short-lived credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct BucketStsSpec {
    /// The Secret with its CA, or with the client's certificate and key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Its address.
    #[schemars(regex(pattern = "^(http|https)://.*$"))]
    pub endpoint: String,
    /// Its kind.
    pub provider: StsProvider,
    /// The Secret with the credentials for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

wire_enum! {
    /// A kind of service that hands out short-lived credentials.
    pub enum StsProvider {
        /// That of Amazon Web Services.
        Aws = "aws",
        /// That of MinIO, with LDAP behind it.
        Ldap = "ldap",
    }
}

/// What is known of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct BucketStatus {
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
    /// Address under which the newest artifact can be found, where the server has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
