//! Content digests, `algorithm:hex`.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

/// A checksum with the name of its algorithm.
///
/// ```
/// use gitops_api::{Digest, DigestAlgorithm};
///
/// let digest: Digest = "sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738".parse()?;
/// assert_eq!(digest.algorithm(), DigestAlgorithm::Sha1);
/// assert_eq!(digest.to_string(), "sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738");
/// assert!("sha1:5394".parse::<Digest>().is_err());
/// # Ok::<(), gitops_api::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    hex: String,
}

impl Digest {
    /// Returns the digest with this checksum in lower-case hexadecimal.
    ///
    /// # Errors
    /// When the checksum has another length than the algorithm's, or other characters than `0-9a-f`.
    pub fn new(algorithm: DigestAlgorithm, hex: impl Into<String>) -> Result<Self, ParseError> {
        let hex = hex.into();
        let refuse = |problem| ParseError::Digest { text: format!("{algorithm}:{hex}"), problem };
        if hex.len() != algorithm.hex_len() {
            return Err(refuse("the checksum has another length than the algorithm's"));
        }
        if !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(refuse("the checksum is not lower-case hexadecimal"));
        }
        Ok(Self { algorithm, hex })
    }

    /// Returns the digest with this checksum as bytes.
    ///
    /// # Errors
    /// When there are more or fewer bytes than the algorithm makes.
    pub fn from_bytes(algorithm: DigestAlgorithm, bytes: &[u8]) -> Result<Self, ParseError> {
        let mut hex = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            for nibble in [byte >> 4, byte & 0xf] {
                hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        Self::new(algorithm, hex)
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Returns the checksum in lower-case hexadecimal.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

impl FromStr for Digest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refuse = |problem| ParseError::Digest { text: text.to_owned(), problem };
        let (algorithm, hex) = text.split_once(':').ok_or_else(|| refuse("there is no colon"))?;
        let algorithm = DigestAlgorithm::from_name(algorithm)
            .ok_or_else(|| refuse("the algorithm is none of sha1, sha256, sha384, sha512, blake3"))?;
        Self::new(algorithm, hex)
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A digest algorithm that Flux offers.
///
/// Source: `--artifact-digest-algo` of source-controller; `sha1` also names Git commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// SHA-1, of Git commits.
    Sha1,
    /// SHA-256, the default of artifacts.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// BLAKE3 with 32 bytes.
    Blake3,
}

impl DigestAlgorithm {
    /// All algorithms, in the order of their declaration.
    pub const ALL: [Self; 5] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512, Self::Blake3];

    /// Returns the algorithm with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Returns the name as digests carry it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    /// Returns the length of a checksum in hexadecimal characters.
    pub fn hex_len(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 | Self::Blake3 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
