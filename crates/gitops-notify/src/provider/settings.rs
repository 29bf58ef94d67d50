//! A provider's spec and its Secrets become what a message needs.

use std::collections::BTreeMap;
use std::time::Duration;

use gitops_api::notification_v1beta3::{ProviderKind, ProviderSpec};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::tls::{Proxy, Tls};
use crate::encode::base64;
use crate::{NotifyError, Redactor, SecretData};

/// How long a service may take to answer when the provider says nothing, as in Flux.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What the caller read from the Secrets that a provider names; a Secret that is named and not there is `None`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Credentials {
    /// The data of `spec.secretRef`: `address`, `token`, `username`, `password`, `headers`, `proxy`.
    pub secret: Option<SecretData>,
    /// The data of `spec.certSecretRef`: `ca.crt`, `tls.crt`, `tls.key`.
    pub certificates: Option<SecretData>,
    /// The data of `spec.proxySecretRef`: `address`, `username`, `password`.
    pub proxy: Option<SecretData>,
}

impl Credentials {
    /// Returns the credentials with the data of `spec.secretRef`.
    #[must_use]
    pub fn secret(mut self, data: SecretData) -> Self {
        self.secret = Some(data);
        self
    }

    /// Returns the credentials with the data of `spec.certSecretRef`.
    #[must_use]
    pub fn certificates(mut self, data: SecretData) -> Self {
        self.certificates = Some(data);
        self
    }

    /// Returns the credentials with the data of `spec.proxySecretRef`.
    #[must_use]
    pub fn proxy(mut self, data: SecretData) -> Self {
        self.proxy = Some(data);
        self
    }

    /// Returns a redactor of everything in them, and of what is secret in the spec.
    pub(crate) fn redactor(&self, spec: &ProviderSpec) -> Redactor {
        let secrets = [&self.secret, &self.certificates, &self.proxy];
        let headers =
            self.secret.as_ref().and_then(|data| headers(&spec.kind, data).ok()).unwrap_or_default();
        let mut apart: Vec<Vec<u8>> = headers.values().map(|value| value.as_bytes().to_vec()).collect();
        let written = [&spec.address, &spec.proxy].into_iter().flatten().cloned().map(SecretString::from);
        let read = secrets.into_iter().flatten().flat_map(|data| [data.text("address"), data.text("proxy")]);
        for address in written.chain(read.flatten()) {
            apart.extend(secrets_of(address.expose_secret()).into_iter().map(String::into_bytes));
        }
        let values = secrets.into_iter().flatten().flat_map(SecretData::values);
        Redactor::new(values.chain(apart.iter().map(Vec::as_slice)))
    }

    /// Returns a digest of all of it, to notice a change without keeping a copy.
    pub(crate) fn fingerprint(&self, spec: &ProviderSpec) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(&serde_json::to_vec(spec).unwrap_or_default());
        for data in [&self.secret, &self.certificates, &self.proxy] {
            add(if data.is_some() { b"present" } else { b"absent" });
            for (key, value) in data.iter().flat_map(SecretData::entries) {
                add(key.as_bytes());
                add(value);
            }
        }
        hash.finalize().into()
    }
}

/// What settings may hold.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SettingsOptions {
    /// Whether a provider may name the ServiceAccount that it authenticates as: Flux's feature gate
    /// `ObjectLevelWorkloadIdentity`.
    pub object_level_identity: bool,
}

impl SettingsOptions {
    /// Returns the options with providers that may name a ServiceAccount, or may not.
    #[must_use]
    pub fn object_level_identity(mut self, allowed: bool) -> Self {
        self.object_level_identity = allowed;
        self
    }
}

/// A provider's spec and Secrets, read and checked. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    kind: ProviderKind,
    address: SecretString,
    channel: String,
    username: String,
    token: SecretString,
    password: SecretString,
    headers: HeaderMap,
    timeout: Duration,
    pub(super) tls: Tls,
    pub(super) proxy: Option<Proxy>,
    redactor: Redactor,
}

impl Settings {
    /// Reads a provider's spec and the data of its Secrets.
    ///
    /// The Secret's `address`, `username` and `proxy` stand before those of the spec; `proxySecretRef` stands before both.
    ///
    /// # Errors
    /// [`NotifyError::Settings`] when a Secret that the spec names is missing, or something cannot be used.
    pub fn new(
        spec: &ProviderSpec,
        credentials: &Credentials,
        options: &SettingsOptions,
    ) -> Result<Self, NotifyError> {
        let kind = &spec.kind;
        let named = [
            (&spec.secret_ref, &credentials.secret),
            (&spec.cert_secret_ref, &credentials.certificates),
            (&spec.proxy_secret_ref, &credentials.proxy),
        ];
        for (reference, data) in named {
            if let (Some(reference), None) = (reference, data) {
                return Err(NotifyError::settings(kind, format!("secret '{}' not found", reference.name)));
            }
        }
        let account = spec.service_account_name.as_deref().unwrap_or_default();
        if !account.is_empty() && !options.object_level_identity {
            let why = "serviceAccountName needs object-level workload identity, which is switched off";
            return Err(NotifyError::settings(kind, why));
        }
        let empty = SecretData::default();
        let data = credentials.secret.as_ref().unwrap_or(&empty);
        let of_secret = |key: &str| data.text(key);
        let written = |text: &Option<String>| text.clone().unwrap_or_default();
        let timeout = match &spec.timeout {
            Some(timeout) => timeout.get().map_err(|error| NotifyError::Settings {
                kind: kind.to_string(),
                reason: "timeout cannot be read".to_owned(),
                source: Some(error.into()),
            })?,
            None => TIMEOUT,
        };
        let proxy = of_secret("proxy").unwrap_or_else(|| written(&spec.proxy).into());
        Ok(Self {
            kind: kind.clone(),
            address: of_secret("address").unwrap_or_else(|| written(&spec.address).into()),
            channel: written(&spec.channel),
            username: match of_secret("username") {
                Some(username) => username.expose_secret().to_owned(),
                None => written(&spec.username),
            },
            token: of_secret("token").unwrap_or_default(),
            password: of_secret("password").unwrap_or_default(),
            headers: headers(kind, data)?,
            timeout,
            tls: Tls::new(kind, credentials.certificates.as_ref())?,
            proxy: Proxy::new(kind, &proxy, credentials.proxy.as_ref())?,
            redactor: credentials.redactor(spec),
        })
    }

    /// Returns the provider's kind.
    #[must_use]
    pub fn kind(&self) -> &ProviderKind {
        &self.kind
    }

    /// Returns the address as it was written, for services whose address is no URL.
    #[must_use]
    pub fn address(&self) -> &SecretString {
        &self.address
    }

    /// Returns the address as a URL of HTTP.
    ///
    /// # Errors
    /// [`NotifyError::Settings`] when it is none; the text does not name it, since many addresses are secret.
    pub fn url(&self) -> Result<Address, NotifyError> {
        Address::new(&self.kind, self.address.expose_secret())
    }

    /// Returns where in the service events appear; empty when it is not said.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Returns the name under which events appear; empty when it is not said.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Returns the token, if there is one.
    #[must_use]
    pub fn token(&self) -> Option<&SecretString> {
        Some(&self.token).filter(|token| !token.expose_secret().is_empty())
    }

    /// Returns the password, if there is one.
    #[must_use]
    pub fn password(&self) -> Option<&SecretString> {
        Some(&self.password).filter(|password| !password.expose_secret().is_empty())
    }

    /// Returns the headers that the Secret adds to requests.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns how long the service may take to answer; 15 s when the provider says nothing.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns what takes the provider's secrets out of texts.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }
}

/// The URL of a service. Most carry a secret, so `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Address(Url);

impl Address {
    pub(super) fn new(kind: &ProviderKind, text: &str) -> Result<Self, NotifyError> {
        let refused = |why: &str| NotifyError::settings(kind, format!("address {why}"));
        if text.is_empty() {
            return Err(refused("is empty; set spec.address or the Secret's key 'address'"));
        }
        let url = Url::parse(text).map_err(|error| refused(&format!("is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("is neither http nor https"));
        }
        url.as_str().parse::<http::Uri>().map_err(|_| refused("has letters that no URL has"))?;
        Ok(Self(url))
    }

    /// Returns the URL's text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(*****)")
    }
}

/// Returns what may be secret in an address: the whole, who stands before the host, and the longer parts of path and query,
/// which is where webhooks carry their keys.
fn secrets_of(address: &str) -> Vec<String> {
    const SHORTEST_KEY: usize = 12;
    let mut found = vec![address.to_owned()];
    let Ok(url) = Url::parse(address) else { return found };
    found.extend([url.username(), url.password().unwrap_or_default()].map(str::to_owned));
    let user = format!("{}:{}", url.username(), url.password().unwrap_or_default());
    if user != ":" {
        found.push(base64(user.as_bytes()));
    }
    let path = url.path_segments().into_iter().flatten().map(str::to_owned);
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    found.extend(path.chain(query).filter(|part| part.len() >= SHORTEST_KEY));
    found
}

/// Reads the Secret's `headers`: a YAML map of texts. Those that belong to the connection are left out, as Go's client does.
fn headers(kind: &ProviderKind, data: &SecretData) -> Result<HeaderMap, NotifyError> {
    const OF_CONNECTION: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "trailer"];
    let refused = |why: &str| NotifyError::settings(kind, format!("the Secret's key 'headers' {why}"));
    let Some(text) = data.bytes("headers").filter(|text| !text.trim_ascii().is_empty()) else {
        return Ok(HeaderMap::new());
    };
    let map: BTreeMap<String, String> = serde_saphyr::from_slice(text)
        .map_err(|_| refused("is no YAML map of texts, such as `X-Team: blue`"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in map {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("has a name that no header has"))?;
        let mut value =
            HeaderValue::from_str(&value).map_err(|_| refused("has a value that no header has"))?;
        value.set_sensitive(true);
        if !OF_CONNECTION.contains(&name.as_str()) {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}
