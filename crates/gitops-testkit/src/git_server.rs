//! A Git server for tests: git's own http-backend behind a small server on loopback.

mod backend;
mod fault;
mod repository;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::fault::{GitFault, GitRequests, GitService};
pub use self::repository::{CommitBuilder, Repository};
use crate::TestkitError;
use crate::faults::Faults;
use crate::tls::{Authority, Pair};

/// A Git server on loopback that lives as long as this value.
///
/// It speaks all versions of Git's protocol, allows any commit to be asked for by its hash and fetches without
/// files, as the large hosts do, counts what it is asked, and fails when it is told to.
///
/// ```no_run
/// # async fn f() -> Result<(), gitops_testkit::TestkitError> {
/// use gitops_testkit::{GitFault, GitServer};
///
/// let server = GitServer::start().await?;
/// let repository = server.repository("fleet")?;
/// let commit = repository.commit("main", &[("a.yaml", "a: 1\n")])?;
/// repository.tag("v1.0.0", &commit)?;
/// server.require_basic("ada", "secret");
/// server.fail_next(1, GitFault::Status(503));
/// println!("git clone {}", server.url("fleet"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    authority: Option<Authority>,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    root: TempDir,
}

#[derive(Debug)]
struct Shared {
    root: std::path::PathBuf,
    switches: Mutex<Switches>,
}

/// What a test turns while the server runs.
#[derive(Debug, Default)]
struct Switches {
    authorization: Option<String>,
    old_protocol: bool,
    faults: Faults<GitService, GitFault>,
    redirects: HashMap<String, String>,
    requests: GitRequests,
    authorizations: Vec<Option<String>>,
}

impl Shared {
    fn switches(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GitServer {
    /// Starts a server for plain http on a free port, in the caller's runtime.
    ///
    /// # Errors
    /// When no port or folder can be had.
    pub async fn start() -> Result<Self, TestkitError> {
        Self::start_with(None).await
    }

    /// Starts a server for https with an authority of its own, whose certificate is [`ca_pem`](Self::ca_pem).
    ///
    /// # Errors
    /// When no port, folder or certificate can be had.
    pub async fn start_tls() -> Result<Self, TestkitError> {
        Self::start_with(Some((Authority::generate()?, false))).await
    }

    /// Starts a server for https that lets in only clients with a [`client_certificate`](Self::client_certificate).
    ///
    /// # Errors
    /// When no port, folder or certificate can be had.
    pub async fn start_mutual_tls() -> Result<Self, TestkitError> {
        Self::start_with(Some((Authority::generate()?, true))).await
    }

    async fn start_with(tls: Option<(Authority, bool)>) -> Result<Self, TestkitError> {
        let io = || TestkitError::io("starting a Git server");
        let root = tempfile::tempdir().map_err(io())?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(io())?;
        let address = listener.local_addr().map_err(io())?;
        let shared = Arc::new(Shared { root: root.path().to_owned(), switches: Mutex::default() });
        let app = axum::Router::new().fallback(backend::answer).with_state(Arc::clone(&shared));
        let told = |ended: std::io::Result<()>| {
            if let Err(error) = ended {
                tracing::error!(%error, "the Git server ended");
            }
        };
        let (authority, server) = match tls {
            Some((authority, wants_client)) => {
                let listener = authority.listener(listener, wants_client)?;
                (Some(authority), tokio::spawn(async move { told(axum::serve(listener, app).await) }))
            }
            None => (None, tokio::spawn(async move { told(axum::serve(listener, app).await) })),
        };
        Ok(Self { address, authority, shared, server, root })
    }

    /// Returns the address of a repository, whether it exists or not.
    #[must_use]
    pub fn url(&self, repository: &str) -> String {
        format!("{}/{repository}.git", self.base())
    }

    /// Returns the address of a repository with a user and password in it.
    #[must_use]
    pub fn url_with_credentials(&self, repository: &str, username: &str, password: &str) -> String {
        self.url(repository).replacen("://", &format!("://{username}:{password}@"), 1)
    }

    /// Returns the server's host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the certificate of the server's authority as PEM, none for plain http.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// Returns a certificate and key for a client of this server, none for plain http.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn client_certificate(&self) -> Result<Option<Pair>, TestkitError> {
        self.authority.as_ref().map(Authority::client).transpose()
    }

    /// Returns the handle of a repository, which is made empty when there is none of that name.
    ///
    /// # Errors
    /// When git cannot make it.
    pub fn repository(&self, name: &str) -> Result<Repository, TestkitError> {
        Repository::open_or_init(self.root.path().join(format!("{name}.git")))
    }

    /// Lets in only who sends this user and password.
    pub fn require_basic(&self, username: &str, password: &str) {
        let pair = STANDARD.encode(format!("{username}:{password}"));
        self.shared.switches().authorization = Some(format!("Basic {pair}"));
    }

    /// Lets in only who sends this token.
    pub fn require_bearer(&self, token: &str) {
        self.shared.switches().authorization = Some(format!("Bearer {token}"));
    }

    /// Lets everybody in again.
    pub fn require_nothing(&self) {
        self.shared.switches().authorization = None;
    }

    /// Speaks only the protocol of before 2018, or all of them again.
    pub fn speak_old_protocol(&self, old: bool) {
        self.shared.switches().old_protocol = old;
    }

    /// Sends whoever asks for a repository to another address, with status 301.
    pub fn redirect(&self, repository: &str, url: &str) {
        self.shared.switches().redirects.insert(format!("/{repository}.git"), url.to_owned());
    }

    /// Fails the next requests, of whatever kind, in one way.
    pub fn fail_next(&self, times: usize, fault: GitFault) {
        self.plan(None, times, fault);
    }

    /// Fails the next requests of one kind in one way; others pass meanwhile.
    pub fn fail_next_of(&self, service: GitService, times: usize, fault: GitFault) {
        self.plan(Some(service), times, fault);
    }

    /// Forgets the faults that have not happened yet.
    pub fn heal(&self) {
        self.shared.switches().faults.clear();
    }

    fn plan(&self, service: Option<GitService>, times: usize, fault: GitFault) {
        self.shared.switches().faults.plan(service, times, fault);
    }

    /// Returns what has been asked since the start or the last call of [`reset_requests`](Self::reset_requests).
    #[must_use]
    pub fn requests(&self) -> GitRequests {
        self.shared.switches().requests.clone()
    }

    /// Returns the `Authorization` headers of the counted requests, in their order.
    #[must_use]
    pub fn authorizations(&self) -> Vec<Option<String>> {
        self.shared.switches().authorizations.clone()
    }

    /// Counts from nothing again.
    pub fn reset_requests(&self) {
        let mut switches = self.shared.switches();
        switches.requests = GitRequests::default();
        switches.authorizations.clear();
    }

    fn base(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}
