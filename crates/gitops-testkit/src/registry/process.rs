//! The registry's own process: where its program is, its settings, and when it is ready.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::tokens::Issuer;
use crate::TestkitError;
use crate::supervise::{Folder, Supervised};
use crate::tls::Authority;

/// The entry of [`REGISTRY_USER`](super::REGISTRY_USER) in an htpasswd file, as `htpasswd -nbB -C 4` wrote it.
const HTPASSWD: &str = "ada:$2y$04$./pj2DncOLrKWc5lbaT.SuFYhwwRNScxqpj5xJT.mefeMgW8AjuwW\n";
/// How long a registry may take to listen; it needs a few milliseconds.
const READY: Duration = Duration::from_secs(30);
/// How often its log is looked at: it cannot tell us by itself.
const POLL: Duration = Duration::from_millis(10);
/// What it says when it listens.
const LISTENING: &str = "listening on ";
/// The registry's name at its token server.
pub(super) const SERVICE: &str = "test registry";

/// The program of a registry: `docker-registry`, or any other that takes distribution's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryProgram(PathBuf);

impl RegistryProgram {
    /// Takes the program that `GITOPS_REGISTRY` names, else `docker-registry` of the `PATH`.
    ///
    /// # Errors
    /// [`TestkitError::ProgramMissing`] when there is none.
    pub fn find() -> Result<Self, TestkitError> {
        if let Some(named) = std::env::var_os("GITOPS_REGISTRY").filter(|named| !named.is_empty()) {
            return Ok(Self(named.into()));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join("docker-registry"));
        found
            .into_iter()
            .find(|program| program.is_file())
            .map(Self)
            .ok_or(TestkitError::ProgramMissing { program: "docker-registry", package: "docker-registry" })
    }

    /// Takes the program at a path.
    #[must_use]
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }
}

/// Who is let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Auth {
    #[default]
    Nothing,
    Basic,
    Tokens {
        /// Whether everybody gets a token for pulling.
        anonymous: bool,
    },
}

/// A running registry.
#[derive(Debug)]
pub(super) struct Process {
    // Declared in the order in which they are to end.
    _process: Supervised,
    _folder: Folder,
    host: String,
}

impl Process {
    pub(super) async fn start(
        program: &RegistryProgram,
        auth: Auth,
        authority: Option<&Authority>,
        mutual: bool,
        realm: &str,
        issuer: &Issuer,
    ) -> Result<Self, TestkitError> {
        let io = || TestkitError::io("starting a registry");
        let folder = Folder::create("gitops-registry-").map_err(io())?;
        let file = |name: &str, text: &str| -> Result<String, TestkitError> {
            let path = folder.path().join(name);
            std::fs::write(&path, text).map_err(io())?;
            Ok(path.display().to_string())
        };
        let tls = match authority {
            Some(authority) => {
                let pair = authority.server()?;
                let clients = if mutual { vec![file("clients.pem", &authority.pem())?] } else { Vec::new() };
                json!({
                    "certificate": file("server.pem", &pair.certificate)?,
                    "key": file("server.key", &pair.key)?,
                    "clientcas": clients,
                })
            }
            None => json!({}),
        };
        let auth = match auth {
            Auth::Nothing => json!({}),
            Auth::Basic => json!({"htpasswd": {"realm": "test", "path": file("htpasswd", HTPASSWD)?}}),
            Auth::Tokens { .. } => json!({"token": {
                "realm": realm,
                "service": SERVICE,
                "issuer": super::tokens::ISSUER,
                "rootcertbundle": file("tokens.pem", &issuer.certificate_pem())?,
            }}),
        };
        // JSON is YAML.
        let settings: Value = json!({
            "version": 0.1,
            "log": {"level": "info", "accesslog": {"disabled": true}},
            "storage": {
                "filesystem": {"rootdirectory": folder.path().join("data").display().to_string()},
                "delete": {"enabled": true},
            },
            "http": {"addr": "127.0.0.1:0", "secret": "of one test", "tls": tls},
            "auth": auth,
        });
        let settings = file("config.yml", &settings.to_string())?;
        let log = folder.path().join("log");
        let arguments: Vec<OsString> = vec!["serve".into(), settings.into()];
        let mut process = Supervised::spawn(&program.0, &arguments, &log)
            .map_err(|source| TestkitError::Spawn { server: "registry", source })?;
        let host = listening(&mut process, &log).await?;
        Ok(Self { _process: process, _folder: folder, host })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }
}

/// Waits until the registry says where it listens.
async fn listening(process: &mut Supervised, log: &Path) -> Result<String, TestkitError> {
    let deadline = Instant::now() + READY;
    loop {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        let address = said.split(LISTENING).nth(1).and_then(|rest| rest.split(['"', ',', ' ']).next());
        if let Some(address) = address.filter(|address| address.contains(':')) {
            return Ok(address.to_owned());
        }
        let tail = || said.lines().rev().take(3).collect::<Vec<_>>().join("; ");
        let server = "registry";
        if process.exited().map_err(TestkitError::io("watching a registry"))?.is_some() {
            return Err(TestkitError::Exited { server, log: log.to_owned(), tail: tail() });
        }
        if Instant::now() > deadline {
            let seconds = READY.as_secs();
            return Err(TestkitError::NotReady { server, seconds, log: log.to_owned(), tail: tail() });
        }
        sleep(POLL).await;
    }
}
