//! GitRepository: a Git repository whose tree becomes an artifact.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN, TIMEOUT_PATTERN};
use crate::wire_enum::wire_enum;
use crate::{Artifact, GoDuration, LocalObjectReference, annotations};

resource! {
    /// A Git repository whose tree becomes an artifact.
    ///
    /// ```
    /// use gitops_api::source_v1::{GitRepository, GitRepositoryRef, GitRepositorySpec};
    /// use gitops_api::GoDuration;
    ///
    /// let repository = GitRepository::new("fleet", GitRepositorySpec {
    ///     url: "https://example.com/fleet.git".into(),
    ///     interval: GoDuration::from_secs(60),
    ///     reference: Some(GitRepositoryRef { branch: Some("main".into()), ..Default::default() }),
    ///     ..Default::default()
    /// });
    /// let json = serde_json::to_value(&repository)?;
    /// assert_eq!(json["spec"]["interval"], "1m0s");
    /// assert_eq!(json["spec"]["ref"]["branch"], "main");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct GitRepository {
        spec: GitRepositorySpec,
        status: GitRepositoryStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "GitRepository",
    description: "A Git repository whose tree becomes an artifact.",
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    plural: "gitrepositories",
    singular: "gitrepository",
    short_names: ["gitrepo"],
    categories: ["all", "fluxcd", "fluxcd-sources"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [
        ("URL", "string", ".spec.url"),
        ("Age", "date", ".metadata.creationTimestamp"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
    ],
}

/// What is wanted of a Git repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default, extend("x-kubernetes-validations" = [{
    "message": "serviceAccountName can only be set when provider is 'azure' or 'aws'",
    "rule": "!has(self.serviceAccountName) || (has(self.provider) && \
             (self.provider == 'azure' || self.provider == 'aws'))",
}]))]
pub struct GitRepositorySpec {
    /// Rules of files that are left out of the artifact, in the format of `.sourceignore`, instead of the
    /// default ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Other repositories whose artifacts become part of this one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitRepositoryInclude>,
    /// How often the remote is looked at.
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: GoDuration,
    /// Who authenticates; `generic` when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<GitProvider>,
    /// The Secret that says which proxy to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Whether the repository's submodules are part of the artifact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recurse_submodules: bool,
    /// What of the repository is wanted; the branch `master` when it is not set.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitRepositoryRef>,
    /// The Secret with the credentials: `username` and `password`, or `bearerToken`, or `identity` and
    /// `known_hosts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The ServiceAccount that authenticates, for the providers `aws` and `azure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// The folders that become the artifact; everything when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
    /// Whether reconciling is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// How long a Git operation may take; a minute when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIMEOUT_PATTERN), extend("default" = "60s"))]
    pub timeout: Option<GoDuration>,
    /// Address of the repository, http, https or ssh.
    #[schemars(regex(pattern = "^(http|https|ssh)://.*$"))]
    pub url: String,
    /// Which signatures are verified.
    #[serde(rename = "verify", skip_serializing_if = "Option::is_none")]
    pub verification: Option<GitRepositoryVerification>,
}

/// Another repository whose artifact becomes part of this one's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct GitRepositoryInclude {
    /// The path that is copied; the whole artifact when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// The other repository.
    pub repository: LocalObjectReference,
    /// The path that it is copied to; the repository's name when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

impl GitRepositoryInclude {
    /// Returns the path that the artifact is copied to: `toPath`, or the repository's name.
    pub fn target(&self) -> &str {
        self.to_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(&self.repository.name)
    }
}

/// What of a repository is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct GitRepositoryRef {
    /// A branch; `master` when nothing else is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// A commit; comes before all others. With a branch, the commit must be on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The full name of a reference, for example `refs/pull/420/head`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A version constraint on tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// A tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Which signatures are verified, and by which keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct GitRepositoryVerification {
    /// What is verified; `HEAD` when it is not set.
    #[serde(default = "head")]
    pub mode: GitVerificationMode,
    /// The Secret with the trusted keys: entries ending in `.asc` (PGP) and `.sshpub` (SSH).
    pub secret_ref: LocalObjectReference,
}

impl Default for GitRepositoryVerification {
    fn default() -> Self {
        Self { mode: head(), secret_ref: LocalObjectReference::default() }
    }
}

fn head() -> GitVerificationMode {
    GitVerificationMode::Head
}

wire_enum! {
    /// Which objects of a Git repository are verified.
    pub enum GitVerificationMode {
        /// The commit; the old way of writing [`Head`](Self::Head).
        LegacyHead = "head",
        /// The commit.
        Head = "HEAD",
        /// The tag.
        Tag = "Tag",
        /// The tag and the commit.
        TagAndHead = "TagAndHEAD",
    }
}

impl GitVerificationMode {
    /// Returns whether the commit is verified. An unknown mode means the commit, as in Flux.
    pub fn verifies_head(&self) -> bool {
        !matches!(self, Self::Tag)
    }

    /// Returns whether the tag is verified.
    pub fn verifies_tag(&self) -> bool {
        matches!(self, Self::Tag | Self::TagAndHead)
    }
}

wire_enum! {
    /// Who authenticates to a Git server.
    pub enum GitProvider {
        /// The credentials of the Secret.
        Generic = "generic",
        /// AWS CodeCommit by workload identity.
        Aws = "aws",
        /// Azure DevOps by workload identity.
        Azure = "azure",
        /// GitHub by the key of a GitHub App.
        GitHub = "github",
    }
}

/// What is known of a Git repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct GitRepositoryStatus {
    /// The artifact of the last reconciliation that made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The object's conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The artifacts that were included, in the order of `spec.include`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// The token of the last reconciliation that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The generation that was last reconciled; -1 on a new object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The ignore rules that the artifact was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// The includes that the artifact was made with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitRepositoryInclude>,
    /// Whether the artifact was made with submodules.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observed_recurse_submodules: bool,
    /// The folders that the artifact was made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// What was verified of the artifact's commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub source_verification_mode: Option<GitVerificationMode>,
}
