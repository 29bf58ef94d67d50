//! Why a file is not decrypted.

use std::error::Error;
use std::fmt;

use super::Format;

/// Why a file or object is not decrypted. No text holds a value of the file, decrypted or not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// The file is not of its format, or SOPS' own part of it cannot be read.
    #[error("failed to load encrypted {format} data: {reason}")]
    Load {
        /// The format that it was read as.
        format: Format,
        /// What is wrong, and where.
        reason: String,
    },
    /// Nothing in the file is SOPS'.
    #[error("failed to load encrypted {format} data: sops metadata not found")]
    NotEncrypted {
        /// The format that it was read as.
        format: Format,
    },
    /// No key opens the file.
    #[error("cannot get sops data key: {0}")]
    NoKey(NoKey),
    /// A value cannot be decrypted, or is not encrypted where it must be.
    #[error("error decrypting sops tree: value of '{path}': {reason}")]
    Value {
        /// The keys that lead to it, with a point between them.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The file was changed after it was encrypted.
    #[error("failed to verify sops data integrity: {0}")]
    Mac(&'static str),
    /// The content cannot be printed in the wanted format.
    #[error("failed to emit encrypted {input} file as decrypted {output}: {reason}")]
    Emit {
        /// The format that was read.
        input: Format,
        /// The wanted format.
        output: Format,
        /// What is wrong.
        reason: String,
    },
    /// A bound of [`DecryptLimits`](super::DecryptLimits) is passed.
    #[error("{what} is larger than {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// A private key, or the credentials of a service, cannot be used.
    #[error("{0}")]
    Import(String),
    /// What was being decrypted, before the error itself.
    #[error("{context}: {error}")]
    Within {
        /// The object or file, as Flux names it.
        context: String,
        /// Why it is not decrypted.
        error: Box<DecryptError>,
    },
}

impl DecryptError {
    /// Returns the error without the words about what was being decrypted.
    pub fn innermost(&self) -> &Self {
        match self {
            Self::Within { error, .. } => error.innermost(),
            other => other,
        }
    }

    /// Puts the words about what was being decrypted before the error.
    #[must_use]
    pub fn within(self, context: impl Into<String>) -> Self {
        Self::Within { context: context.into(), error: Box::new(self) }
    }
}

/// Which keys were tried, and what came of each.
///
/// Prints as the `sops` command tells it: a paragraph for each group of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoKey {
    pub(super) groups: Vec<Vec<KeyOutcome>>,
    /// What is wrong beyond single keys.
    pub(super) reason: Option<String>,
}

/// One key and why it did not open the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyOutcome {
    pub(super) key: String,
    /// Nothing for a key that did its part.
    pub(super) failure: Option<String>,
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to get the data key required to decrypt the SOPS file")?;
        for (index, group) in self.groups.iter().enumerate() {
            let opened = group.iter().any(|outcome| outcome.failure.is_none());
            write!(f, "\n\nGroup {index}: {}", if opened { "SUCCESS" } else { "FAILED" })?;
            for outcome in group {
                match &outcome.failure {
                    None => write!(f, "\n  {}: SUCCESS", outcome.key)?,
                    Some(failure) => {
                        write!(f, "\n  {}: FAILED", outcome.key)?;
                        for (at, line) in failure.lines().enumerate() {
                            write!(f, "\n    {} | {line}", if at == 0 { '-' } else { ' ' })?;
                        }
                    }
                }
            }
        }
        match &self.reason {
            Some(reason) => write!(f, "\n\n{reason}"),
            None => Ok(()),
        }
    }
}

/// Why a key service did not decrypt a data key. The text must hold no secret.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct KeyServiceError {
    text: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl KeyServiceError {
    /// Returns an error with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), source: None }
    }

    /// Adds what lies behind it.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}
