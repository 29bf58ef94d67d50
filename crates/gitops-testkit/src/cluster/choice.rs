//! Which cluster the tests of a run have: the one place that reads `GITOPS_CLUSTER`.

use crate::{Assets, TestkitError};

/// The variable that chooses.
const VARIABLE: &str = "GITOPS_CLUSTER";

/// Where clusters come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The programs of a control plane, as their authors made them.
    Assets,
    /// The API server in this process.
    Sandbox,
}

impl Choice {
    /// Returns what the variable names: `assets` or `sandbox`.
    ///
    /// # Errors
    /// [`TestkitError::UnknownCluster`].
    pub(crate) fn named() -> Result<Option<Self>, TestkitError> {
        match std::env::var(VARIABLE).unwrap_or_default().as_str() {
            "assets" => Ok(Some(Self::Assets)),
            "sandbox" => Ok(Some(Self::Sandbox)),
            "" => Ok(None),
            other => Err(TestkitError::UnknownCluster { variable: VARIABLE, value: other.to_owned() }),
        }
    }

    /// Returns what the variable names, and without a word the programs, where this machine has them.
    ///
    /// # Errors
    /// [`TestkitError::UnknownCluster`].
    pub(crate) fn of_environment() -> Result<Self, TestkitError> {
        let usual = || if Assets::find().is_ok() { Self::Assets } else { Self::Sandbox };
        Ok(Self::named()?.unwrap_or_else(usual))
    }
}
