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
mod crds;
mod files;
mod flags;
pub(crate) mod server;
pub(crate) mod shared;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::{Instant, sleep};

use self::audit::{AuditEntry, AuditLog, AuditMark};
pub use self::builder::ControlPlaneBuilder;
use self::files::{Authority, User};
use self::server::Server;
use crate::TestkitError;
use crate::supervise::Folder;

/// The user who may do everything.
pub(crate) const ADMIN: &str = "admin";
/// The user without any right.
pub(crate) const GUEST: &str = "guest";

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
    kubeconfigs: BTreeMap<String, PathBuf>,
    users: Vec<User>,
    authority: Authority,
    port: u16,
    namespaces: AtomicU64,
    folder: Folder,
}

impl ControlPlane {
    /// Returns a builder with the defaults: no controller-manager, audit level Metadata, users `admin` and `guest`.
    pub fn builder() -> ControlPlaneBuilder {
        ControlPlaneBuilder::default()
    }

    /// Returns the control plane that all tests of this process share, with a controller-manager.
    ///
    /// The first caller starts it. It belongs to the process and not to the first test's runtime; clients are made
    /// per test. A test that stops or pauses servers starts one of its own instead.
    ///
    /// # Errors
    /// Those of [`ControlPlaneBuilder::start`].
    pub async fn shared() -> Result<Arc<Self>, TestkitError> {
        shared::with_controller_manager().await
    }

    /// Does as [`ControlPlane::shared`], without a controller-manager: nothing but the tests changes an object,
    /// and a deleted namespace stays `Terminating`. It is another server than that of [`ControlPlane::shared`].
    ///
    /// # Errors
    /// Those of [`ControlPlaneBuilder::start`].
    pub async fn shared_bare() -> Result<Arc<Self>, TestkitError> {
        shared::bare().await
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
        kube::Client::try_from(self.config_as(user)?).map_err(TestkitError::api("making a client"))
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
        let user = self.users.iter().find(|known| known.name == user);
        let user = user.ok_or_else(|| TestkitError::UnknownUser { name: format!("{user:?}") })?;
        Ok(builder::config(self.port, &self.authority, user))
    }

    /// Returns the token of a user, for clients that are not ours.
    #[must_use]
    pub fn token(&self, user: &str) -> Option<&str> {
        self.users.iter().find(|known| known.name == user).map(|user| user.token.as_str())
    }

    /// Returns the address of the API server, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Returns the certificate of the authority that signed the API server's certificate, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority.pem
    }

    /// Returns the kubeconfig file of the user who may do everything.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        self.kubeconfig_as(ADMIN).unwrap_or(self.folder.path())
    }

    /// Returns the kubeconfig file of a user.
    #[must_use]
    pub fn kubeconfig_as(&self, user: &str) -> Option<&Path> {
        self.kubeconfigs.get(user).map(PathBuf::as_path)
    }

    /// Creates a namespace that no other test of this process has, and returns its name.
    ///
    /// It need not be deleted: it goes with the server.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn namespace(&self) -> Result<String, TestkitError> {
        let name = format!("test-{}", self.namespaces.fetch_add(1, Ordering::Relaxed) + 1);
        let namespace = Namespace {
            metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        let api: Api<Namespace> = Api::all(self.client()?);
        api.create(&PostParams::default(), &namespace)
            .await
            .map_err(TestkitError::api("creating a namespace"))?;
        Ok(name)
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
        let sign = format!("{BARRIER}{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
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
