//! The way in to an API server: its address, the authority that vouches for it, and the users it knows.

mod crds;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};

use crate::TestkitError;

/// The user who may do everything.
pub(crate) const ADMIN: &str = "admin";
/// The user without any right.
const GUEST: &str = "guest";

/// Somebody whom an API server knows by a token.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) token: String,
}

impl User {
    pub(crate) fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Self { name: name.to_owned(), groups, token: token() }
    }

    /// Returns the users that every cluster has.
    pub(crate) fn usual() -> Vec<Self> {
        vec![Self::new(ADMIN, &["system:masters"]), Self::new(GUEST, &[])]
    }
}

/// Returns 128 random bits: the server listens where every user of the machine can reach it.
fn token() -> String {
    let word = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}

/// The certificate of an authority.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) pem: String,
    pub(crate) der: Vec<u8>,
}

/// The way in to one API server on loopback.
#[derive(Debug)]
pub(crate) struct Door {
    port: u16,
    authority: Authority,
    users: Vec<User>,
    kubeconfigs: BTreeMap<String, PathBuf>,
    numbers: AtomicU64,
}

impl Door {
    /// Writes the users' kubeconfigs into `directory`.
    pub(crate) fn new(
        port: u16,
        authority: Authority,
        users: Vec<User>,
        directory: &Path,
    ) -> Result<Self, TestkitError> {
        let mut kubeconfigs = BTreeMap::new();
        for user in &users {
            let file = if user.name == ADMIN {
                "kubeconfig".to_owned()
            } else {
                format!("kubeconfig-{}", kubeconfigs.len())
            };
            put(directory, &file, &kubeconfig(port, &authority, user))?;
            kubeconfigs.insert(user.name.clone(), directory.join(file));
        }
        Ok(Self { port, authority, users, kubeconfigs, numbers: AtomicU64::new(0) })
    }

    pub(crate) fn client_as(&self, user: &str) -> Result<kube::Client, TestkitError> {
        kube::Client::try_from(self.config_as(user)?).map_err(TestkitError::api("making a client"))
    }

    /// Returns a client configuration: TLS against our authority only, no retries and no proxy.
    pub(crate) fn config_as(&self, user: &str) -> Result<kube::Config, TestkitError> {
        let user = self.users.iter().find(|known| known.name == user);
        let user = user.ok_or_else(|| TestkitError::UnknownUser { name: format!("{user:?}") })?;
        let address = http::Uri::builder()
            .scheme("https")
            .authority(format!("127.0.0.1:{}", self.port))
            .path_and_query("/")
            .build();
        let mut config =
            kube::Config::new(address.expect("because a loopback address and a port make an address"));
        config.root_cert = Some(vec![self.authority.der.clone()]);
        config.auth_info.token = Some(user.token.clone().into());
        config.default_retry = false;
        config.default_namespace = "default".to_owned();
        Ok(config)
    }

    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        self.kubeconfig_as(ADMIN).expect("because every cluster has this user")
    }

    pub(crate) fn kubeconfig_as(&self, user: &str) -> Option<&Path> {
        self.kubeconfigs.get(user).map(PathBuf::as_path)
    }

    pub(crate) async fn namespace(&self) -> Result<String, TestkitError> {
        let name = format!("test-{}", self.number());
        let namespace = Namespace {
            metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        let api: Api<Namespace> = Api::all(self.client_as(ADMIN)?);
        api.create(&PostParams::default(), &namespace)
            .await
            .map_err(TestkitError::api("creating a namespace"))?;
        Ok(name)
    }

    /// Returns a number that nobody else gets of this server.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Prints the kubeconfig of one user.
fn kubeconfig(port: u16, authority: &Authority, user: &User) -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(&authority.pem);
    let User { name, token, .. } = user;
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: testkit
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority-data: {ca}
users:
- name: {name}
  user:
    token: {token}
contexts:
- name: testkit
  context:
    cluster: testkit
    user: {name}
current-context: testkit
"
    )
}

/// Writes one file of a directory.
pub(crate) fn put(directory: &Path, name: &str, text: &str) -> Result<(), TestkitError> {
    std::fs::write(directory.join(name), text).map_err(TestkitError::io(format!("writing {name}")))
}
