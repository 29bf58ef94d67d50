//! The crate's error.

use crate::{Failure, reasons};

/// A text that is not what it should be.
///
/// Every variant names the text and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The text is no digest.
    #[error("'{text}' is no digest: {problem}; write <algorithm>:<hex>, for example sha256:9f86d081…")]
    Digest {
        /// The text.
        text: String,
        /// The rule that it breaks.
        problem: &'static str,
    },
    /// The text is no duration.
    #[error("'{text}' is no duration: {problem}; write for example 1m30s")]
    Duration {
        /// The text.
        text: String,
        /// The rule that it breaks.
        problem: &'static str,
    },
    /// The text is no object id, or the object has none.
    #[error("'{text}' is no object id: {problem}; its form is <namespace>_<name>_<group>_<kind>")]
    ObjectId {
        /// The text.
        text: String,
        /// The rule that it breaks.
        problem: &'static str,
    },
}

impl Failure for ParseError {
    fn reason(&self) -> &str {
        reasons::RECONCILIATION_FAILED
    }

    fn is_terminal(&self) -> bool {
        true
    }
}
