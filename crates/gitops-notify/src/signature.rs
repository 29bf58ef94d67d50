//! Signatures over bodies, and comparing without telling how far it went.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::encode::{hex, unhex};

/// Returns the HMAC-SHA256 as hexadecimal digits.
pub(crate) fn hmac_sha256(key: &[u8], body: &[u8]) -> String {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => hex(&mac.chain_update(body).finalize().into_bytes()),
        // HMAC takes keys of any length.
        Err(_) => String::new(),
    }
}

/// The hash functions of a signature such as `sha256=…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    /// Returns the algorithm and the bytes of a signature written as `ALGORITHM=HEX`.
    pub(crate) fn parse(signature: &str) -> Option<(Self, Vec<u8>)> {
        let (name, digits) = signature.split_once('=')?;
        let algorithm = match name {
            "sha1" => Self::Sha1,
            "sha256" => Self::Sha256,
            "sha512" => Self::Sha512,
            _ => return None,
        };
        Some((algorithm, unhex(digits)?))
    }

    /// Returns whether `signature` is the whole HMAC of the body; takes as long whether or not it is.
    pub(crate) fn verify(self, key: &[u8], body: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Sha1 => {
                verified(Hmac::<Sha1>::new_from_slice(key).map(|mac| mac.chain_update(body)), signature)
            }
            Self::Sha256 => {
                verified(Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(body)), signature)
            }
            Self::Sha512 => {
                verified(Hmac::<Sha512>::new_from_slice(key).map(|mac| mac.chain_update(body)), signature)
            }
        }
    }
}

fn verified<M: hmac::Mac, E>(mac: Result<M, E>, signature: &[u8]) -> bool {
    mac.is_ok_and(|mac| mac.verify_slice(signature).is_ok())
}

/// Returns whether two secrets are equal; takes as long wherever they differ, and does not tell their lengths.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    // Comparing the MACs of both under one key: what differs in them says nothing about what differs in the secrets.
    let Ok(key) = Hmac::<Sha256>::new_from_slice(b"gitops-notify compares secrets") else { return false };
    let expected = key.clone().chain_update(a).finalize().into_bytes();
    key.chain_update(b).verify_slice(&expected).is_ok()
}
