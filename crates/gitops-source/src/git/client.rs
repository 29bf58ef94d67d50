//! The HTTP client of a remote: its authorities, certificate and proxy.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy};
use secrecy::ExposeSecret;
use url::{Host, Url};

use super::remote::GitRemote;
use crate::error::SourceError;

/// Returns the client to ask a remote with. Remotes without anything of their own share one, and so its
/// connections; credentials are not part of a client but of each request.
pub(super) fn client_of(remote: &GitRemote, endpoint: &Url) -> Result<Client, SourceError> {
    // Go never asks a proxy of the environment for an address of this machine; nor do we.
    let local = match endpoint.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if remote.ca.is_none() && remote.client_certificate.is_none() && remote.proxy.is_none() {
        static SHARED: OnceLock<Client> = OnceLock::new();
        static LOCAL: OnceLock<Client> = OnceLock::new();
        let cell = if local { &LOCAL } else { &SHARED };
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        let built = build(remote, if local { builder().no_proxy() } else { builder() })?;
        return Ok(cell.get_or_init(|| built).clone());
    }

    let refuse = |reason| move |source: reqwest::Error| refused(remote, reason, Some(source));
    let mut builder = builder();
    if let Some(pem) = &remote.ca {
        let certificates =
            Certificate::from_pem_bundle(pem).map_err(refuse("the certificate authority is not PEM"))?;
        if certificates.is_empty() {
            return Err(refused(remote, "the certificate authority holds no certificate", None));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(pair) = &remote.client_certificate {
        let mut pem = pair.certificate.clone();
        pem.push(b'\n');
        pem.extend_from_slice(pair.key.expose_secret().as_bytes());
        let identity =
            Identity::from_pem(&pem).map_err(refuse("the client's certificate or key is not PEM"))?;
        builder = builder.identity(identity);
    }
    if let Some(options) = &remote.proxy {
        let mut proxy =
            Proxy::all(options.address.expose_secret()).map_err(refuse("the proxy's address is not one"))?;
        if let (Some(username), Some(password)) = (&options.username, &options.password) {
            proxy = proxy.basic_auth(username, password.expose_secret());
        }
        builder = builder.proxy(proxy);
    } else if local {
        builder = builder.no_proxy();
    }
    build(remote, builder)
}

fn builder() -> ClientBuilder {
    // Redirects are followed by hand, so that credentials stay with their host.
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(20))
        .tcp_keepalive(Duration::from_secs(30))
}

fn build(remote: &GitRemote, builder: ClientBuilder) -> Result<Client, SourceError> {
    builder.build().map_err(|source| refused(remote, "the HTTP client cannot be set up", Some(source)))
}

fn refused(remote: &GitRemote, reason: &'static str, source: Option<reqwest::Error>) -> SourceError {
    SourceError::GitAccess { url: remote.address(), reason, source: source.map(|e| e.without_url().into()) }
}
