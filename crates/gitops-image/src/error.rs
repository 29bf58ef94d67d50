//! The one error of this crate.

use gitops_api::{Failure, reasons};
use gitops_expr::regexp::RegexpError;
use gitops_manifest::TreeError;
use gitops_source::oci::OciError;

/// Why tags could not become a decision, or a decision no edit.
///
/// The texts are Flux's, since they end in the conditions that users of Flux know.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A policy says how tags are ordered in a way that cannot be followed.
    #[error("invalid policy: {reason}")]
    Policy {
        /// What is wrong with it.
        reason: String,
    },
    /// The pattern of a policy's tag filter cannot be read.
    #[error("failed to filter tags: invalid regular expression pattern '{pattern}': {fault}")]
    Filter {
        /// The pattern as it was given.
        pattern: String,
        /// What is wrong with it.
        fault: RegexpError,
    },
    /// No tag is left to choose from.
    #[error("version list argument cannot be empty")]
    NoTags,
    /// There are tags, but the policy wants none of them.
    #[error("unable to determine latest version from provided list")]
    NoMatch,
    /// A tag cannot be ordered, and the policy does not pass over such tags.
    #[error("failed to parse invalid numeric value '{text}'")]
    Number {
        /// What of the tag is ordered.
        text: String,
    },
    /// A pattern of an exclusion list cannot be read.
    #[error("failed to compile regex {pattern}: {fault}")]
    Exclusion {
        /// The pattern as it was given.
        pattern: String,
        /// What is wrong with it.
        fault: RegexpError,
    },
    /// There is more of something than is read.
    #[error("{amount} {what} are over the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        amount: usize,
        /// How much is read.
        limit: usize,
    },
    /// The registry could not be asked, or what it answered could not be used.
    #[error("scan failed: {0}")]
    Scan(OciError),
    /// The stored tags could not be read or written.
    #[error("{stage} '{path}' failed")]
    Store {
        /// What was being done.
        stage: &'static str,
        /// The file or directory.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text that is to be one name of a path is not.
    #[error("{what} {text:?} cannot be the name of a file or directory")]
    StoreName {
        /// What the text is.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// The image that a policy chose cannot be written into a file.
    #[error("failed to parse image reference '{image}' of policy '{policy}': {reason}")]
    Reference {
        /// The policy, as `namespace:name`.
        policy: String,
        /// The image as it was given.
        image: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nothing says where in files images are written, or a word that is not known does.
    #[error("{}", if strategy.is_empty() { "no update strategy given".to_owned() } else { format!("unsupported update strategy: {strategy}") })]
    Strategy {
        /// The word as it was given; empty when there is none.
        strategy: String,
    },
    /// A commit that was pushed has no id.
    #[error("commit to branch '{branch}' has no revision")]
    Push {
        /// The branch.
        branch: String,
    },
    /// The files that are to be edited could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl Failure for ImageError {
    fn reason(&self) -> &str {
        match self {
            Self::Policy { .. } | Self::Filter { .. } => reasons::INVALID_POLICY,
            Self::NoTags | Self::NoMatch | Self::Number { .. } => reasons::FAILURE,
            Self::Strategy { .. } => reasons::INVALID_UPDATE_STRATEGY,
            Self::Push { .. } => reasons::GIT_OPERATION_FAILED,
            Self::Reference { .. } | Self::Tree(_) => reasons::UPDATE_FAILED,
            Self::Scan(error) => error.reason(),
            Self::Exclusion { .. } | Self::Limit { .. } | Self::Store { .. } | Self::StoreName { .. } => {
                reasons::READ_OPERATION_FAILED
            }
        }
    }

    fn is_terminal(&self) -> bool {
        match self {
            Self::Policy { .. } | Self::Filter { .. } | Self::Strategy { .. } => true,
            Self::Scan(error) => error.is_terminal(),
            _ => false,
        }
    }
}
