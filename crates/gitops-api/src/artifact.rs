//! Artifacts: what a source hands on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, ParseError, Revision};

/// The output of a source: an archive, where it can be fetched, and what it was made from.
///
/// Source: fluxcd/pkg `apis/meta/artifact.go`.
///
/// ```
/// use gitops_api::Artifact;
///
/// let artifact: Artifact = serde_json::from_str(r#"{
///     "path": "gitrepository/default/app/5394cb7.tar.gz",
///     "url": "http://source/gitrepository/default/app/5394cb7.tar.gz",
///     "revision": "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738",
///     "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
///     "lastUpdateTime": "2026-01-02T03:04:05Z"
/// }"#)?;
/// assert_eq!(artifact.revision.reference(), Some("main"));
/// assert!(artifact.parse_digest().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct Artifact {
    /// Digest of the file, `<algorithm>:<checksum>`.
    #[schemars(regex(pattern = r"^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"))]
    pub digest: String,
    /// When the artifact last changed.
    pub last_update_time: Time,
    /// What the origin says about it, for example the annotations of an OCI manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Path of the file in the artifact storage.
    pub path: String,
    /// The origin's state that the artifact was made from.
    pub revision: Revision,
    /// Size of the file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// HTTP address of the file.
    pub url: String,
}

impl Artifact {
    /// Returns the digest as a value.
    ///
    /// # Errors
    /// When its text is no digest of a known algorithm.
    pub fn parse_digest(&self) -> Result<Digest, ParseError> {
        self.digest.parse()
    }

    /// Returns whether the artifact was made from this revision, by comparing texts as Flux does.
    pub fn has_revision(&self, revision: &Revision) -> bool {
        self.revision == *revision
    }

    /// Returns whether the artifact's file has this digest.
    pub fn has_digest(&self, digest: &Digest) -> bool {
        self.parse_digest().as_ref() == Ok(digest)
    }
}

impl Default for Artifact {
    fn default() -> Self {
        Self {
            digest: String::new(),
            last_update_time: Time(Timestamp::UNIX_EPOCH),
            metadata: BTreeMap::new(),
            path: String::new(),
            revision: Revision::default(),
            size: None,
            url: String::new(),
        }
    }
}
