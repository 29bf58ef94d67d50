//! What may open files: private keys, and services that hold keys.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use pgp::composed::SignedSecretKey;
use secrecy::SecretSlice;

use super::age_keys::{self, AgeIdentity};
use super::error::{DecryptError, KeyOutcome, KeyServiceError, NoKey};
use super::master_key::MasterKey;
use super::metadata::Metadata;
use super::{pgp_keys, shamir};

/// A data key that is on its way.
pub type KeyFuture<'a> = Pin<Box<dyn Future<Output = Result<SecretSlice<u8>, KeyServiceError>> + Send + 'a>>;

/// Opens data keys somewhere else: a cloud's key management, a Vault. The clients are in `gitops-cloud`.
///
/// An implementation bounds what it waits for and reads, and keeps secrets out of its errors.
pub trait KeyService: Send + Sync {
    /// Decrypts the data key that a master key holds, or returns nothing for a kind of key that is not its own.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    fn decrypt<'a>(&'a self, key: &'a MasterKey) -> Option<KeyFuture<'a>>;
}

/// Private keys and key services, as a Secret for decryption holds them.
///
/// Debug output shows how many keys there are and nothing of them.
///
/// # Examples
/// ```
/// use gitops_kustomize::decrypt::Keyring;
///
/// let mut keys = Keyring::new();
/// keys.import_age("# created by age-keygen\nAGE-SECRET-KEY-16HU9LHPKV2EEETXVZYXL7XQ657TTGZ2KREA7ZCLUUPFVALAD3HPQPKS0D3\n")?;
/// assert!(keys.import_age("no key").is_err());
/// # Ok::<(), gitops_kustomize::decrypt::DecryptError>(())
/// ```
#[derive(Default)]
pub struct Keyring {
    age: Vec<AgeIdentity>,
    pgp: Vec<SignedSecretKey>,
    services: Vec<Arc<dyn KeyService>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("age", &self.age.len())
            .field("pgp", &self.pgp.len())
            .field("services", &self.services.len())
            .finish()
    }
}

impl Keyring {
    /// Returns a keyring that opens nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds age identities: a file as `age-keygen` writes it, one identity a line.
    ///
    /// Post-quantum identities and those of plugins are taken too, but open nothing; an error about a file that no key
    /// opens then names them.
    ///
    /// # Errors
    /// [`DecryptError::Import`] when a line is neither an identity nor a comment nor empty.
    pub fn import_age(&mut self, text: &str) -> Result<(), DecryptError> {
        self.age.extend(age_keys::parse(text).map_err(DecryptError::Import)?);
        Ok(())
    }

    /// Adds an SSH private key (ed25519 or rsa, without passphrase) as an age identity.
    ///
    /// # Errors
    /// [`DecryptError::Import`] when it is none.
    pub fn import_ssh(&mut self, text: &str) -> Result<(), DecryptError> {
        self.age.push(age_keys::parse_ssh(text).map_err(DecryptError::Import)?);
        Ok(())
    }

    /// Adds PGP private keys, armoured or binary, as `gpg --export-secret-keys` writes them. Public keys in the file are
    /// left out, and a key with a passphrase opens nothing.
    ///
    /// # Errors
    /// [`DecryptError::Import`] when the file holds no PGP key.
    pub fn import_pgp(&mut self, bytes: &[u8]) -> Result<(), DecryptError> {
        self.pgp.extend(pgp_keys::parse(bytes).map_err(DecryptError::Import)?);
        Ok(())
    }

    /// Adds a service that is asked for keys of its kind.
    #[must_use]
    pub fn with_service(mut self, service: Arc<dyn KeyService>) -> Self {
        self.services.push(service);
        self
    }

    /// Returns the data key of a file.
    pub(super) async fn data_key(&self, metadata: &Metadata) -> Result<SecretSlice<u8>, DecryptError> {
        let mut report = NoKey::default();
        let mut parts = Vec::new();
        for group in &metadata.groups {
            let (part, outcomes) = self.open_group(group).await;
            parts.extend(part);
            report.groups.push(outcomes);
        }
        let refused = |report: NoKey, reason: String| {
            Err(DecryptError::NoKey(NoKey { reason: Some(reason), ..report }))
        };
        if metadata.groups.len() == 1 {
            return match parts.pop() {
                Some(key) => Ok(key),
                None => {
                    refused(report, "no key was able to decrypt the file; at least one has to".to_owned())
                }
            };
        }
        let (opened, groups, needed) = (parts.len(), metadata.groups.len(), metadata.threshold);
        if opened < needed {
            return refused(report, format!("{opened} of {groups} groups were opened; {needed} are needed"));
        }
        match shamir::combine(&parts) {
            Ok(key) => Ok(key),
            Err(reason) => refused(report, reason.to_owned()),
        }
    }

    /// Tries the keys of a group until one opens it.
    async fn open_group(&self, group: &[MasterKey]) -> (Option<SecretSlice<u8>>, Vec<KeyOutcome>) {
        let mut keys: Vec<&MasterKey> = group.iter().collect();
        keys.sort_by_key(|key| key.rank());
        let mut outcomes = Vec::new();
        for key in keys {
            let (part, failure) = match self.open(key).await {
                Ok(part) => (Some(part), None),
                Err(failure) => (None, Some(failure)),
            };
            outcomes.push(KeyOutcome { key: key.to_string(), failure });
            if part.is_some() {
                return (part, outcomes);
            }
        }
        (None, outcomes)
    }

    async fn open(&self, key: &MasterKey) -> Result<SecretSlice<u8>, String> {
        match key {
            MasterKey::Age { encrypted, .. } => return age_keys::decrypt(encrypted, &self.age),
            MasterKey::Pgp { encrypted, .. } => {
                return pgp_keys::decrypt(encrypted, &self.pgp).map_err(str::to_owned);
            }
            _ => {}
        }
        let mut failure = None;
        for service in &self.services {
            if let Some(answer) = service.decrypt(key) {
                match answer.await {
                    Ok(part) => return Ok(part),
                    Err(error) => failure = Some(error.to_string()),
                }
            }
        }
        Err(failure.unwrap_or_else(|| "no credentials for this kind of key were given".to_owned()))
    }
}
