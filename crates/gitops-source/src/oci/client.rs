//! A client of registries, whose clones share connections and tokens.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;
use tokio::time::Instant;

use super::credentials::RegistryCredentials;
use super::error::OciError;
use super::exchange::Exchange;
use super::image_name::ImageName;
use super::options::OciOptions;
use super::session::{self, Session};
use crate::connection::{self, Access};

/// How many sessions, and how many clients, are kept.
const MOST: usize = 256;

/// A client of registries. Clones share connections, and tokens apart for each credential.
#[derive(Clone)]
pub struct OciClient {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) options: OciOptions,
    remote: Client,
    /// For registries on this machine, which no proxy of the environment is asked for.
    local: Client,
    sessions: Mutex<HashMap<session::Key, Arc<Session>>>,
}

impl OciClient {
    /// Returns a client.
    ///
    /// # Errors
    /// [`OciError::Access`] where certificates, keys or the proxy cannot be used. Nothing falls back to a default.
    pub fn new(options: OciOptions) -> Result<Self, OciError> {
        let build = |access: Access<'_>| {
            let builder = connection::builder().user_agent(options.user_agent.as_str());
            connection::build(builder, access).map_err(|refused| OciError::Access {
                reason: refused.reason,
                source: refused.source.map(Into::into),
            })
        };
        let remote = build(options.access(false))?;
        let local = build(options.access(true))?;
        Ok(Self { shared: Arc::new(Shared { options, remote, local, sessions: Mutex::default() }) })
    }

    /// Returns the options of this client.
    pub fn options(&self) -> &OciOptions {
        &self.shared.options
    }

    pub(super) fn session(&self, image: &ImageName, credentials: &RegistryCredentials) -> Arc<Session> {
        let key = session::key(image, credentials);
        let mut sessions = self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST && !sessions.contains_key(&key) {
            // A session that nobody uses at the moment is learnt again when it is needed.
            sessions.retain(|_, session| Arc::strong_count(session) > 1);
        }
        Arc::clone(sessions.entry(key).or_default())
    }

    pub(super) fn exchange<'a>(
        &'a self,
        image: &ImageName,
        credentials: &'a RegistryCredentials,
    ) -> Exchange<'a> {
        let options = &self.shared.options;
        let address = url::Url::parse(&format!("http://{}/", image.registry())).ok();
        let local = address.as_ref().is_some_and(|url| connection::is_local(url.host()));
        Exchange {
            client: if local { &self.shared.local } else { &self.shared.remote },
            proxy: options.proxy.as_ref(),
            credentials,
            deadline: Instant::now() + options.timeout,
            limit: options.limits.bytes,
            left: options.limits.bytes,
            spoke_no_tls: AtomicBool::new(false),
        }
    }
}

impl fmt::Debug for OciClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OciClient").field(&self.shared.options).finish()
    }
}

/// Clients, one for each set of options, for who reads options from objects and wants connections and tokens to last.
#[derive(Clone, Debug, Default)]
pub struct OciClients(Arc<Mutex<HashMap<[u8; 32], OciClient>>>);

impl OciClients {
    /// Returns the client with these options, the same one as last time.
    ///
    /// # Errors
    /// [`OciError::Access`] as [`OciClient::new`].
    pub fn get(&self, options: &OciOptions) -> Result<OciClient, OciError> {
        let key = options.fingerprint();
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        if clients.len() >= MOST {
            clients.retain(|_, client| Arc::strong_count(&client.shared) > 1);
        }
        let client = OciClient::new(options.clone())?;
        clients.insert(key, client.clone());
        Ok(client)
    }
}
