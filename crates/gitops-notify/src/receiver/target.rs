//! What a webhook asks to reconcile.

use std::collections::BTreeMap;
use std::fmt;

use gitops_api::notification_v1::ReceiverResource;
use serde_json::{Value, json};

use crate::NotifyError;
use crate::ObjectKey;

/// Objects that a receiver asks to reconcile: one entry of its `resources`, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Their API version.
    pub api_version: String,
    /// Their kind.
    pub kind: String,
    /// Their namespace.
    pub namespace: String,
    /// Which of them.
    pub selection: Selection,
}

/// Which objects of a kind and namespace are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// The one of this name.
    Name(String),
    /// Those that have all of these labels; there is at least one.
    Labels(BTreeMap<String, String>),
}

/// An object that a target found: its metadata as the API server has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The object's namespace and name.
    pub key: ObjectKey,
    /// The object's `metadata`, for filters.
    pub metadata: Value,
}

/// One object that is to be asked: whoever carries it out sets the annotation `reconcile.fluxcd.io/requestedAt` to
/// `requested_at` with a merge patch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trigger {
    /// The object's API version.
    pub api_version: String,
    /// The object's kind.
    pub kind: String,
    /// The object's namespace and name.
    pub key: ObjectKey,
    /// The request: a token that differs from the one before. All objects of one webhook get the same.
    pub requested_at: String,
}

impl Trigger {
    /// Returns the merge patch that carries it out.
    #[must_use]
    pub fn patch(&self) -> Value {
        json!({"metadata": {"annotations": {gitops_api::annotations::REQUESTED_AT: self.requested_at}}})
    }
}

impl Target {
    /// Reads a resource of a receiver that lies in `namespace`.
    ///
    /// Source: notification-controller `internal/server/receiver_handlers.go`.
    ///
    /// # Errors
    /// [`NotifyError::Resource`] when the API version is neither given nor known, when a star comes without labels, and when
    /// the resource lies in another namespace while those are ruled out.
    pub fn new(
        resource: &ReceiverResource,
        namespace: &str,
        no_cross_namespace: bool,
    ) -> Result<Self, NotifyError> {
        let named = resource.namespace.as_deref().filter(|text| !text.is_empty()).unwrap_or(namespace);
        let kind = resource.kind.as_str();
        let refused = |reason: String| NotifyError::Resource {
            resource: format!("{kind}/{named}/{}", resource.name),
            reason,
            source: None,
        };
        let given = resource.api_version.as_deref().filter(|text| !text.is_empty());
        let api_version = given.or_else(|| default_api_version(kind)).ok_or_else(|| {
            refused(format!("apiVersion must be specified, kind '{kind}' can not be inferred"))
        })?;
        if no_cross_namespace && named != namespace {
            return Err(refused("cross-namespace references have been blocked".to_owned()));
        }
        let selection = match resource.name.as_str() {
            "*" if resource.match_labels.is_empty() => {
                let why = "matchLabels field not set when using wildcard '*' as name";
                return Err(refused(why.to_owned()));
            }
            "*" => Selection::Labels(resource.match_labels.clone()),
            "" => return Err(refused("name is empty".to_owned())),
            name => Selection::Name(name.to_owned()),
        };
        let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
        Ok(Self { api_version, kind, namespace: named.to_owned(), selection })
    }

    pub(super) fn trigger(&self, candidate: &Candidate, requested_at: &str) -> Trigger {
        Trigger {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            key: candidate.key.clone(),
            requested_at: requested_at.to_owned(),
        }
    }

    /// Returns a candidate as filters see it.
    pub(super) fn filtered(&self, candidate: &Candidate) -> Value {
        json!({"apiVersion": self.api_version, "kind": self.kind, "metadata": candidate.metadata})
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.selection {
            Selection::Name(name) => name,
            Selection::Labels(_) => "*",
        };
        write!(f, "{}/{}/{name}", self.kind, self.namespace)
    }
}

/// Returns the API version of a kind for which Flux's receivers know one.
fn default_api_version(kind: &str) -> Option<&'static str> {
    match kind {
        "Bucket" | "HelmChart" | "HelmRepository" | "GitRepository" | "OCIRepository" => {
            Some("source.toolkit.fluxcd.io/v1")
        }
        "ImageRepository" => Some("image.toolkit.fluxcd.io/v1"),
        "ArtifactGenerator" => Some("source.extensions.fluxcd.io/v1beta1"),
        _ => None,
    }
}
