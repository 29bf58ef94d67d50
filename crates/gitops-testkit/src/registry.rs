//! A container registry for tests: Debian's docker-registry (or another one that distribution made), counted, with
//! faults, and with each way to authenticate that it has.
//!
//! # Flow
//! The registry itself listens on a port of its own ([`Registry::direct_host`]). In front of it stands a small server of
//! ours ([`Registry::host`]): it counts, fails when it is told to, cuts lists of tags into pages (docker-registry 2.8
//! does not), and is the token server. Both speak TLS with certificates of one authority when that is asked for.

mod fault;
mod front;
mod process;
mod push;
mod tokens;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::fault::{RegistryFault, RegistryRequests, RegistryService};
pub use self::front::PageLinks;
use self::front::{Front, Plan};
pub use self::process::RegistryProgram;
use self::process::{Auth, Process};
pub use self::tokens::REGISTRY_IDENTITY_TOKEN;
use crate::TestkitError;
use crate::tls::{Authority, Pair};

/// The user whom a registry with authentication knows.
pub const REGISTRY_USER: &str = "ada";
/// The password of [`REGISTRY_USER`].
pub const REGISTRY_PASSWORD: &str = "lovelace-1843";

/// A registry on loopback that lives as long as this value.
///
/// ```no_run
/// # async fn f() -> Result<(), gitops_testkit::TestkitError> {
/// use gitops_testkit::{Registry, RegistryFault, RegistryProgram};
///
/// let program = RegistryProgram::find()?;
/// let registry = Registry::builder().with_tls().with_tokens().start(&program).await?;
/// let digest = registry.push("team/app", "1.0.0").await?;
/// registry.fail_next(1, RegistryFault::TooMany { retry_after: Some(1) });
/// println!("{}/team/app:1.0.0 is {digest}", registry.host());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Registry {
    process: Process,
    front: Arc<Front>,
    host: String,
    authority: Option<Arc<Authority>>,
    server: JoinHandle<()>,
}

/// What a registry is to be like.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct RegistryBuilder {
    tls: bool,
    mutual: bool,
    auth: Auth,
}

impl RegistryBuilder {
    /// Speaks https only.
    pub fn with_tls(self) -> Self {
        Self { tls: true, ..self }
    }

    /// Speaks https only, with clients that show a certificate ([`Registry::client_certificate`]).
    pub fn with_mutual_tls(self) -> Self {
        Self { tls: true, mutual: true, ..self }
    }

    /// Lets in [`REGISTRY_USER`] only, by password (htpasswd).
    pub fn with_basic(self) -> Self {
        Self { auth: Auth::Basic, ..self }
    }

    /// Lets in whoever has a token of the token server, which gives one to [`REGISTRY_USER`] only.
    pub fn with_tokens(self) -> Self {
        Self { auth: Auth::Tokens { anonymous: false }, ..self }
    }

    /// Lets in whoever has a token of the token server, which gives one for pulling to everybody, as Docker Hub does.
    pub fn with_anonymous_tokens(self) -> Self {
        Self { auth: Auth::Tokens { anonymous: true }, ..self }
    }

    /// Starts the registry.
    ///
    /// # Errors
    /// When no port, folder or certificate can be had, or the program does not become ready.
    pub async fn start(self, program: &RegistryProgram) -> Result<Registry, TestkitError> {
        crate::install_crypto();
        let io = || TestkitError::io("starting a registry");
        let authority = if self.tls { Some(Arc::new(Authority::generate()?)) } else { None };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(io())?;
        let host = listener.local_addr().map_err(io())?.to_string();
        let scheme = if self.tls { "https" } else { "http" };
        let issuer = tokens::Issuer::generate()?;
        let realm = format!("{scheme}://{host}/token");
        let process =
            Process::start(program, self.auth, authority.as_deref(), self.mutual, &realm, &issuer).await?;
        let client = push::client(authority.as_deref())?;
        let plan = Plan {
            backend: format!("{scheme}://{}", process.host()),
            base: format!("{scheme}://{host}"),
            auth: self.auth,
            issuer,
            client,
        };
        let front = Arc::new(Front::new(plan));
        let app = axum::Router::new().fallback(front::answer).with_state(Arc::clone(&front));
        let told = |ended: std::io::Result<()>| {
            if let Err(error) = ended {
                tracing::error!(%error, "the registry's front ended");
            }
        };
        let server = match &authority {
            Some(authority) => {
                let listener = authority.listener(listener, self.mutual)?;
                tokio::spawn(async move { told(axum::serve(listener, app).await) })
            }
            None => tokio::spawn(async move { told(axum::serve(listener, app).await) }),
        };
        Ok(Registry { process, front, host, authority, server })
    }
}

impl Registry {
    /// Begins to describe a registry: plain http, open to everybody.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// Starts a registry for plain http, open to everybody.
    ///
    /// # Errors
    /// As [`RegistryBuilder::start`].
    pub async fn start(program: &RegistryProgram) -> Result<Self, TestkitError> {
        Self::builder().start(program).await
    }

    /// Returns host and port of the front, as they stand in an image's name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns host and port of the registry itself, without front, counts and faults.
    #[must_use]
    pub fn direct_host(&self) -> &str {
        self.process.host()
    }

    /// Returns the name of a repository behind the front.
    #[must_use]
    pub fn image(&self, repository: &str) -> String {
        format!("{}/{repository}", self.host)
    }

    /// Returns the certificate of the registry's authority as PEM, none for plain http.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.authority.as_ref().map(|authority| authority.pem())
    }

    /// Returns a certificate and key for a client of this registry, none for plain http.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn client_certificate(&self) -> Result<Option<Pair>, TestkitError> {
        self.authority.as_ref().map(|authority| authority.client()).transpose()
    }

    /// Returns the value of a Secret's key `.dockerconfigjson` that lets [`REGISTRY_USER`] in.
    #[must_use]
    pub fn docker_config(&self) -> String {
        let auths = serde_json::json!({
            &self.host: {"username": REGISTRY_USER, "password": REGISTRY_PASSWORD},
        });
        serde_json::json!({ "auths": auths }).to_string()
    }

    /// Pushes an image of a few bytes, other ones for another repository or tag, and returns its digest.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn push(&self, repository: &str, tag: &str) -> Result<String, TestkitError> {
        push::image(&self.front.plan, repository, &[tag.to_owned()], tag).await
    }

    /// Pushes one image under many tags, several at a time, and returns its digest.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn push_tags(
        &self,
        repository: &str,
        tags: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<String, TestkitError> {
        let tags: Vec<String> = tags.into_iter().map(Into::into).collect();
        push::image(&self.front.plan, repository, &tags, "many").await
    }

    /// Cuts lists of tags into pages of this many from now on, with links of this form; `None` for the registry's own.
    pub fn page_tags(&self, pages: Option<(usize, PageLinks)>) {
        self.front.switches().pages = pages;
    }

    /// Names this address as the token server from now on, instead of our own; `None` for our own.
    pub fn name_token_server(&self, realm: Option<&str>) {
        self.front.switches().realm = realm.map(str::to_owned);
    }

    /// Takes back all tokens that were given: from now on they are refused.
    pub fn revoke_tokens(&self) {
        self.front.switches().revoked = self.front.given_tokens();
    }

    /// Fails the next requests, of whatever kind, in one way.
    pub fn fail_next(&self, times: usize, fault: RegistryFault) {
        self.front.switches().faults.plan(None, times, fault);
    }

    /// Fails the next requests of one kind in one way; others pass meanwhile.
    pub fn fail_next_of(&self, service: RegistryService, times: usize, fault: RegistryFault) {
        self.front.switches().faults.plan(Some(service), times, fault);
    }

    /// Forgets the faults that have not happened yet.
    pub fn heal(&self) {
        self.front.switches().faults.clear();
    }

    /// Returns what has been asked since the start or the last call of [`reset_requests`](Self::reset_requests).
    #[must_use]
    pub fn requests(&self) -> RegistryRequests {
        self.front.switches().requests.clone()
    }

    /// Counts from nothing again.
    pub fn reset_requests(&self) {
        self.front.switches().requests = RegistryRequests::default();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.abort();
    }
}
