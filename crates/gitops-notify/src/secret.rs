//! What stands in a Secret, without a way to print it by mistake.

use std::collections::BTreeMap;
use std::fmt;

use gitops_api::k8s_openapi::api::core::v1::Secret;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

/// The data of a Secret: key → bytes. `Debug` shows the keys only.
#[derive(Clone, Default)]
pub struct SecretData(BTreeMap<String, SecretSlice<u8>>);

impl SecretData {
    /// Returns the data with these keys.
    ///
    /// ```
    /// use gitops_notify::SecretData;
    ///
    /// let data = SecretData::new([("token", "s3cret")]);
    /// assert_eq!(data.bytes("token"), Some(b"s3cret".as_slice()));
    /// assert_eq!(format!("{data:?}"), r#"SecretData["token"]"#);
    /// ```
    pub fn new<K: Into<String>, V: Into<Vec<u8>>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.into(), value.into().into())).collect())
    }

    /// Returns the bytes of a key as they stand in the Secret; a newline at the end counts.
    #[must_use]
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(|value| value.expose_secret())
    }

    /// Returns the text of a key without white space around it, as Flux reads most settings; bytes that are no text are
    /// replaced.
    pub(crate) fn text(&self, key: &str) -> Option<SecretString> {
        self.bytes(key).map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned().into())
    }

    /// Returns everything that must not appear in a text.
    pub(crate) fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.0.values().map(|value| value.expose_secret())
    }

    /// Returns keys and values, for a fingerprint.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.expose_secret()))
    }
}

impl From<&Secret> for SecretData {
    fn from(secret: &Secret) -> Self {
        let data = secret.data.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone()));
        let text = secret.string_data.iter().flatten();
        Self::new(data.chain(text.map(|(key, value)| (key.clone(), value.clone().into_bytes()))))
    }
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretData")?;
        f.debug_list().entries(self.0.keys()).finish()
    }
}
