//! Where a Git repository is, and what proves that we may read it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::connection::{ClientCertificate, MASK, ProxyOptions, scrub_url};
use crate::error::SourceError;

/// A remote Git repository reached over http or https.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use gitops_source::git::{GitAuth, GitRemote};
///
/// let remote = GitRemote::new("https://example.com/fleet.git")
///     .with_auth(GitAuth::Bearer("token".into()))
///     .with_timeout(Duration::from_secs(20));
/// assert_eq!(remote.address(), "https://example.com/fleet.git");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GitRemote {
    pub(super) url: SecretString,
    pub(super) auth: GitAuth,
    pub(super) ca: Option<Vec<u8>>,
    pub(super) client_certificate: Option<ClientCertificate>,
    pub(super) proxy: Option<ProxyOptions>,
    pub(super) timeout: Duration,
    pub(super) limits: GitLimits,
}

/// What proves to a Git server who is asking.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum GitAuth {
    /// Nothing but what the address itself holds (`https://user:password@…`).
    #[default]
    Anonymous,
    /// A user name and a password or token.
    Basic {
        /// The user's name.
        username: String,
        /// The password, or a token in its place.
        password: SecretString,
    },
    /// A token sent as `Authorization: Bearer`.
    Bearer(SecretString),
}

/// What a remote may cost at most. Over a limit the answer is an error and nothing is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GitLimits {
    /// Bytes of one list of references. Default 64 MiB.
    pub references: u64,
    /// Bytes of one fetch, compressed as they are sent. Default 1 GiB.
    pub pack: u64,
    /// Bytes of one file handed out from the store. Default 256 MiB.
    pub file: u64,
}

impl Default for GitLimits {
    fn default() -> Self {
        Self { references: 64 << 20, pack: 1 << 30, file: 256 << 20 }
    }
}

impl GitRemote {
    /// Returns the remote at an address, asked without credentials and with Flux's default timeout of 60 s.
    ///
    /// The address is checked when it is first used. A user and password in it are used unless
    /// [`with_auth`](Self::with_auth) gives others, and never stand in a text.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: SecretString::from(url.into()),
            auth: GitAuth::Anonymous,
            ca: None,
            client_certificate: None,
            proxy: None,
            timeout: Duration::from_secs(60),
            limits: GitLimits::default(),
        }
    }

    /// Returns the remote with credentials.
    ///
    /// They are sent over plain http too, as Flux does: the address is the user's choice.
    pub fn with_auth(self, auth: GitAuth) -> Self {
        Self { auth, ..self }
    }

    /// Returns the remote with more certificate authorities (PEM) beside the system's.
    pub fn with_ca(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { ca: Some(pem.into()), ..self }
    }

    /// Returns the remote with a certificate to show to the server.
    pub fn with_client_certificate(self, certificate: ClientCertificate) -> Self {
        Self { client_certificate: Some(certificate), ..self }
    }

    /// Returns the remote behind a proxy.
    pub fn with_proxy(self, proxy: ProxyOptions) -> Self {
        Self { proxy: Some(proxy), ..self }
    }

    /// Returns the remote with another limit of time for each operation: resolving is one, fetching is one.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Returns the remote with other limits of size.
    pub fn with_limits(self, limits: GitLimits) -> Self {
        Self { limits, ..self }
    }

    /// Returns the address as it stands in texts: a user and password are replaced by `*****`.
    pub fn address(&self) -> String {
        scrub_url(self.url.expose_secret())
    }

    /// Returns the parsed address without credentials.
    pub(super) fn endpoint(&self) -> Result<Url, SourceError> {
        let refuse = |reason: String| SourceError::GitUrl { url: self.address(), reason };
        let mut url = Url::parse(self.url.expose_secret()).map_err(|e| refuse(e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(format!("scheme '{}' is not http or https", url.scheme())));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("a query or fragment cannot be part of a repository's address".to_owned()));
        }
        // Both fail only for addresses without a host, which http and https do not have.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(url)
    }

    /// Returns the header that proves who is asking.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>, SourceError> {
        let text = match &self.auth {
            GitAuth::Basic { username, password } => Some(basic(username, password.expose_secret())),
            GitAuth::Bearer(token) => Some(format!("Bearer {}", token.expose_secret())),
            GitAuth::Anonymous => self.credentials_in_url().map(|(user, password)| basic(&user, &password)),
        };
        let Some(text) = text else { return Ok(None) };
        let mut value = HeaderValue::from_str(&text).map_err(|_| SourceError::GitAccess {
            url: self.address(),
            reason: "the credentials hold characters that a header cannot",
            source: None,
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Returns a text from outside without any of our secrets, in case a server or library repeats them.
    pub(super) fn scrub(&self, text: &str) -> String {
        let mut secrets = Vec::new();
        match &self.auth {
            GitAuth::Basic { username, password } => {
                secrets.push(STANDARD.encode(format!("{username}:{}", password.expose_secret())));
                secrets.push(password.expose_secret().to_owned());
            }
            GitAuth::Bearer(token) => secrets.push(token.expose_secret().to_owned()),
            GitAuth::Anonymous => {}
        }
        if let Some((user, password)) = self.credentials_in_url() {
            secrets.push(STANDARD.encode(format!("{user}:{password}")));
            secrets.push(format!("{user}:{password}@"));
            secrets.push(password);
        }
        if let Some(password) = self.proxy.as_ref().and_then(|proxy| proxy.password.as_ref()) {
            secrets.push(password.expose_secret().to_owned());
        }
        secrets
            .iter()
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }

    fn credentials_in_url(&self) -> Option<(String, String)> {
        let url = Url::parse(self.url.expose_secret()).ok()?;
        let plain = |part: &str| percent_decoded(part);
        (!url.username().is_empty() || url.password().is_some())
            .then(|| (plain(url.username()), plain(url.password().unwrap_or_default())))
    }
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

fn percent_decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl fmt::Display for GitRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_in_credentials_are_read() {
        let remote = GitRemote::new("http://ad%40a:s%3Acret@localhost/a.git");
        let header = remote.authorization().unwrap().unwrap();
        assert_eq!(header.to_str().unwrap(), basic("ad@a", "s:cret"));
    }
}
