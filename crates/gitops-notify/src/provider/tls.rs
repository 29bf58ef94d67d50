//! Certificates and the proxy of a provider.

use std::fmt;

use gitops_api::notification_v1beta3::ProviderKind;
use reqwest::{Certificate, ClientBuilder, Identity};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::{NotifyError, SecretData};

/// Whom the provider trusts, and who it says it is.
#[derive(Clone, Default)]
pub(super) struct Tls {
    ca: Option<Vec<u8>>,
    /// Certificate and key, one after the other.
    identity: Option<SecretSlice<u8>>,
}

impl Tls {
    pub(super) fn new(kind: &ProviderKind, data: Option<&SecretData>) -> Result<Self, NotifyError> {
        let Some(data) = data else { return Ok(Self::default()) };
        let refused = |why: &str| NotifyError::settings(kind, format!("the certificates' Secret {why}"));
        let ca = data.bytes("ca.crt").map(<[u8]>::to_vec);
        let identity = match (data.bytes("tls.crt"), data.bytes("tls.key")) {
            (Some(certificate), Some(key)) => Some([certificate, b"\n", key].concat().into()),
            (None, None) => None,
            _ => return Err(refused("has only one of 'tls.crt' and 'tls.key'")),
        };
        if ca.is_none() && identity.is_none() {
            return Err(refused("has neither 'ca.crt' nor 'tls.crt' and 'tls.key'"));
        }
        let tls = Self { ca, identity };
        // Read once here, so that a mistake is told before there is anything to send.
        let _ = tls.apply(ClientBuilder::new()).map_err(refused)?;
        Ok(tls)
    }

    pub(super) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, &'static str> {
        if let Some(pem) = &self.ca {
            let authorities =
                Certificate::from_pem_bundle(pem).map_err(|_| "has no PEM certificate in 'ca.crt'")?;
            if authorities.is_empty() {
                return Err("has no PEM certificate in 'ca.crt'");
            }
            builder = builder.tls_certs_only(authorities);
        }
        if let Some(pem) = &self.identity {
            let identity = Identity::from_pem(pem.expose_secret())
                .map_err(|_| "has no PEM certificate and key in 'tls.crt' and 'tls.key'")?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }

    pub(super) fn hash(&self, hash: &mut Sha256) {
        for part in [self.ca.as_deref(), self.identity.as_ref().map(|pem| pem.expose_secret())] {
            let part = part.unwrap_or_default();
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls {{ ca: {}, identity: {} }}", self.ca.is_some(), self.identity.is_some())
    }
}

/// The proxy that stands before the service.
#[derive(Clone)]
pub(super) struct Proxy {
    address: SecretString,
    user: Option<(String, SecretString)>,
}

impl Proxy {
    /// Reads the proxy: that of `proxySecretRef` or, without one, the one written.
    pub(super) fn new(
        kind: &ProviderKind,
        written: &SecretString,
        data: Option<&SecretData>,
    ) -> Result<Option<Self>, NotifyError> {
        let refused = |why: &str| NotifyError::settings(kind, format!("proxy {why}"));
        let proxy = match data {
            Some(data) => {
                let address = data.text("address").filter(|address| !address.expose_secret().is_empty());
                let address = address.ok_or_else(|| refused("has no 'address' in its Secret"))?;
                let user = data.text("username").filter(|user| !user.expose_secret().is_empty());
                let user = user
                    .map(|user| (user.expose_secret().to_owned(), data.text("password").unwrap_or_default()));
                Self { address, user }
            }
            None if written.expose_secret().is_empty() => return Ok(None),
            None => Self { address: written.clone(), user: None },
        };
        let url = Url::parse(proxy.address.expose_secret())
            .map_err(|_| refused("has an address that is no URL"))?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
            return Err(refused("has an address that is neither http, https nor socks5"));
        }
        let _ = proxy.apply(ClientBuilder::new()).map_err(refused)?;
        Ok(Some(proxy))
    }

    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, &'static str> {
        let mut proxy = reqwest::Proxy::all(self.address.expose_secret())
            .map_err(|_| "has an address that cannot be used")?;
        if let Some((user, password)) = &self.user {
            proxy = proxy.basic_auth(user, password.expose_secret());
        }
        Ok(builder.proxy(proxy))
    }

    pub(super) fn hash(&self, hash: &mut Sha256) {
        let (user, password) = match &self.user {
            Some((user, password)) => (user.as_str(), password.expose_secret()),
            None => ("", ""),
        };
        for part in [self.address.expose_secret(), user, password] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy(*****)")
    }
}
