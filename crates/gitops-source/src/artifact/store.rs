//! What a controller needs from an artifact store, wherever it keeps its files.

use std::collections::BTreeMap;
use std::io::Read;

use gitops_api::{Artifact, Digest, Revision};
use gitops_manifest::FileTree;

use crate::SourceError;
use crate::ignore::IgnoreRules;

/// Whose artifacts: the kind, namespace and name of an object. Each part is a name of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactOwner {
    kind: String,
    namespace: String,
    name: String,
}

impl ArtifactOwner {
    /// Returns the owner; the kind is written in lower case.
    ///
    /// # Errors
    /// When a part is empty, starts with a dot, or holds a slash, a backslash or a control character.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Result<Self, SourceError> {
        Ok(Self {
            kind: path_element("kind", &kind.to_lowercase())?,
            namespace: path_element("namespace", namespace)?,
            name: path_element("name", name)?,
        })
    }

    /// Returns the directory of the owner's artifacts, `<kind>/<namespace>/<name>`.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// Refuses what would not be one element of a path, or one that a store keeps for itself.
pub(super) fn path_element(what: &'static str, text: &str) -> Result<String, SourceError> {
    let bad = |c: char| matches!(c, '/' | '\\') || c.is_control();
    if text.is_empty() || text.starts_with('.') || text.contains(bad) || text.len() > 255 {
        return Err(SourceError::StorageName { what, text: text.to_owned() });
    }
    Ok(text.to_owned())
}

/// What is to be published.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Whose artifact it is.
    pub owner: ArtifactOwner,
    /// The file's name, for example `<commit id>.tar.gz`.
    pub file_name: String,
    /// The origin's state that the artifact is made from.
    pub revision: Revision,
    /// What the origin says about it.
    pub metadata: BTreeMap<String, String>,
}

/// Whether a stored file is still what was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// The file has the digest that the artifact says.
    Verified,
    /// The file has another digest: it is to be made again.
    Mismatch {
        /// The digest that it has.
        found: Digest,
    },
    /// There is no file: it is to be made again.
    Missing,
}

impl Verification {
    /// Returns whether the file is what was published.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified)
    }
}

/// A place that keeps artifacts and has an address for each.
///
/// All methods may block; controllers call them where that is allowed (`tokio::task::spawn_blocking`).
///
/// # Guarantees
/// - A file appears under its name whole or not at all, and what was published survives a crash.
/// - A failed [`publish`](ArtifactStore::publish) leaves the file that was there before.
/// - [`collect_garbage`](ArtifactStore::collect_garbage) never removes a file that is advertised.
pub trait ArtifactStore: Send + Sync {
    /// Packs a tree, stores the archive and returns the artifact.
    ///
    /// # Errors
    /// When the tree cannot be read or the archive not be stored.
    fn publish(
        &self,
        draft: &Draft,
        tree: &dyn FileTree,
        rules: &IgnoreRules,
    ) -> Result<Artifact, SourceError>;

    /// Reads the stored file of an artifact again and compares its digest.
    ///
    /// # Errors
    /// When the artifact's path or digest cannot be read, or reading the file fails.
    fn verify(&self, artifact: &Artifact) -> Result<Verification, SourceError>;

    /// Opens the stored file of an artifact; nothing is verified.
    ///
    /// # Errors
    /// When there is no such file.
    fn open(&self, artifact: &Artifact) -> Result<Box<dyn Read + Send>, SourceError>;

    /// Removes the owner's files that are older than the retention says or more than it keeps, but never those of
    /// `advertised`, and returns the paths of what it removed.
    ///
    /// # Errors
    /// When the files cannot be listed or removed.
    fn collect_garbage(
        &self,
        owner: &ArtifactOwner,
        advertised: &[&Artifact],
    ) -> Result<Vec<String>, SourceError>;

    /// Removes all files of an owner that is gone; returns whether there were any.
    ///
    /// # Errors
    /// When the files cannot be removed.
    fn remove_all(&self, owner: &ArtifactOwner) -> Result<bool, SourceError>;

    /// Returns the artifact with the address that this store advertises now, in case that changed.
    fn readdressed(&self, artifact: Artifact) -> Artifact;
}
