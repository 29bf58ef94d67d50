//! ImageUpdateAutomation: commits that write the latest images into a Git repository.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ImageRef;
use crate::resource::resource;
use crate::schema::{self, INTERVAL_PATTERN};
use crate::source_v1::GitRepositoryRef;
use crate::wire_enum::wire_enum;
use crate::{GoDuration, LocalObjectReference, annotations};

resource! {
    /// Commits that write the latest images into a Git repository.
    pub struct ImageUpdateAutomation {
        spec: ImageUpdateAutomationSpec,
        status: ImageUpdateAutomationStatus,
        status_default: {"observedGeneration": -1},
    }
    kind: "ImageUpdateAutomation",
    description: "Commits that write the latest images into a Git repository.",
    group: "image.toolkit.fluxcd.io",
    version: "v1",
    plural: "imageupdateautomations",
    singular: "imageupdateautomation",
    short_names: ["iua", "imgupd", "imgauto"],
    categories: ["all", "fluxcd", "fluxcd-images"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
        ("Last run", "string", ".status.lastAutomationRunTime", priority 1),
        ("Age", "date", ".metadata.creationTimestamp"),
    ],
}

/// What is wanted of an image update automation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ImageUpdateAutomationSpec {
    /// What is checked out, committed and pushed.
    #[serde(rename = "git", skip_serializing_if = "Option::is_none")]
    pub git_spec: Option<GitSpec>,
    /// How often images are written.
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: GoDuration,
    /// The policies whose images are written; all of the namespace when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub policy_selector: Option<LabelSelector>,
    /// The repository that is written to.
    pub source_ref: AutomationSourceReference,
    /// Whether the automation is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// How images are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = { "strategy": "Setters" }))]
    pub update: Option<UpdateStrategy>,
}

/// What is checked out, committed and pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct GitSpec {
    /// What is checked out; what the GitRepository says when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout: Option<GitCheckoutSpec>,
    /// How it is committed.
    pub commit: CommitSpec,
    /// Where it is pushed to; what was checked out when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<PushSpec>,
}

/// What is checked out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct GitCheckoutSpec {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: GitRepositoryRef,
}

/// How a commit is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct CommitSpec {
    /// Who commits.
    pub author: CommitUser,
    /// A Go template of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_template: Option<String>,
    /// Values for the template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub message_template_values: BTreeMap<String, String>,
    /// The key that signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<SigningKey>,
}

/// Who commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct CommitUser {
    /// Their address.
    pub email: String,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The key that signs commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct SigningKey {
    /// The Secret that holds it, under `git.asc` or `identity`, with its `passphrase` or `password`.
    pub secret_ref: LocalObjectReference,
    /// Its kind; `gpg` when it is not set.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<SigningKeyKind>,
}

wire_enum! {
    /// A kind of key that signs commits.
    pub enum SigningKeyKind {
        /// OpenPGP.
        Gpg = "gpg",
        /// SSH.
        Ssh = "ssh",
    }
}

/// Where commits are pushed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct PushSpec {
    /// A branch; it is made when it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Push options for the server.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// A refspec, for example `refs/heads/main:refs/for/main`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refspec: Option<String>,
}

/// The repository that is written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct AutomationSourceReference {
    /// API version of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the repository.
    #[schemars(extend("default" = "GitRepository"))]
    pub kind: AutomationSourceKind,
    /// Name of the repository.
    pub name: String,
    /// Namespace of the repository, by default that of the automation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl Default for AutomationSourceReference {
    fn default() -> Self {
        Self {
            api_version: None,
            kind: AutomationSourceKind::GitRepository,
            name: String::new(),
            namespace: None,
        }
    }
}

wire_enum! {
    /// A kind of repository that can be written to.
    pub enum AutomationSourceKind {
        /// A Git repository.
        GitRepository = "GitRepository",
    }
}

/// How images are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct UpdateStrategy {
    /// The folder whose files are written; the whole repository when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where in the files.
    #[serde(default = "setters")]
    pub strategy: UpdateStrategyName,
}

impl Default for UpdateStrategy {
    fn default() -> Self {
        Self { path: None, strategy: setters() }
    }
}

fn setters() -> UpdateStrategyName {
    UpdateStrategyName::Setters
}

wire_enum! {
    /// Where in files images are written.
    pub enum UpdateStrategyName {
        /// At the fields with a comment that names a policy.
        Setters = "Setters",
    }
}

/// What is known of an image update automation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ImageUpdateAutomationStatus {
    /// The object's conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// When images were last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_automation_run_time: Option<Time>,
    /// The token of the last reconciliation that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The commit that was last pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_push_commit: Option<String>,
    /// When it was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_push_time: Option<Time>,
    /// The generation that was last reconciled; -1 on a new object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The policies that were last looked at, and their images.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub observed_policies: BTreeMap<String, ImageRef>,
    /// The revision of the repository that was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_source_revision: Option<String>,
}
