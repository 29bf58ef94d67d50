//! The fleet's repository: what the clusters are to run, in Git, served over HTTP to those who know the password.

use gitops_manifest::Object;
use gitops_testkit::{CommitBuilder, GitServer, Repository};
use serde_json::json;

use crate::failure::Failure;

const USERNAME: &str = "git";
const PASSWORD: &str = "quickstart";
const NAME: &str = "fleet-infra";
const BRANCH: &str = "main";

/// Where the manifests of the shop are in the repository.
pub(crate) const SHOP: &str = "apps/shop";

/// The files of the first commit.
const FILES: &[(&str, &str)] = &[
    ("clusters/test/limnocentral/shop.yaml", include_str!("fleet/clusters/test/limnocentral/shop.yaml")),
    ("apps/shop/namespace.yaml", include_str!("fleet/apps/shop/namespace.yaml")),
    ("apps/shop/settings.yaml", include_str!("fleet/apps/shop/settings.yaml")),
    ("apps/shop/coupons.yaml", include_str!("fleet/apps/shop/coupons.yaml")),
    ("apps/shop/web.yaml", include_str!("fleet/apps/shop/web.yaml")),
];

/// A Git server with the fleet's repository.
#[derive(Debug)]
pub(crate) struct Fleet {
    server: GitServer,
    repository: Repository,
}

impl Fleet {
    /// Starts the server, with an empty repository.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let server = GitServer::start().await?;
        server.require_basic(USERNAME, PASSWORD);
        let repository = server.repository(NAME)?;
        Ok(Self { server, repository })
    }

    /// Returns the address of the repository.
    pub(crate) fn url(&self) -> String {
        self.server.url(NAME)
    }

    /// Returns the address with the password in it, for the audience's own `git clone`.
    pub(crate) fn url_to_clone(&self) -> String {
        self.server.url_with_credentials(NAME, USERNAME, PASSWORD)
    }

    /// Returns the Secret that lets the source controller in.
    pub(crate) fn secret(&self) -> Result<Object, Failure> {
        Ok(Object::new(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "flux-system", "namespace": "flux-system"},
            "stringData": {"username": USERNAME, "password": PASSWORD},
        }))?)
    }

    /// Commits all files as they are in the beginning; returns the revision as Flux writes it.
    pub(crate) fn begin(&self) -> Result<String, Failure> {
        self.commit("Begin the fleet", |change| {
            FILES.iter().fold(change, |change, (path, content)| change.file(path, content))
        })
    }

    /// Commits a change; returns the revision as Flux writes it.
    pub(crate) fn commit(
        &self,
        message: &str,
        edit: impl FnOnce(CommitBuilder<'_>) -> CommitBuilder<'_>,
    ) -> Result<String, Failure> {
        let commit = edit(self.repository.change(BRANCH).message(message)).commit()?;
        Ok(format!("{BRANCH}@sha1:{commit}"))
    }

    /// Returns a file as it is now on the branch.
    pub(crate) fn read(&self, path: &str) -> Result<String, Failure> {
        Ok(self.repository.git(&["show", &format!("{BRANCH}:{path}")])?)
    }
}
