//! What proves to a registry who is asking.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use super::docker_config::DockerConfig;
use super::error::OciError;
use super::image_name::ImageName;
use crate::connection::MASK;

/// What proves to a registry who is asking.
///
/// # Examples
/// ```
/// use gitops_source::oci::{ImageName, RegistryCredentials};
///
/// let secret = br#"{"auths": {"ghcr.io": {"username": "ada", "password": "lovelace"}}}"#;
/// let ours = RegistryCredentials::from_docker_config(secret, &ImageName::parse("ghcr.io/ada/app")?)?;
/// assert_eq!(format!("{ours:?}"), "RegistryCredentials(Basic, \"ada\")");
/// let others = RegistryCredentials::from_docker_config(secret, &ImageName::parse("quay.io/ada/app")?)?;
/// assert!(others.is_anonymous());
/// # Ok::<(), gitops_source::oci::OciError>(())
/// ```
#[derive(Clone, Default)]
pub struct RegistryCredentials(pub(super) Kind);

#[derive(Clone, Default)]
pub(super) enum Kind {
    #[default]
    Anonymous,
    Basic {
        username: String,
        password: SecretString,
    },
    /// A token for the registry itself.
    Bearer(SecretString),
    /// A refresh token, to be exchanged at the token server.
    Identity {
        username: String,
        token: SecretString,
    },
}

impl RegistryCredentials {
    /// Returns nothing: the registry is asked as anybody.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Returns a user name and a password, or a token in its place.
    #[must_use]
    pub fn basic(username: impl Into<String>, password: SecretString) -> Self {
        Self(Kind::Basic { username: username.into(), password })
    }

    /// Returns a token that is sent to the registry as it is.
    #[must_use]
    pub fn bearer(token: SecretString) -> Self {
        Self(Kind::Bearer(token))
    }

    /// Returns a refresh token (`identitytoken` of a docker config), which the token server exchanges for others.
    #[must_use]
    pub fn identity(token: SecretString) -> Self {
        Self(Kind::Identity { username: "<token>".to_owned(), token })
    }

    /// Returns what a docker config, the value of a Secret's `.dockerconfigjson`, holds for an image.
    ///
    /// The rules are those of [`DockerConfig::credentials`].
    ///
    /// # Errors
    /// [`OciError::Credentials`] where the bytes are no docker config.
    pub fn from_docker_config(json: &[u8], image: &ImageName) -> Result<Self, OciError> {
        Ok(DockerConfig::parse(json)?.credentials(image))
    }

    /// Returns whether there is nothing to prove.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        matches!(self.0, Kind::Anonymous)
    }

    /// Returns the header for a server that takes these credentials as they are; none where there are none for it.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>, OciError> {
        let text = match &self.0 {
            Kind::Anonymous | Kind::Identity { .. } => return Ok(None),
            Kind::Basic { username, password } => format!("Basic {}", pair(username, password)),
            Kind::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| OciError::Credentials {
            reason: "the credentials hold characters that a header cannot".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Returns what tells these credentials from others without being them.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let (kind, first, second) = match &self.0 {
            Kind::Anonymous => ("anonymous", "", ""),
            Kind::Basic { username, password } => ("basic", username.as_str(), password.expose_secret()),
            Kind::Bearer(token) => ("bearer", "", token.expose_secret()),
            Kind::Identity { username, token } => ("identity", username.as_str(), token.expose_secret()),
        };
        let mut hash = Sha256::new();
        for part in [kind, first, second] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// Returns a text from outside without any of these secrets, in case a server repeats them.
    pub(super) fn scrub(&self, text: &str) -> String {
        let secrets = match &self.0 {
            Kind::Anonymous => return text.to_owned(),
            Kind::Basic { username, password } => {
                vec![pair(username, password), password.expose_secret().to_owned()]
            }
            Kind::Bearer(token) | Kind::Identity { token, .. } => vec![token.expose_secret().to_owned()],
        };
        let secrets = secrets.iter().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }
}

impl fmt::Debug for RegistryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Anonymous => f.write_str("RegistryCredentials(Anonymous)"),
            Kind::Basic { username, .. } => write!(f, "RegistryCredentials(Basic, {username:?})"),
            Kind::Bearer(_) => f.write_str("RegistryCredentials(Bearer)"),
            Kind::Identity { .. } => f.write_str("RegistryCredentials(Identity)"),
        }
    }
}

fn pair(username: &str, password: &SecretString) -> String {
    STANDARD.encode(format!("{username}:{}", password.expose_secret()))
}
