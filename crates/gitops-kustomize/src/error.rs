//! Why a build fails.

use gitops_api::{Failure, reasons};
use gitops_manifest::TreeError;

/// Why a directory cannot be built.
///
/// The texts are kustomize's and Flux's own wherever they are sensible, because users search for them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A file or directory that is named does not exist, or is of the wrong sort.
    #[error("{0}")]
    Missing(String),
    /// A text is no YAML, or no Kubernetes object.
    #[error("{0}")]
    Malformed(String),
    /// A kustomization file, or an option, says something it must not.
    #[error("{0}")]
    Invalid(String),
    /// A field that this version does not build.
    #[error("{0}")]
    NotSupported(String),
    /// Something that is never done: leaving the root, fetching from elsewhere, running programs.
    #[error("{0}")]
    Refused(String),
    /// Kustomizations that name each other.
    #[error("{0}")]
    Cycle(String),
    /// Two objects with one identity, or a name that could mean several.
    #[error("{0}")]
    Conflict(String),
    /// An option's limit is passed.
    #[error("{0}")]
    Limit(String),
    /// A transformer, patch or replacement cannot be applied.
    #[error("{0}")]
    Transform(String),
    /// A variable is missing or its expression is wrong.
    #[error("{0}")]
    Substitution(String),
}

impl BuildError {
    /// Puts the words of the stage before the text.
    #[must_use]
    pub(crate) fn within(self, stage: impl std::fmt::Display) -> Self {
        self.map(|text| format!("{stage}: {text}"))
    }

    /// Changes the text and keeps the meaning.
    #[must_use]
    pub(crate) fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Missing(text) => Self::Missing(change(text)),
            Self::Malformed(text) => Self::Malformed(change(text)),
            Self::Invalid(text) => Self::Invalid(change(text)),
            Self::NotSupported(text) => Self::NotSupported(change(text)),
            Self::Refused(text) => Self::Refused(change(text)),
            Self::Cycle(text) => Self::Cycle(change(text)),
            Self::Conflict(text) => Self::Conflict(change(text)),
            Self::Limit(text) => Self::Limit(change(text)),
            Self::Transform(text) => Self::Transform(change(text)),
            Self::Substitution(text) => Self::Substitution(change(text)),
        }
    }

    /// Tells whether trying another reading of the same entry could help.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            // A file outside may still be a directory, which is allowed.
            Self::Refused(text) => !text.contains("security; file"),
            other => matches!(other, Self::Limit(_) | Self::NotSupported(_)),
        }
    }

    pub(crate) fn tree(error: &TreeError, shown: &str) -> Self {
        match error {
            TreeError::NotFound { .. } => Self::Missing(format!("open {shown}: no such file or directory")),
            TreeError::NotAFile { .. } => Self::Missing(format!("read {shown}: is a directory")),
            TreeError::NotADirectory { .. } => Self::Missing(format!("open {shown}: not a directory")),
            TreeError::Path { reason, .. } => Self::Refused(format!("open {shown:?}: {reason}")),
            TreeError::Outside { .. } => Self::Refused(format!("open {shown}: a link leads out of the root")),
            TreeError::TooLarge { limit, .. } => {
                Self::Limit(format!("read {shown}: the file is larger than {limit} bytes"))
            }
            other => Self::Missing(format!("open {shown}: {other}")),
        }
    }
}

/// A build is a function of its input: only another revision or another specification can help. Flux tries again
/// nevertheless, at its interval, and so nothing here stalls an object.
impl Failure for BuildError {
    fn reason(&self) -> &str {
        reasons::BUILD_FAILED
    }
}
