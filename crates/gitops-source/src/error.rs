//! The one error of this crate.

use gitops_api::{Failure, reasons};

use crate::artifact::ArchiveFault;
use crate::git::{RemoteAction, RemoteFailure};

/// Whatever a library said, kept as the source of an error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an origin could not become an artifact.
///
/// The texts of the Git variants are those that Flux prints after its own prefix ("failed to checkout and
/// determine revision: "), so that conditions and events read as users know them, but never with the user or
/// password of an address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The address of a Git repository cannot be used.
    #[error("cannot parse url '{url}': {reason}")]
    GitUrl {
        /// The address, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificates, keys, proxy or credentials of a Git repository cannot be used.
    #[error("unable to configure access to '{url}': {reason}")]
    GitAccess {
        /// The repository's address, without credentials.
        url: String,
        /// What cannot be used.
        reason: &'static str,
        /// What the library said.
        source: Option<Cause>,
    },
    /// The remote repository could not be reached, refused, or lacks what was asked for.
    #[error("{action} '{url}': {failure}")]
    GitRemote {
        /// What was being done.
        action: RemoteAction,
        /// The repository's address, without credentials.
        url: String,
        /// What the remote said, or why it said nothing.
        failure: RemoteFailure,
    },
    /// The repository of a branch has no commit at all.
    #[error("git repository is empty")]
    GitEmpty {
        /// The repository's address, without credentials.
        url: String,
    },
    /// The repository of a tag, a range or a commit has no commit at all.
    #[error("unable to clone: remote repository is empty: git repository: '{url}'")]
    GitEmptyForReference {
        /// The repository's address, without credentials.
        url: String,
    },
    /// A reference given by its full name does not exist.
    #[error("unable to resolve ref '{name}' to a specific commit")]
    GitNoReference {
        /// The reference's full name.
        name: String,
    },
    /// A reference's name cannot be one.
    #[error("ref {name} is invalid; Git refs cannot begin or end with a slash '/'")]
    GitReferenceName {
        /// The name as it was given.
        name: String,
    },
    /// The repository does not have the commit.
    #[error("unable to resolve commit object for '{commit}': object not found")]
    GitNoCommit {
        /// The commit as it was given.
        commit: String,
    },
    /// A range of versions cannot be read.
    #[error("semver parse error: {reason}")]
    GitRange {
        /// What is wrong with it.
        reason: String,
    },
    /// No tag lies inside the range.
    #[error("no match found for semver: {range}")]
    GitNoMatch {
        /// The range as it was given.
        range: String,
    },
    /// The local object store failed; it heals itself at the next fetch.
    #[error("git object store of '{url}': {stage} failed")]
    GitStore {
        /// The repository's address, without credentials.
        url: String,
        /// What was being done.
        stage: &'static str,
        /// What the system or the library said.
        source: Cause,
    },
    /// A tree that was to be packed cannot be read.
    #[error(transparent)]
    Tree(#[from] gitops_manifest::TreeError),
    /// An archive is not acceptable.
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    /// A link that was to be followed leads out of the root.
    #[error("symlink or directory '{path}' resolves outside of the root")]
    LinkOutside {
        /// The link, not its target.
        path: String,
    },
    /// Reading or writing files failed.
    #[error("{stage} '{path}' failed")]
    Storage {
        /// What was being done.
        stage: &'static str,
        /// The file or directory.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text that is to be one name of a path is not.
    #[error("{what} {text:?} cannot be the name of a file or directory")]
    StorageName {
        /// What the text is.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// The artifact server stopped.
    #[error("artifact server failed")]
    Serve {
        /// What the system said.
        source: std::io::Error,
    },
    /// An artifact's file is not there, or not any more.
    #[error("artifact '{url}' not found")]
    FetchNotFound {
        /// The artifact's address.
        url: String,
    },
    /// An artifact cannot be downloaded.
    #[error("failed to download archive from '{url}': {reason}")]
    Fetch {
        /// The artifact's address.
        url: String,
        /// Why.
        reason: String,
        /// What the library said.
        source: Option<Cause>,
    },
    /// An artifact has no digest that could be compared.
    #[error("failed to verify archive: {reason}")]
    DigestRefused {
        /// Why.
        reason: String,
    },
    /// An artifact's bytes have another digest than it says.
    #[error("failed to verify archive: computed digest doesn't match provided '{wanted}'")]
    DigestMismatch {
        /// The digest that the artifact says.
        wanted: gitops_api::Digest,
        /// The digest of the bytes.
        found: gitops_api::Digest,
    },
}

impl SourceError {
    /// Names the file that was being written where that is not known yet.
    pub(crate) fn at(self, place: &std::path::Path) -> Self {
        match self {
            Self::Storage { stage, path, source } if path.is_empty() => {
                Self::Storage { stage, path: place.display().to_string(), source }
            }
            other => other,
        }
    }
}

impl Failure for SourceError {
    fn reason(&self) -> &str {
        match self {
            Self::GitAccess { .. } => reasons::AUTHENTICATION_FAILED,
            Self::GitEmpty { .. } => reasons::EMPTY_GIT_REPOSITORY,
            Self::GitUrl { .. }
            | Self::GitRemote { .. }
            | Self::GitEmptyForReference { .. }
            | Self::GitNoReference { .. }
            | Self::GitReferenceName { .. }
            | Self::GitNoCommit { .. }
            | Self::GitRange { .. }
            | Self::GitNoMatch { .. }
            | Self::GitStore { .. } => reasons::GIT_OPERATION_FAILED,
            Self::StorageName { .. } => reasons::INVALID_PATH,
            Self::Tree(_)
            | Self::Archive(_)
            | Self::LinkOutside { .. }
            | Self::Storage { .. }
            | Self::Serve { .. } => reasons::ARCHIVE_OPERATION_FAILED,
            Self::FetchNotFound { .. }
            | Self::Fetch { .. }
            | Self::DigestRefused { .. }
            | Self::DigestMismatch { .. } => reasons::ARTIFACT_FAILED,
        }
    }
}
