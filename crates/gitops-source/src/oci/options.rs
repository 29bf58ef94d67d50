//! How registries are reached, and what they may cost.

use std::time::Duration;

use secrecy::ExposeSecret;
use sha2::{Digest as _, Sha256};

use crate::connection::{Access, ClientCertificate, ProxyOptions};

/// How registries are reached.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use gitops_source::oci::{OciClient, OciOptions};
///
/// let client = OciClient::new(OciOptions::default().with_timeout(Duration::from_secs(20)))?;
/// # Ok::<(), gitops_source::oci::OciError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OciOptions {
    pub(super) ca: Option<Vec<u8>>,
    pub(super) client_certificate: Option<ClientCertificate>,
    pub(super) proxy: Option<ProxyOptions>,
    pub(super) insecure: bool,
    pub(super) timeout: Duration,
    pub(super) user_agent: String,
    pub(super) limits: OciLimits,
    pub(super) token_servers: TokenServers,
}

/// Which token servers are given a registry's credentials.
///
/// A token server is named by the registry's answer, so whoever can change that answer chooses where credentials go.
/// Whatever is chosen here, a token server is asked over https, or over plain http where the registry itself is; an
/// address of this machine or of a private network is refused unless it is the registry's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenServers {
    /// Those of the registry's own domain, as `auth.docker.io` for `index.docker.io`. The default.
    #[default]
    SameDomain,
    /// Those of the registry's own domain, and these hosts.
    SameDomainAnd(Vec<String>),
    /// Any, as go-containerregistry 0.21 and Flux with it.
    Any,
}

/// What one operation may cost at most. Over a limit the answer is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OciLimits {
    /// Pages of tags. Default 5,000: registries choose pages as small as 100.
    pub pages: usize,
    /// Bytes of all answers together, uncompressed. Default 64 MiB.
    pub bytes: u64,
    /// Tags. Default 500,000.
    pub tags: usize,
}

impl Default for OciLimits {
    fn default() -> Self {
        Self { pages: 5_000, bytes: 64 << 20, tags: 500_000 }
    }
}

impl OciLimits {
    /// Returns the limits with another most of pages.
    #[must_use]
    pub fn with_pages(self, pages: usize) -> Self {
        Self { pages, ..self }
    }

    /// Returns the limits with another most of bytes.
    #[must_use]
    pub fn with_bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }

    /// Returns the limits with another most of tags.
    #[must_use]
    pub fn with_tags(self, tags: usize) -> Self {
        Self { tags, ..self }
    }
}

impl Default for OciOptions {
    fn default() -> Self {
        Self {
            ca: None,
            client_certificate: None,
            proxy: None,
            insecure: false,
            timeout: Duration::from_secs(60),
            user_agent: concat!("gitops-sdk/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: OciLimits::default(),
            token_servers: TokenServers::default(),
        }
    }
}

impl OciOptions {
    /// Returns the options with more certificate authorities (PEM) beside the system's.
    pub fn with_ca(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { ca: Some(pem.into()), ..self }
    }

    /// Returns the options with a certificate to show to the registry.
    pub fn with_client_certificate(self, certificate: ClientCertificate) -> Self {
        Self { client_certificate: Some(certificate), ..self }
    }

    /// Returns the options with a proxy in front of the registry and its token server.
    pub fn with_proxy(self, proxy: ProxyOptions) -> Self {
        Self { proxy: Some(proxy), ..self }
    }

    /// Returns the options that allow plain http (`spec.insecure`) where the registry does not answer over TLS.
    ///
    /// Without, plain http is tried only for registries on this machine and at private addresses, as
    /// go-containerregistry does.
    pub fn allow_plain_http(self) -> Self {
        Self { insecure: true, ..self }
    }

    /// Returns the options with another limit of time for each operation, credentials included. Default 60 s.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Returns the options with another name under which registries see us.
    pub fn with_user_agent(self, user_agent: impl Into<String>) -> Self {
        Self { user_agent: user_agent.into(), ..self }
    }

    /// Returns the options with other limits of size.
    pub fn with_limits(self, limits: OciLimits) -> Self {
        Self { limits, ..self }
    }

    /// Returns the options with another choice of the token servers that are given credentials.
    pub fn with_token_servers(self, token_servers: TokenServers) -> Self {
        Self { token_servers, ..self }
    }

    pub(super) fn access(&self, local: bool) -> Access<'_> {
        Access {
            ca: self.ca.as_deref(),
            client_certificate: self.client_certificate.as_ref(),
            proxy: self.proxy.as_ref(),
            local,
        }
    }

    /// Returns what tells these options from others.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(self.ca.as_deref().unwrap_or_default());
        if let Some(pair) = &self.client_certificate {
            part(&pair.certificate);
            part(pair.key.expose_secret().as_bytes());
        }
        part(b"proxy");
        if let Some(proxy) = &self.proxy {
            part(proxy.address.expose_secret().as_bytes());
            part(proxy.username.as_deref().unwrap_or_default().as_bytes());
            part(proxy.password.as_ref().map_or("", |password| password.expose_secret()).as_bytes());
        }
        part(self.user_agent.as_bytes());
        part(
            format!("{} {:?} {:?} {:?}", self.insecure, self.timeout, self.limits, self.token_servers)
                .as_bytes(),
        );
        hash.finalize().into()
    }
}
