//! What can be wrong with a text of one of the languages.

use thiserror::Error;

/// Why a text was refused.
///
/// The wording is that of Masterminds/semver, since it ends in the condition messages that users of Flux know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a version.
    #[error("{fault}")]
    Version {
        /// The whole text.
        text: String,
        /// What is wrong with it.
        fault: VersionFault,
    },
    /// The text is not a version constraint: it does not follow the grammar.
    #[error("improper constraint: {part}")]
    Constraint {
        /// The alternative (the text between two `||`) that does not follow the grammar.
        part: String,
    },
    /// A version inside of a constraint follows the grammar but is no version, such as `1.2.xx` or `1.0.0-01`.
    #[error("constraint parser error")]
    ConstraintVersion {
        /// The comparison that holds the version.
        part: String,
    },
    /// The constraint is longer than [`MAX_CONSTRAINT_BYTES`](crate::constraint::MAX_CONSTRAINT_BYTES).
    #[error("version constraint of {length} bytes is longer than {limit}")]
    ConstraintTooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// What is wrong with a version text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VersionFault {
    /// The text is empty where a strict version was asked for.
    #[error("version string empty")]
    Empty,
    /// The text has not the shape of a version.
    #[error("invalid semantic version")]
    Shape,
    /// A part that must be a number holds something else.
    #[error("invalid characters in version")]
    Characters,
    /// A number starts with a zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// A number does not fit into 64 bits.
    #[error("error parsing version segment: strconv.ParseUint: parsing {number:?}: value out of range")]
    TooLarge {
        /// The number.
        number: String,
    },
    /// The prerelease has an empty part or a character outside of `[0-9A-Za-z-]`.
    #[error("invalid prerelease string")]
    Prerelease,
    /// The build metadata has an empty part or a character outside of `[0-9A-Za-z-]`.
    #[error("invalid metadata string")]
    Metadata,
}
