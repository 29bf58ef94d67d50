//! Docker's configuration file, as it stands in Secrets of type `kubernetes.io/dockerconfigjson`.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::credentials::{Kind, RegistryCredentials};
use super::error::OciError;
use super::image_name::ImageName;

/// The largest file that is read; a Secret is smaller.
const MAX_BYTES: usize = 1 << 20;

/// The credentials of a docker config, each under the registry that it is for.
///
/// Several files can be put together, as a service account names several pull secrets.
#[derive(Clone, Default)]
pub struct DockerConfig {
    /// Host and path without a scheme, then the credentials in the order in which they were added.
    entries: BTreeMap<String, Vec<RegistryCredentials>>,
}

impl DockerConfig {
    /// Reads the value of a Secret's key `.dockerconfigjson`.
    ///
    /// # Errors
    /// [`OciError::Credentials`] where the bytes are no docker config, or one entry's `auth` cannot be decoded.
    pub fn parse(json: &[u8]) -> Result<Self, OciError> {
        let file = object(json)?;
        let auths = file.iter().find(|(key, _)| key.eq_ignore_ascii_case("auths")).map(|(_, value)| value);
        match auths {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Object(auths)) => Self::read(auths),
            Some(_) => Err(refuse("'auths' is not an object")),
        }
    }

    /// Reads the value of a Secret's key `.dockercfg`, the older form without `auths`.
    ///
    /// # Errors
    /// [`OciError::Credentials`] where the bytes are no docker config, or one entry's `auth` cannot be decoded.
    pub fn parse_legacy(json: &[u8]) -> Result<Self, OciError> {
        Self::read(&object(json)?)
    }

    /// Returns these credentials and, behind them, those of another file.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        for (key, credentials) in other.entries {
            self.entries.entry(key).or_default().extend(credentials);
        }
        self
    }

    /// Returns the credentials for an image; anonymous where no entry is for it.
    ///
    /// An entry is a host, with a port where the image's has one, and perhaps a path that the repository begins with;
    /// its scheme does not count, nor a path `/v1/` or `/v2/`. Each part of the host between dots may hold `*`. Of several entries the last in the order of bytes is taken, and so the longer of two that begin alike.
    /// Docker Hub is `index.docker.io`, usually written `https://index.docker.io/v1/`. These are the rules of the
    /// kubelet and of go-containerregistry's keychain, which Flux uses.
    ///
    /// # Difference from Flux
    /// An entry whose name is no address is for no image; there it makes the whole file unusable.
    #[must_use]
    pub fn credentials(&self, image: &ImageName) -> RegistryCredentials {
        let target = image.to_string();
        let matching = self.entries.iter().rev().find(|(key, _)| matches(key, &target));
        matching.and_then(|(_, credentials)| credentials.first().cloned()).unwrap_or_default()
    }

    fn read(auths: &Map<String, Value>) -> Result<Self, OciError> {
        let mut entries: BTreeMap<String, Vec<RegistryCredentials>> = BTreeMap::new();
        for (registry, entry) in auths {
            let credentials =
                read_entry(entry).map_err(|reason| refuse(&format!("entry {registry:?}: {reason}")))?;
            entries.entry(key(registry)).or_default().push(credentials);
        }
        Ok(Self { entries })
    }
}

impl fmt::Debug for DockerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.entries).finish()
    }
}

fn refuse(reason: &str) -> OciError {
    OciError::Credentials { reason: format!("docker config: {reason}") }
}

fn object(json: &[u8]) -> Result<Map<String, Value>, OciError> {
    if json.len() > MAX_BYTES {
        return Err(refuse(&format!("larger than {MAX_BYTES} bytes")));
    }
    // What the JSON parser says would repeat a piece of the file, which is a secret.
    serde_json::from_slice(json).map_err(|error| {
        refuse(&format!("not a JSON object (line {}, column {})", error.line(), error.column()))
    })
}

fn read_entry(entry: &Value) -> Result<RegistryCredentials, &'static str> {
    let entry = match entry {
        Value::Null => return Ok(RegistryCredentials::anonymous()),
        Value::Object(entry) => entry,
        _ => return Err("not an object"),
    };
    let field = |name: &str| match entry.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)) {
        None | Some((_, Value::Null)) => Ok(""),
        Some((_, Value::String(text))) => Ok(text.as_str()),
        Some(_) => Err("a field is not a string"),
    };
    let (mut username, mut password) = (field("username")?.to_owned(), field("password")?.to_owned());
    let (identity, registry) = (field("identitytoken")?, field("registrytoken")?);
    let auth = field("auth")?;
    if !auth.is_empty() {
        (username, password) = decode(auth)?;
    }
    Ok(RegistryCredentials(if !registry.is_empty() {
        Kind::Bearer(SecretString::from(registry))
    } else if !identity.is_empty() {
        Kind::Identity { username, token: SecretString::from(identity) }
    } else if username.is_empty() || password.is_empty() {
        Kind::Anonymous
    } else {
        Kind::Basic { username, password: SecretString::from(password) }
    }))
}

/// Decodes the field `auth`: base64 of `username:password`, with or without padding, perhaps broken into lines.
fn decode(auth: &str) -> Result<(String, String), &'static str> {
    let text: String = auth.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let engine = if text.trim().ends_with('=') { &STANDARD } else { &STANDARD_NO_PAD };
    let bytes = engine.decode(text).map_err(|_| "unable to decode auth field: not base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "unable to decode auth field: not UTF-8")?;
    let (username, password) = text
        .split_once(':')
        .ok_or("unable to decode auth field: must be formatted as base64(username:password)")?;
    Ok((username.to_owned(), password.to_owned()))
}

/// Returns host and path of an entry's name.
fn key(registry: &str) -> String {
    let name =
        registry.strip_prefix("https://").or_else(|| registry.strip_prefix("http://")).unwrap_or(registry);
    let name = &name[..name.find(['?', '#']).unwrap_or(name.len())];
    let (host, path) = name.split_at(name.find('/').unwrap_or(name.len()));
    let path = if path.starts_with("/v1/") || path.starts_with("/v2/") { &path[3..] } else { path };
    if path == "/" { host.to_owned() } else { format!("{host}{path}") }
}

fn matches(key: &str, target: &str) -> bool {
    let split = |text: &'_ str| -> (String, String, String) {
        let (address, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (address, ""),
        };
        (host.to_owned(), port.to_owned(), path.to_owned())
    };
    let ((glob, port, path), (host, target_port, target_path)) = (split(key), split(target));
    let (globs, parts) = (glob.split('.').collect::<Vec<_>>(), host.split('.').collect::<Vec<_>>());
    port == target_port
        && globs.len() == parts.len()
        && target_path.starts_with(&path)
        && globs.iter().zip(parts).all(|(glob, part)| glob_matches(glob, part))
}

/// Matches one part of a host, where each `*` stands for any letters.
fn glob_matches(glob: &str, text: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else { return glob == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return text.ends_with(piece);
        }
        // The first place is the best: it leaves the most for the pieces behind.
        match text.find(piece) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    true
}
