//! Reading Secrets and ConfigMaps that an object refers to.

use std::collections::BTreeMap;

use gitops_source::git::ProxyOptions;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use secrecy::SecretString;

/// The entries of a Secret. No debug output shows a value.
#[derive(Clone, Default)]
pub(crate) struct Entries(BTreeMap<String, Vec<u8>>);

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Entries {
    /// Reads a Secret.
    ///
    /// # Errors
    /// The server's error; a missing Secret is one of them.
    pub(crate) async fn of_secret(client: &Client, namespace: &str, name: &str) -> Result<Self, kube::Error> {
        let secret = Api::<Secret>::namespaced(client.clone(), namespace).get(name).await?;
        Ok(Self(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect()))
    }

    /// Reads a ConfigMap.
    ///
    /// # Errors
    /// The server's error; a missing ConfigMap is one of them.
    pub(crate) async fn of_config_map(
        client: &Client,
        namespace: &str,
        name: &str,
    ) -> Result<Self, kube::Error> {
        let map = Api::<ConfigMap>::namespaced(client.clone(), namespace).get(name).await?;
        Ok(Self(
            map.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.into_bytes())).collect(),
        ))
    }

    /// Returns the bytes of an entry.
    pub(crate) fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(Vec::as_slice)
    }

    /// Returns an entry as text; what is no UTF-8 counts as absent.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.bytes(key).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned)
    }

    /// Returns an entry as a secret text.
    pub(crate) fn secret(&self, key: &str) -> Option<SecretString> {
        self.text(key).map(SecretString::from)
    }

    /// Returns all entries, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_slice()))
    }

    /// Returns all entries that are text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(key, value)| Some((key.as_str(), std::str::from_utf8(value).ok()?)))
    }
}

/// Reads a Secret that names a proxy: keys `address` and, if it asks for them, `username` and `password`.
///
/// # Errors
/// What is wrong, in Flux's words.
pub(crate) async fn proxy(client: &Client, namespace: &str, name: &str) -> Result<ProxyOptions, String> {
    let entries = Entries::of_secret(client, namespace, name).await.map_err(|error| {
        if is_not_found(&error) {
            format!("secret '{namespace}/{name}' not found")
        } else {
            server_text(&error)
        }
    })?;
    let Some(address) = entries.text("address") else {
        return Err(format!("invalid proxy secret '{namespace}/{name}': key 'address' is missing"));
    };
    let options = ProxyOptions::new(address);
    Ok(match (entries.text("username"), entries.secret("password")) {
        (Some(username), Some(password)) => options.with_credentials(username, password),
        _ => options,
    })
}

/// Returns the server's own words of an error, as Go's clients print it, for example `secrets "x" not found`.
pub(crate) fn server_text(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Tells whether the server said that the object does not exist.
pub(crate) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}
