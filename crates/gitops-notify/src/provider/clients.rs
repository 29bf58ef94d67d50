//! HTTP clients, one for all providers that need the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use super::address::{AddressPolicy, GuardedResolver};
use super::settings::Settings;
use super::wire::HttpWire;
use crate::NotifyError;

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The pool of clients, and so of connections: providers with the same certificates and proxy share one.
///
/// ```no_run
/// use gitops_notify::provider::{Clients, Credentials, Settings, provider};
///
/// # async fn f(spec: gitops_api::notification_v1beta3::ProviderSpec, event: gitops_api::Event)
/// #     -> Result<(), gitops_notify::NotifyError> {
/// let settings = Settings::new(&spec, &Credentials::default(), &Default::default())?;
/// let wire = Clients::default().wire(&settings)?;
/// provider(&settings)?.deliver(&event, &wire).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Clients {
    policy: AddressPolicy,
    clients: Mutex<HashMap<[u8; 32], Weak<reqwest::Client>>>,
}

impl Clients {
    /// Returns an empty pool whose clients go to these addresses.
    #[must_use]
    pub fn new(policy: AddressPolicy) -> Self {
        Self { policy, clients: Mutex::default() }
    }

    /// Returns the way to the service of these settings.
    ///
    /// # Errors
    /// [`NotifyError::Settings`] when certificates or proxy cannot be used.
    pub fn wire(&self, settings: &Settings) -> Result<HttpWire, NotifyError> {
        // Go never asks a proxy of the environment for an address of this machine; nor do we.
        let local = settings.url().ok().is_some_and(|address| is_local(address.expose()));
        let key = key(settings, local);
        let known = self.lock().get(&key).and_then(Weak::upgrade);
        let client = match known {
            Some(client) => client,
            None => {
                let client = Arc::new(self.build(settings, local)?);
                let mut clients = self.lock();
                clients.retain(|_, client| client.strong_count() > 0);
                clients.insert(key, Arc::downgrade(&client));
                client
            }
        };
        Ok(HttpWire::new(client, settings, self.policy))
    }

    fn build(&self, settings: &Settings, local: bool) -> Result<reqwest::Client, NotifyError> {
        let kind = settings.kind();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // As Go's client writes them: not every service knows that the letters' case does not matter.
            .http1_title_case_headers()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("gitops-notify/", env!("CARGO_PKG_VERSION")));
        if self.policy != AddressPolicy::Any {
            builder = builder.dns_resolver(Arc::new(GuardedResolver(self.policy)));
        }
        builder = settings.tls.apply(builder).map_err(|why| NotifyError::settings(kind, why))?;
        builder = match &settings.proxy {
            Some(proxy) => proxy.apply(builder).map_err(|why| NotifyError::settings(kind, why))?,
            None if local => builder.no_proxy(),
            None => builder,
        };
        builder.build().map_err(|source| NotifyError::Settings {
            kind: kind.to_string(),
            reason: "certificates or proxy cannot be used".to_owned(),
            source: Some(source.without_url().into()),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Weak<reqwest::Client>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(settings: &Settings, local: bool) -> [u8; 32] {
    let mut hash = Sha256::new();
    settings.tls.hash(&mut hash);
    match &settings.proxy {
        Some(proxy) => proxy.hash(&mut hash),
        None => hash.update([u8::from(local)]),
    }
    hash.finalize().into()
}

fn is_local(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
