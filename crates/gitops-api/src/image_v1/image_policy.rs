//! ImagePolicy: which tag of an image repository is the latest.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN};
use crate::wire_enum::wire_enum;
use crate::{GoDuration, NamespacedObjectReference};

resource! {
    /// A rule that says which tag of an image repository is the latest.
    pub struct ImagePolicy {
        spec: ImagePolicySpec,
        status: ImagePolicyStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "ImagePolicy",
    description: "A rule that says which tag of an image repository is the latest.",
    group: "image.toolkit.fluxcd.io",
    version: "v1",
    plural: "imagepolicies",
    singular: "imagepolicy",
    short_names: ["imgpol", "imagepol"],
    categories: ["all", "fluxcd", "fluxcd-images"],
    annotations: [],
    columns: [
        ("Image", "string", ".status.latestRef.name"),
        ("Tag", "string", ".status.latestRef.tag"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
        ("Age", "date", ".metadata.creationTimestamp"),
    ],
}

/// What is wanted of an image policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default, extend("x-kubernetes-validations" = [
    {
        "message": "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'",
        "rule": "!has(self.interval) || (has(self.digestReflectionPolicy) && \
                 self.digestReflectionPolicy == 'Always')",
    },
    {
        "message": "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'",
        "rule": "has(self.interval) || !has(self.digestReflectionPolicy) || \
                 self.digestReflectionPolicy != 'Always'",
    },
]))]
pub struct ImagePolicySpec {
    /// When the digest of the latest tag is looked up.
    #[serde(default = "never")]
    pub digest_reflection_policy: DigestReflectionPolicy,
    /// Which tags count at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_tags: Option<TagFilter>,
    /// The scanned repository.
    pub image_repository_ref: NamespacedObjectReference,
    /// How often the digest is looked up, when that is done always.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: Option<GoDuration>,
    /// How tags are ordered: one of its fields.
    pub policy: ImagePolicyChoice,
    /// Whether reconciling is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

impl Default for ImagePolicySpec {
    fn default() -> Self {
        Self {
            digest_reflection_policy: never(),
            filter_tags: None,
            image_repository_ref: NamespacedObjectReference::default(),
            interval: None,
            policy: ImagePolicyChoice::default(),
            suspend: false,
        }
    }
}

fn never() -> DigestReflectionPolicy {
    DigestReflectionPolicy::Never
}

wire_enum! {
    /// When the digest of the latest tag is looked up.
    pub enum DigestReflectionPolicy {
        /// Each time.
        Always = "Always",
        /// When the latest tag is another than before.
        IfNotPresent = "IfNotPresent",
        /// Never.
        Never = "Never",
    }
}

/// Which tags count, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct TagFilter {
    /// What of the pattern's groups is ordered, for example `$ts`; the whole tag when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extract: Option<String>,
    /// A regular expression that tags must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// How tags are ordered: exactly one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ImagePolicyChoice {
    /// As texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alphabetical: Option<AlphabeticalPolicy>,
    /// As numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numerical: Option<NumericalPolicy>,
    /// As versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<SemverPolicy>,
}

/// Tags ordered as texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct AlphabeticalPolicy {
    /// Which end is the latest: `asc` takes Z, `desc` takes A.
    #[serde(default = "ascending")]
    pub order: PolicyOrder,
}

impl Default for AlphabeticalPolicy {
    fn default() -> Self {
        Self { order: ascending() }
    }
}

/// Tags ordered as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct NumericalPolicy {
    /// Which end is the latest: `asc` takes 9, `desc` takes 0.
    #[serde(default = "ascending")]
    pub order: PolicyOrder,
}

impl Default for NumericalPolicy {
    fn default() -> Self {
        Self { order: ascending() }
    }
}

fn ascending() -> PolicyOrder {
    PolicyOrder::Asc
}

wire_enum! {
    /// The order of tags; the last one is the latest.
    pub enum PolicyOrder {
        /// Ascending.
        Asc = "asc",
        /// Descending.
        Desc = "desc",
    }
}

/// Tags ordered as versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct SemverPolicy {
    /// The versions that count.
    pub range: String,
}

/// What is known of an image policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ImagePolicyStatus {
    /// The object's conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The token of the last reconciliation that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The latest image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_ref: Option<ImageRef>,
    /// The generation that was last reconciled; -1 on a new object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The image that was the latest before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_previous_ref: Option<ImageRef>,
}

/// One image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ImageRef {
    /// Its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Its name, without tag.
    pub name: String,
    /// Its tag.
    pub tag: String,
}

/// Prints the image as a container names it: `name:tag`, with `@digest` when there is one.
impl std::fmt::Display for ImageRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)?;
        match self.digest.as_deref() {
            Some(digest) if !digest.is_empty() => write!(f, "@{digest}"),
            _ => Ok(()),
        }
    }
}
