//! Kustomization: a path of an artifact whose manifests are applied.

use std::fmt;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    BuildMetadataOption, CommonMetadata, CustomHealthCheck, Decryption, DependencyReference, IgnoreRule,
    Image, Patch, PostBuild,
};
use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN};
use crate::wire_enum::wire_enum;
use crate::{
    GoDuration, KubeConfigReference, NamespacedObjectKindReference, ParseError, ResourceInventory, Snapshot,
    annotations,
};

resource! {
    /// A path of an artifact whose manifests are built, applied, watched and pruned.
    ///
    /// ```
    /// use gitops_api::kustomize_v1::{Kustomization, SourceKind};
    ///
    /// let app: Kustomization = serde_json::from_str(r#"{
    ///     "metadata": {"name": "app", "namespace": "default"},
    ///     "spec": {
    ///         "interval": "10m", "prune": true, "path": "./deploy",
    ///         "sourceRef": {"kind": "GitRepository", "name": "app"}
    ///     }
    /// }"#)?;
    /// assert_eq!(app.spec.source_ref.kind, SourceKind::GitRepository);
    /// assert_eq!(app.spec.timeout()?.as_secs(), 570);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub struct Kustomization {
        spec: KustomizationSpec,
        status: KustomizationStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "Kustomization",
    description: "A path of an artifact whose manifests are applied.",
    group: "kustomize.toolkit.fluxcd.io",
    version: "v1",
    plural: "kustomizations",
    singular: "kustomization",
    short_names: ["ks"],
    categories: ["all", "fluxcd", "fluxcd-appliers"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [
        ("Age", "date", ".metadata.creationTimestamp"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
    ],
}

/// What is wanted of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct KustomizationSpec {
    /// What kustomize writes into the objects about their making.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build_metadata: Vec<BuildMetadataOption>,
    /// Labels and annotations that every object gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Paths of kustomize components that are part of the build.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// How encrypted files are decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decryption: Option<Decryption>,
    /// What becomes of the objects when the Kustomization is deleted; `MirrorPrune` when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Other Kustomizations that must be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// Whether objects are made anew when an immutable field changes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub force: bool,
    /// How the health of kinds is told, in CEL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<CustomHealthCheck>,
    /// The objects whose health is waited for; does not count with `wait`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<NamespacedObjectKindReference>,
    /// Fields whose drift is neither seen nor corrected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
    /// Whether components that the source does not have are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_missing_components: bool,
    /// Other names, tags or digests for container images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// How often the manifests are applied, whether they changed or not.
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: GoDuration,
    /// The cluster that the manifests are applied to, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// What stands before the name of every object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name_prefix: Option<String>,
    /// What stands after the name of every object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name_suffix: Option<String>,
    /// Patches of the objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// The folder with the manifests; the artifact's root when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What is done to the built manifests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_build: Option<PostBuild>,
    /// Whether objects that are no longer in the manifests are deleted.
    pub prune: bool,
    /// How long after a failure it is tried again; the interval when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub retry_interval: Option<GoDuration>,
    /// The ServiceAccount as which the manifests are applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// The source whose artifact holds the manifests.
    pub source_ref: CrossNamespaceSourceReference,
    /// Whether reconciling is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// The namespace of every object, whatever the manifests say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub target_namespace: Option<String>,
    /// How long validating, applying and health checks may take; the interval less half a minute when it
    /// is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub timeout: Option<GoDuration>,
    /// Whether the health of all objects is waited for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wait: bool,
}

impl KustomizationSpec {
    const SHORTEST_TIMEOUT: Duration = Duration::from_secs(30);

    /// Returns how long a reconciliation may take: `timeout`, or the interval less 30 seconds, but 30
    /// seconds at least.
    ///
    /// Source: kustomize-controller `api/v1/kustomization_types.go`, `GetTimeout`.
    ///
    /// # Errors
    /// When the duration that counts cannot be read.
    pub fn timeout(&self) -> Result<Duration, ParseError> {
        let timeout = match &self.timeout {
            Some(timeout) => timeout.get()?,
            None => self.interval.get()?.saturating_sub(Self::SHORTEST_TIMEOUT),
        };
        Ok(timeout.max(Self::SHORTEST_TIMEOUT))
    }

    /// Returns how long after a failure it is tried again: `retryInterval`, or the interval.
    ///
    /// # Errors
    /// When the duration that counts cannot be read.
    pub fn retry_interval(&self) -> Result<Duration, ParseError> {
        self.retry_interval.as_ref().unwrap_or(&self.interval).get()
    }

    /// Returns what becomes of the objects when the Kustomization is deleted.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy
            .clone()
            .filter(|policy| !policy.as_str().is_empty())
            .unwrap_or(DeletionPolicy::MirrorPrune)
    }
}

/// A source whose artifact holds manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct CrossNamespaceSourceReference {
    /// API version of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the source.
    pub kind: SourceKind,
    /// Name of the source.
    pub name: String,
    /// Namespace of the source, by default that of the Kustomization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Prints as Flux names a source in its messages: `GitRepository/app`, or `GitRepository/flux-system/app`.
impl fmt::Display for CrossNamespaceSourceReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_deref() {
            Some(namespace) if !namespace.is_empty() => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            _ => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

wire_enum! {
    /// A kind of source whose artifact can hold manifests.
    pub enum SourceKind {
        /// An OCI repository.
        OciRepository = "OCIRepository",
        /// A Git repository.
        GitRepository = "GitRepository",
        /// A bucket of an object store.
        Bucket = "Bucket",
        /// A source of somebody else.
        ExternalArtifact = "ExternalArtifact",
    }
}

wire_enum! {
    /// What becomes of applied objects when their Kustomization is deleted.
    pub enum DeletionPolicy {
        /// They are deleted when `prune` is true, and stay when it is false.
        MirrorPrune = "MirrorPrune",
        /// They are deleted.
        Delete = "Delete",
        /// They are deleted, and the Kustomization stays until they are gone.
        WaitForTermination = "WaitForTermination",
        /// They stay.
        Orphan = "Orphan",
    }
}

/// What is known of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct KustomizationStatus {
    /// The object's conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// What became of the last reconciliations, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Snapshot>,
    /// The objects that were applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// The origin's revision of what was last applied with success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_origin_revision: Option<String>,
    /// The source's revision of what was last applied with success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// The source's revision of what was last tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// The token of the last reconciliation that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The generation that was last reconciled; -1 on a new object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}
