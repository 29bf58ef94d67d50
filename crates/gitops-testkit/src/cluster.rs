//! The cluster of a test, whichever it is: the sandbox in this process, or a real control plane.
//!
//! # Flow
//! [`choice`] alone decides which of the two a run has. Tests ask for a cluster and cannot tell which they got: the
//! way in, the users, the log of what was asked and the outages are the same. What only one of them can have stands
//! in [`Lacks`], with its reason.

mod api_server;
mod builder;
pub(crate) mod choice;
pub(crate) mod lacks;
mod requests;
mod sandbox;

use std::path::Path;
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use tokio::sync::OnceCell;

pub use self::api_server::ApiServer;
pub use self::builder::ClusterBuilder;
use self::sandbox::SandboxCluster;
use crate::door::{ADMIN, Door};
use crate::{AuditEntry, AuditMark, ControlPlane, PodSimulator, TestkitError};

/// A running cluster; dropped, it ends.
///
/// ```no_run
/// # async fn a_test() {
/// use gitops_testkit::require_cluster;
///
/// let Some(cluster) = require_cluster().await else { return };
/// let namespace = cluster.namespace().await.unwrap();
/// let client = cluster.client().unwrap();
/// # }
/// ```
#[derive(Debug)]
pub struct Cluster(Backing);

#[derive(Debug)]
enum Backing {
    Assets(Box<ControlPlane>),
    Sandbox(SandboxCluster),
}

// Statics are never dropped: real servers end because the process does, and the pipe to their supervisors with it.
static SHARED: OnceCell<Arc<Cluster>> = OnceCell::const_new();
static BARE: OnceCell<Arc<Cluster>> = OnceCell::const_new();

impl Cluster {
    /// Returns a builder with the defaults: no controllers, users `admin` and `guest`.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// Returns the cluster that all tests of this process share, with controllers.
    ///
    /// The first caller starts it. It belongs to the process and not to the first test's runtime; clients are made
    /// per test. A test that stops servers starts one of its own instead.
    ///
    /// # Errors
    /// Those of [`ClusterBuilder::start`].
    pub async fn shared() -> Result<Arc<Self>, TestkitError> {
        let start = async || Self::builder().with_controllers().start().await.map(Arc::new);
        SHARED.get_or_try_init(start).await.cloned()
    }

    /// Does as [`Cluster::shared`], without controllers: nothing but the tests changes an object, and a deleted
    /// namespace stays `Terminating`. It is another cluster than that of [`Cluster::shared`].
    ///
    /// # Errors
    /// Those of [`ClusterBuilder::start`].
    pub async fn shared_bare() -> Result<Arc<Self>, TestkitError> {
        BARE.get_or_try_init(async || Self::builder().start().await.map(Arc::new)).await.cloned()
    }

    /// Returns a new client of the user who may do everything; it belongs to the caller's runtime.
    ///
    /// # Errors
    /// When no client can be made of the configuration.
    pub fn client(&self) -> Result<kube::Client, TestkitError> {
        self.client_as(ADMIN)
    }

    /// Returns a new client of another user of the builder, or of `guest`, who has no rights.
    ///
    /// # Errors
    /// [`TestkitError::UnknownUser`].
    pub fn client_as(&self, user: &str) -> Result<kube::Client, TestkitError> {
        self.door().client_as(user)
    }

    /// Returns the configuration of the user who may do everything.
    ///
    /// # Errors
    /// None that is known.
    pub fn config(&self) -> Result<kube::Config, TestkitError> {
        self.config_as(ADMIN)
    }

    /// Returns the configuration of a user. The client's own retries are off, so that tests see what happens.
    ///
    /// # Errors
    /// [`TestkitError::UnknownUser`].
    pub fn config_as(&self, user: &str) -> Result<kube::Config, TestkitError> {
        self.door().config_as(user)
    }

    /// Returns the address of the API server, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.door().url()
    }

    /// Returns the kubeconfig file of the user who may do everything.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        self.door().kubeconfig()
    }

    /// Returns the kubeconfig file of a user.
    #[must_use]
    pub fn kubeconfig_as(&self, user: &str) -> Option<&Path> {
        self.door().kubeconfig_as(user)
    }

    /// Creates a namespace that no other test of this process has, and returns its name.
    ///
    /// It need not be deleted: it goes with the cluster.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn namespace(&self) -> Result<String, TestkitError> {
        self.door().namespace().await
    }

    /// Applies definitions and waits until the API server serves them; several tests may do so at once.
    ///
    /// # Errors
    /// When one is refused, or is not established within a minute.
    pub async fn install(&self, definitions: &[CustomResourceDefinition]) -> Result<(), TestkitError> {
        self.door().install(definitions).await
    }

    /// Returns the API server, which can go away and come back.
    #[must_use]
    pub fn api_server(&self) -> ApiServer<'_> {
        match &self.0 {
            Backing::Assets(plane) => ApiServer::of_assets(plane.api_server()),
            Backing::Sandbox(sandbox) => ApiServer::of_sandbox(sandbox),
        }
    }

    /// Plays the kubelets for the Pods of a namespace, as long as the value lives; without it no Pod runs.
    ///
    /// Must be called in a tokio runtime, and lives in it.
    #[must_use = "dropped, it stops"]
    pub fn simulate_pods(&self, namespace: &str) -> PodSimulator {
        PodSimulator::start(self.admin(), namespace)
    }

    /// Does as [`Cluster::simulate_pods`] for all namespaces, those that come later included.
    #[must_use = "dropped, it stops"]
    pub fn simulate_all_pods(&self) -> PodSimulator {
        PodSimulator::start_everywhere(self.admin())
    }

    fn admin(&self) -> kube::Client {
        self.client().expect("because every cluster has this user")
    }

    /// Returns a place in the log of requests after all that have been answered so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn audit_mark(&self) -> Result<AuditMark, TestkitError> {
        match &self.0 {
            Backing::Assets(plane) => plane.audit_mark().await,
            Backing::Sandbox(sandbox) => Ok(sandbox.log().end()),
        }
    }

    /// Returns what was asked since `mark`, oldest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn audit_since(&self, mark: AuditMark) -> Result<Vec<AuditEntry>, TestkitError> {
        match &self.0 {
            Backing::Assets(plane) => plane.audit_since(mark).await,
            Backing::Sandbox(sandbox) => Ok(sandbox.log().since(mark)),
        }
    }

    fn door(&self) -> &Door {
        match &self.0 {
            Backing::Assets(plane) => plane.door(),
            Backing::Sandbox(sandbox) => sandbox.door(),
        }
    }
}
