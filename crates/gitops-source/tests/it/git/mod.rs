//! Git over http against git's own http-backend.

mod access;
mod checkout;
mod failure;
mod fetch;
mod killed;
mod resolve;

use gitops_source::SourceError;
use gitops_source::git::{Checkout, GitReference, GitRemote, GitStore, Resolved, resolve};
use gitops_testkit::{GitServer, Repository};
use tempfile::TempDir;

/// A server with one repository, and a store to fetch into.
struct World {
    server: GitServer,
    repository: Repository,
    store: GitStore,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let server = GitServer::start().await.unwrap();
        let repository = server.repository("app").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = GitStore::open(folder.path()).unwrap();
        Self { server, repository, store, folder }
    }

    fn remote(&self) -> GitRemote {
        GitRemote::new(self.server.url("app"))
    }

    async fn resolve(&self, reference: &GitReference) -> Result<Resolved, SourceError> {
        resolve(&self.remote(), reference).await
    }

    async fn checkout(&self, reference: &GitReference) -> Result<Checkout, SourceError> {
        let resolved = self.resolve(reference).await?;
        self.store.fetch(&self.remote(), &resolved).await
    }
}
