//! The short way from a Git repository to files, for programs that serve no kind: resolve, fetch, pack, store, unpack.

use std::path::Path;
use std::sync::Arc;

use gitops_api::{Artifact, Revision};
use sha2::{Digest as _, Sha256};

use crate::SourceError;
use crate::artifact::{
    ArtifactOwner, ArtifactStore, Draft, Limits, Links, LocalStore, StoreOptions, Unpacked, Verification,
    unpack,
};
use crate::git::{GitAuth, GitReference, GitRemote, GitStore, resolve};
use crate::ignore::IgnoreRules;

/// A folder with what was fetched: Git's objects under `git`, artifacts under `artifacts`. Cheap to clone.
///
/// One process may use a folder at a time.
#[derive(Clone, Debug)]
pub struct SourceStore {
    git: GitStore,
    artifacts: Arc<LocalStore>,
}

/// A Git repository of which some reference is wanted.
///
/// # Examples
/// ```no_run
/// # async fn example() -> Result<(), gitops_source::SourceError> {
/// use gitops_manifest::FileTree;
/// use gitops_source::{GitSource, SourceStore};
///
/// let store = SourceStore::open("/var/lib/my-operator")?;
/// let artifact = GitSource::new("https://example.com/fleet.git").branch("main").fetch(&store).await?;
/// println!("{}", artifact.revision());
/// let files = artifact.unpack()?;
/// let bytes = files.read("clusters/prod/kustomization.yaml")?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is fetched before `fetch`"]
pub struct GitSource {
    remote: GitRemote,
    reference: GitReference,
}

/// An artifact in its store.
#[derive(Clone, Debug)]
pub struct StoredArtifact {
    artifact: Artifact,
    store: SourceStore,
}

impl SourceStore {
    /// Opens the store in a folder, which is made when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, SourceError> {
        let folder = folder.as_ref();
        // Nothing is served from here, so the address is never used.
        let artifacts = LocalStore::new(folder.join("artifacts"), "localhost", StoreOptions::default())?;
        Ok(Self { git: GitStore::open(folder.join("git"))?, artifacts: Arc::new(artifacts) })
    }
}

impl GitSource {
    /// Returns the repository at an http or https address, asked without credentials for its branch `master`.
    pub fn new(url: impl Into<String>) -> Self {
        Self::at(GitRemote::new(url))
    }

    /// Returns the repository of a remote with credentials, certificates or a proxy.
    pub fn at(remote: GitRemote) -> Self {
        Self { remote, reference: GitReference::default() }
    }

    /// Asks with credentials.
    pub fn auth(self, auth: GitAuth) -> Self {
        Self { remote: self.remote.with_auth(auth), ..self }
    }

    /// Wants the tip of a branch.
    pub fn branch(self, name: impl Into<String>) -> Self {
        self.reference(GitReference::branch(name))
    }

    /// Wants a tag, a range of versions, a commit or whatever else a reference can say.
    pub fn reference(self, reference: GitReference) -> Self {
        Self { reference, ..self }
    }

    /// Resolves the reference, fetches what is new of its commit, and stores the commit's files as an artifact.
    ///
    /// Files that `.sourceignore` or Flux's own list excludes are left out. Equal files become equal bytes, and so an
    /// equal digest.
    ///
    /// # Errors
    /// Those of [`resolve`], of [`GitStore::fetch`] and of [`ArtifactStore::publish`]; what was stored before stays.
    pub async fn fetch(&self, store: &SourceStore) -> Result<StoredArtifact, SourceError> {
        let resolved = resolve(&self.remote, &self.reference).await?;
        let checkout = store.git.fetch(&self.remote, &resolved).await?;
        let draft = Draft {
            owner: ArtifactOwner::new("GitRepository", "sources", &key(&self.remote))?,
            file_name: format!("{}.tar.gz", resolved.commit()),
            revision: resolved.revision().clone(),
            metadata: Default::default(),
        };
        let artifacts = Arc::clone(&store.artifacts);
        let published = tokio::task::spawn_blocking(move || {
            let artifact = artifacts.publish(&draft, &checkout, &IgnoreRules::for_tree(&checkout, None)?)?;
            artifacts.collect_garbage(&draft.owner, &[&artifact])?;
            Ok::<_, SourceError>(artifact)
        });
        let artifact = match published.await {
            Ok(published) => published?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        Ok(StoredArtifact { artifact, store: store.clone() })
    }
}

impl StoredArtifact {
    /// Returns what was stored: revision, digest, size.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Returns the revision, such as `main@sha1:…`.
    #[must_use]
    pub fn revision(&self) -> &Revision {
        &self.artifact.revision
    }

    /// Unpacks the files into memory; their digest is checked before.
    ///
    /// # Errors
    /// [`SourceError::DigestMismatch`] when the stored file is not what was stored, [`SourceError::Storage`] when it is
    /// gone or cannot be read, [`SourceError::Archive`] when it is over a limit.
    pub fn unpack(&self) -> Result<Unpacked, SourceError> {
        let (store, artifact) = (&self.store.artifacts, &self.artifact);
        if let Verification::Mismatch { found } = store.verify(artifact)? {
            let reason = |error| SourceError::DigestRefused { reason: format!("{error}") };
            return Err(SourceError::DigestMismatch {
                wanted: artifact.parse_digest().map_err(reason)?,
                found,
            });
        }
        unpack(store.open(artifact)?, &Limits::default(), Links::Refuse)
    }
}

/// Returns the folder of a remote's artifacts. Credentials are no part of it.
fn key(remote: &GitRemote) -> String {
    let hash = Sha256::digest(remote.address().as_bytes());
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
