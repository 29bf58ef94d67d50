//! A real Kubernetes control plane on loopback: etcd, kube-apiserver and, if wanted, kube-controller-manager.
//!
//! # Flow
//! Keys and settings are written into a temporary folder; etcd starts on free ports, then the API server, then the
//! controller-manager; each is waited for. About four seconds on two cores.
//!
//! # Guarantees
//! TLS with an authority of its own, RBAC on, an audit log. Nothing outlives the process that started it, however
//! that ends (see `supervise`), and the folder is removed with it.

pub(crate) mod assets;
pub(crate) mod audit;
mod builder;
mod files;
mod flags;
pub(crate) mod server;

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::audit::{AuditEntry, AuditLog, AuditMark};
pub use self::builder::ControlPlaneBuilder;
use self::server::Server;
use crate::TestkitError;
use crate::door::{ADMIN, Door};
use crate::supervise::Folder;

/// A running control plane; dropped, it ends.
///
/// ```no_run
/// # async fn f() -> Result<(), gitops_testkit::TestkitError> {
/// use gitops_testkit::ControlPlane;
///
/// let cluster = ControlPlane::builder().with_controller_manager().start().await?;
/// let namespace = cluster.namespace().await?;
/// let client = cluster.client()?;
/// cluster.api_server().restart().await?;
/// println!("kubectl --kubeconfig {}", cluster.kubeconfig().display());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ControlPlane {
    // Declared in the order in which they are to end: users of a server before the server, the folder last.
    controller_manager: Option<Server>,
    api_server: Server,
    etcd: Server,
    audit: Option<AuditLog>,
    door: Door,
    folder: Folder,
}

impl ControlPlane {
    /// Returns a builder with the defaults: no controller-manager, audit level Metadata, users `admin` and `guest`.
    pub fn builder() -> ControlPlaneBuilder {
        ControlPlaneBuilder::default()
    }

    /// Returns a new client of the user who may do everything; it belongs to the caller's runtime.
    ///
    /// # Errors
    /// When no client can be made of the configuration.
    pub fn client(&self) -> Result<kube::Client, TestkitError> {
        self.door.client_as(ADMIN)
    }

    /// Returns the configuration of the user who may do everything.
    ///
    /// # Errors
    /// None that is known.
    pub fn config(&self) -> Result<kube::Config, TestkitError> {
        self.door.config_as(ADMIN)
    }

    /// Returns the configuration of a user. The client's own retries are off, so that tests see what happens.
    ///
    /// # Errors
    /// [`TestkitError::UnknownUser`].
    pub fn config_as(&self, user: &str) -> Result<kube::Config, TestkitError> {
        self.door.config_as(user)
    }

    /// Returns the address of the API server, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.door.url()
    }

    /// Returns the kubeconfig file of the user who may do everything.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        self.door.kubeconfig()
    }

    /// Returns the kubeconfig file of a user.
    #[must_use]
    pub fn kubeconfig_as(&self, user: &str) -> Option<&Path> {
        self.door.kubeconfig_as(user)
    }

    /// Creates a namespace that no other test of this process has, and returns its name.
    ///
    /// It need not be deleted: it goes with the server.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn namespace(&self) -> Result<String, TestkitError> {
        self.door.namespace().await
    }

    pub(crate) fn door(&self) -> &Door {
        &self.door
    }

    /// Returns etcd.
    pub fn etcd(&self) -> &Server {
        &self.etcd
    }

    /// Returns the API server.
    pub fn api_server(&self) -> &Server {
        &self.api_server
    }

    /// Returns the controller-manager, if there is one.
    pub fn controller_manager(&self) -> Option<&Server> {
        self.controller_manager.as_ref()
    }

    /// Returns the folder of its data and logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the audit log's file, unless the level is None.
    #[must_use]
    pub fn audit_log(&self) -> Option<&Path> {
        self.audit.as_ref().map(AuditLog::path)
    }

    /// Returns a place in the audit log after all requests that have been answered so far.
    ///
    /// # Errors
    /// When there is no audit log, or it cannot be read.
    pub async fn audit_mark(&self) -> Result<AuditMark, TestkitError> {
        self.settle_audit().await?;
        self.audit()?.end()
    }

    /// Returns what was asked since `mark`, those requests excepted that this crate made to learn it.
    ///
    /// # Errors
    /// When there is no audit log, or it cannot be read.
    pub async fn audit_since(&self, mark: AuditMark) -> Result<Vec<AuditEntry>, TestkitError> {
        self.settle_audit().await?;
        let entries = self.audit()?.read(mark)?;
        Ok(entries.into_iter().filter(|entry| !entry.request_uri.contains(BARRIER)).collect())
    }

    fn audit(&self) -> Result<&AuditLog, TestkitError> {
        let off = || std::io::Error::other("the audit level is None");
        self.audit.as_ref().ok_or_else(off).map_err(TestkitError::io("reading the audit log"))
    }

    /// Makes a request that can be recognised, and waits until the log has it: an entry is written just after its
    /// answer is sent.
    async fn settle_audit(&self) -> Result<(), TestkitError> {
        let audit = self.audit()?;
        let before = audit.end()?;
        let sign = format!("{BARRIER}{}", self.door.number());
        let request = http::Request::get(format!("/api/v1/namespaces/default?{sign}")).body(Vec::new());
        let request = request
            .map_err(|error| TestkitError::io("reading the audit log")(std::io::Error::other(error)))?;
        self.client()?.request_text(request).await.map_err(TestkitError::api("reading the audit log"))?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while !audit.read(before)?.iter().any(|entry| entry.request_uri.ends_with(&sign)) {
            if Instant::now() > deadline {
                return Err(TestkitError::Timeout {
                    what: "an entry in the audit log".to_owned(),
                    seconds: 10,
                });
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

/// The query by which our own requests are told from the others in the audit log.
const BARRIER: &str = "gitops-testkit-barrier=";
