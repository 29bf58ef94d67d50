//! The entry: files, objects and whole trees, decrypted with a keyring.

use bytes::Bytes;

use super::document::{Encrypted, MacCheck};
use super::error::DecryptError;
use super::format::Format;
use super::keyring::Keyring;

/// How exact a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strictness {
    /// A file that was changed after it was encrypted is refused: its MAC is checked wherever the file is whole.
    #[default]
    Safe,
    /// As Flux: MACs are not looked at.
    Flux,
}

/// What decryption may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecryptLimits {
    /// The largest encrypted file in bytes; 5 MiB, as in Flux.
    pub file_bytes: usize,
}

impl Default for DecryptLimits {
    fn default() -> Self {
        Self { file_bytes: 5 << 20 }
    }
}

/// Decrypts what SOPS has encrypted.
///
/// Nothing here waits for anybody unless a file needs a key of a [`KeyService`](super::KeyService): with local keys alone
/// the futures are ready when they are first asked.
///
/// # Examples
/// ```no_run
/// use gitops_kustomize::Kustomize;
/// use gitops_kustomize::decrypt::{Decryptor, Keyring};
/// use gitops_manifest::DirectoryTree;
///
/// # async fn build() -> Result<(), Box<dyn std::error::Error>> {
/// let mut keys = Keyring::new();
/// keys.import_age(&std::fs::read_to_string("keys.agekey")?)?;
/// let decryptor = Decryptor::new(keys);
///
/// // Files that generators and patches name are decrypted before the build, objects after it.
/// let tree = DirectoryTree::open("fleet")?;
/// let kustomize = Kustomize::new("clusters/prod");
/// let manifests = kustomize.build(&decryptor.sources(&tree, &kustomize).await?)?;
/// let manifests = decryptor.objects(manifests).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it decrypts nothing by itself"]
pub struct Decryptor {
    keys: Keyring,
    strictness: Strictness,
    pub(super) limits: DecryptLimits,
}

impl Decryptor {
    /// Returns a decryptor that checks the MAC of every whole file.
    pub fn new(keys: Keyring) -> Self {
        Self { keys, strictness: Strictness::Safe, limits: DecryptLimits::default() }
    }

    /// Sets how exact the checks are.
    pub fn strictness(self, strictness: Strictness) -> Self {
        Self { strictness, ..self }
    }

    /// Sets what decryption may use up.
    pub fn limits(self, limits: DecryptLimits) -> Self {
        Self { limits, ..self }
    }

    /// Decrypts a file: reads it in one format and prints it in another, or the same.
    ///
    /// # Errors
    /// A [`DecryptError`], also when the file is not encrypted at all.
    ///
    /// # Difference from Flux
    /// With [`Strictness::Safe`] the MAC is checked, as the `sops` command does; Flux never does.
    pub async fn file(&self, content: &[u8], input: Format, output: Format) -> Result<Bytes, DecryptError> {
        let limit = self.limits.file_bytes;
        if content.len() > limit {
            return Err(DecryptError::Limit { what: "the encrypted file, in bytes,", limit });
        }
        let encrypted = Encrypted::read(content, input)?;
        let key = self.keys.data_key(&encrypted.metadata).await?;
        let check = match self.strictness {
            Strictness::Safe => MacCheck::On,
            Strictness::Flux => MacCheck::Off,
        };
        encrypted.decrypt(&key, check)?.print(output).map(Bytes::from)
    }

    /// Decrypts an object after the build, which has changed what its MAC was about.
    pub(super) async fn json(
        &self,
        map: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, DecryptError> {
        let encrypted = Encrypted::of_json(map)?;
        let key = self.keys.data_key(&encrypted.metadata).await?;
        encrypted.decrypt(&key, MacCheck::Off)?.into_json()
    }
}
