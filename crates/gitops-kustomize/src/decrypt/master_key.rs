//! The keys that a file names: each holds the data key, encrypted for somebody.

use std::collections::BTreeMap;
use std::fmt;

/// A key that a file's data key was encrypted with, and the result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MasterKey {
    /// An age recipient, or an SSH key as one.
    Age {
        /// The recipient, as the file names it.
        recipient: String,
        /// The armoured age file.
        encrypted: String,
    },
    /// A PGP key.
    Pgp {
        /// The fingerprint.
        fingerprint: String,
        /// The armoured PGP message.
        encrypted: String,
    },
    /// A key of AWS KMS.
    Aws {
        /// The key's ARN, which names its region.
        arn: String,
        /// The role to take on before, empty for none.
        role: String,
        /// The encryption context.
        context: BTreeMap<String, String>,
        /// The ciphertext, as base64.
        encrypted: String,
    },
    /// A key of GCP KMS.
    Gcp {
        /// `projects/…/locations/…/keyRings/…/cryptoKeys/…`
        resource_id: String,
        /// The ciphertext, as base64.
        encrypted: String,
    },
    /// A key of Azure Key Vault.
    Azure {
        /// The vault's address.
        vault_url: String,
        /// The key's name.
        name: String,
        /// The key's version.
        version: String,
        /// The ciphertext, as base64 for addresses without padding.
        encrypted: String,
    },
    /// A key of the transit engine of HashiCorp Vault or OpenBao.
    Vault {
        /// The server's address.
        address: String,
        /// Where the engine is mounted.
        engine_path: String,
        /// The key's name.
        name: String,
        /// The ciphertext: `vault:v1:…`.
        encrypted: String,
    },
    /// A key of Huawei Cloud, which nothing here opens.
    Huawei {
        /// The region and the key's id.
        key_id: String,
    },
}

impl MasterKey {
    /// The place among the keys of one group, in sops' default order of trying: age, PGP, then the services.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Age { .. } => 0,
            Self::Pgp { .. } => 1,
            _ => 2,
        }
    }
}

/// The name of the key, as sops prints it. It holds nothing secret.
impl fmt::Display for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age { recipient, .. } => f.write_str(recipient),
            Self::Pgp { fingerprint, .. } => f.write_str(fingerprint),
            Self::Aws { arn, .. } => f.write_str(arn),
            Self::Gcp { resource_id, .. } => f.write_str(resource_id),
            Self::Azure { vault_url, name, version, .. } => write!(f, "{vault_url}/keys/{name}/{version}"),
            Self::Vault { address, engine_path, name, .. } => {
                write!(f, "{}/v1/{engine_path}/keys/{name}", address.trim_end_matches('/'))
            }
            Self::Huawei { key_id } => f.write_str(key_id),
        }
    }
}
