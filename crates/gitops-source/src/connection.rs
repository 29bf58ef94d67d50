//! How a server is reached, whatever is asked of it: proxy, certificates, and addresses without secrets.

use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// What stands in texts where credentials would.
pub(crate) const MASK: &str = "*****";

/// A certificate that the client shows to the server, both parts as PEM.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate and those that lead from it to its authority.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: SecretString,
}

/// A proxy between us and a server.
#[derive(Clone, Debug)]
#[must_use]
pub struct ProxyOptions {
    pub(crate) address: SecretString,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<SecretString>,
}

impl ProxyOptions {
    /// Returns a proxy at an address (`http://`, `https://` or `socks5://`), which may hold a user and password.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: SecretString::from(address.into()), username: None, password: None }
    }

    /// Returns the proxy with credentials.
    pub fn with_credentials(self, username: impl Into<String>, password: SecretString) -> Self {
        Self { username: Some(username.into()), password: Some(password), ..self }
    }

    /// Returns the host and port as they stand in texts.
    pub(crate) fn host(&self) -> String {
        Url::parse(self.address.expose_secret())
            .map_or_else(|_| "proxy".to_owned(), |url| host_and_port(&url))
    }
}

/// Why a client could not be set up.
pub(crate) struct Refused {
    pub(crate) reason: &'static str,
    pub(crate) source: Option<reqwest::Error>,
}

impl Refused {
    fn because(reason: &'static str) -> impl FnOnce(reqwest::Error) -> Self {
        move |source| Self { reason, source: Some(source.without_url()) }
    }
}

/// What a client needs beside the defaults.
#[derive(Clone, Copy, Default)]
pub(crate) struct Access<'a> {
    pub(crate) ca: Option<&'a [u8]>,
    pub(crate) client_certificate: Option<&'a ClientCertificate>,
    pub(crate) proxy: Option<&'a ProxyOptions>,
    /// Whether the server is on this machine: then no proxy of the environment is asked, as in Go.
    pub(crate) local: bool,
}

/// Returns a client that follows no redirects: that is done by hand, so that credentials stay with their host.
pub(crate) fn client(access: Access<'_>) -> Result<Client, Refused> {
    build(builder(), access)
}

pub(crate) fn builder() -> ClientBuilder {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(20))
        .tcp_keepalive(Duration::from_secs(30))
}

pub(crate) fn build(mut builder: ClientBuilder, access: Access<'_>) -> Result<Client, Refused> {
    if let Some(pem) = access.ca {
        let certificates = Certificate::from_pem_bundle(pem)
            .map_err(Refused::because("the certificate authority is not PEM"))?;
        if certificates.is_empty() {
            return Err(Refused { reason: "the certificate authority holds no certificate", source: None });
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(pair) = access.client_certificate {
        let mut pem = pair.certificate.clone();
        pem.push(b'\n');
        pem.extend_from_slice(pair.key.expose_secret().as_bytes());
        let identity = Identity::from_pem(&pem)
            .map_err(Refused::because("the client's certificate or key is not PEM"))?;
        builder = builder.identity(identity);
    }
    if let Some(options) = access.proxy {
        let mut proxy = Proxy::all(options.address.expose_secret())
            .map_err(Refused::because("the proxy's address is not one"))?;
        if let (Some(username), Some(password)) = (&options.username, &options.password) {
            proxy = proxy.basic_auth(username, password.expose_secret());
        }
        builder = builder.proxy(proxy);
    } else if access.local {
        builder = builder.no_proxy();
    }
    builder.build().map_err(Refused::because("the HTTP client cannot be set up"))
}

/// Returns whether a host is this machine by its name or number.
pub(crate) fn is_local(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns an address with its user and password replaced by `*****`, also when it cannot be parsed.
pub(crate) fn scrub_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}{}", &rest[at..]),
        None => url.to_owned(),
    }
}

/// Returns `host:port` as Go prints the address that it dials.
pub(crate) fn host_and_port(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    match url.host() {
        Some(Host::Ipv6(address)) => format!("[{address}]:{port}"),
        Some(host) => format!("{host}:{port}"),
        None => format!(":{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, want: &str) {
        assert_eq!(scrub_url(input), want);
    }

    #[test]
    fn credentials_never_stand_in_an_address() {
        check("https://example.com/a.git", "https://example.com/a.git");
        check("https://ada:secret@example.com/a.git", "https://*****@example.com/a.git");
        check("https://token@example.com/a.git", "https://*****@example.com/a.git");
        check("https://a:p@ss@example.com/a@b.git", "https://*****@example.com/a@b.git");
        check("https://a:b@", "https://*****@");
        check("not an address", "not an address");
    }
}
