//! What the API server was asked: its own audit log, the ground truth for "nothing was written".

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::TestkitError;

/// How much of each request the audit log keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditLevel {
    /// No log at all.
    None,
    /// Who, what, which object, which answer.
    #[default]
    Metadata,
    /// That, and the body of the request.
    Request,
    /// That, and the body of the answer.
    RequestResponse,
}

impl AuditLevel {
    pub(crate) fn policy(self) -> String {
        let level = match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        };
        format!(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: {level}\n"
        )
    }
}

/// The audit log of a control plane.
///
/// ```no_run
/// # async fn f(cluster: &gitops_testkit::ControlPlane) -> Result<(), gitops_testkit::TestkitError> {
/// let mark = cluster.audit_mark().await?;
/// // … reconcile something that has not changed …
/// let writes = cluster.audit_since(mark).await?.into_iter().filter(|entry| entry.is_write()).count();
/// assert_eq!(writes, 0);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub(crate) struct AuditLog {
    path: PathBuf,
}

/// A place in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditMark(u64);

impl AuditMark {
    /// Returns the place after this many entries, for a log that is kept in memory.
    pub(crate) fn at(entries: usize) -> Self {
        Self(entries as u64)
    }

    pub(crate) fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// One answered request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditEntry {
    /// The stage: `ResponseComplete`, for watches also `ResponseStarted`.
    pub stage: String,
    /// The verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Path and query as the client sent them.
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    /// The client's name for itself.
    #[serde(default)]
    pub user_agent: String,
    /// Who asked.
    #[serde(default)]
    pub user: AuditUser,
    /// As whom, if impersonating.
    #[serde(default)]
    pub impersonated_user: Option<AuditUser>,
    /// The object asked for.
    #[serde(default)]
    pub object_ref: Option<AuditObject>,
    /// The answer.
    #[serde(default)]
    pub response_status: Option<AuditStatus>,
    /// The body of the request, at [`AuditLevel::Request`] and above.
    #[serde(default)]
    pub request_object: Option<serde_json::Value>,
    /// The body of the answer, at [`AuditLevel::RequestResponse`].
    #[serde(default)]
    pub response_object: Option<serde_json::Value>,
}

/// Who made a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct AuditUser {
    /// The user's name.
    #[serde(default)]
    pub username: String,
    /// The user's groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What a request was about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditObject {
    /// The plural, as in the path: `configmaps`.
    #[serde(default)]
    pub resource: String,
    /// The namespace, empty for cluster-scoped objects.
    #[serde(default)]
    pub namespace: String,
    /// The name, empty for lists and for creates of a generated name.
    #[serde(default)]
    pub name: String,
    /// The API group, empty for the core group.
    #[serde(default)]
    pub api_group: String,
    /// The API version.
    #[serde(default)]
    pub api_version: String,
    /// The subresource, such as `status`.
    #[serde(default)]
    pub subresource: String,
}

/// How a request was answered.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct AuditStatus {
    /// The HTTP status code.
    #[serde(default)]
    pub code: u16,
}

impl AuditEntry {
    /// Returns whether the request asked for a dry run.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.request_uri.split(['?', '&']).skip(1).any(|pair| pair.starts_with("dryRun="))
    }

    /// Returns whether the request was meant to change something: a writing verb, and no dry run.
    ///
    /// Reviews of access (`subjectaccessreviews` and the like) are creates that change nothing, so they do not count.
    #[must_use]
    pub fn is_write(&self) -> bool {
        let writes =
            matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection");
        let review = self.object_ref.as_ref().is_some_and(|object| object.resource.ends_with("reviews"));
        writes && !review && !self.is_dry_run()
    }

    /// Returns whether the request was about something in `namespace`, or about that namespace itself.
    #[must_use]
    pub fn is_in(&self, namespace: &str) -> bool {
        self.object_ref.as_ref().is_some_and(|object| object.namespace == namespace)
    }
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn end(&self) -> Result<AuditMark, TestkitError> {
        let length = std::fs::metadata(&self.path).map_err(TestkitError::io("reading the audit log"))?.len();
        Ok(AuditMark(length))
    }

    /// Returns the complete lines after `mark`; a line that is being written is left for later.
    pub(crate) fn read(&self, mark: AuditMark) -> Result<Vec<AuditEntry>, TestkitError> {
        let io = || TestkitError::io("reading the audit log");
        let mut file = std::fs::File::open(&self.path).map_err(io())?;
        file.seek(SeekFrom::Start(mark.0)).map_err(io())?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(io())?;
        Ok(text
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| line.ends_with(b"\n"))
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dry_runs_and_reviews_are_no_writes() {
        let check = |verb: &str, uri: &str, resource: &str, want: bool| {
            let entry: AuditEntry = serde_json::from_value(serde_json::json!({
                "stage": "ResponseComplete", "verb": verb, "requestURI": uri, "objectRef": {"resource": resource},
            }))
            .unwrap();
            assert_eq!(entry.is_write(), want, "{verb} {uri} {resource}");
        };
        check("patch", "/api/v1/namespaces/a/configmaps/b?fieldManager=x", "configmaps", true);
        check("patch", "/api/v1/namespaces/a/configmaps/b?dryRun=All&fieldManager=x", "configmaps", false);
        check("patch", "/api/v1/namespaces/a/configmaps/b?fieldManager=x&dryRun=All", "configmaps", false);
        check(
            "create",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            "selfsubjectaccessreviews",
            false,
        );
        check("delete", "/api/v1/namespaces/a", "namespaces", true);
        check("watch", "/api/v1/pods", "pods", false);
    }
}
