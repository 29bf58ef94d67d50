//! The crate's errors.

use std::fmt;

use gitops_api::{Failure, ObjectId, reasons};
use gitops_manifest::Origin;

use crate::failure::CallFailure;
use crate::inventory::InventoryError;
use crate::order::Stage;
use crate::report::{ChangeSet, HealthReport, PruneReport, subject_of};

/// What was being done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Its change was tried without effect.
    DryRun,
    /// It was applied.
    Apply,
    /// Its fields were taken over from another manager.
    TakeOver,
    /// It was deleted to be made again.
    Recreate,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::DryRun => "dry-run",
            Operation::Apply => "apply",
            Operation::TakeOver => "taking over fields",
            Operation::Recreate => "recreating",
        })
    }
}

/// What went wrong with one object, in Flux's wording.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub struct ObjectFailure {
    /// The object.
    pub id: ObjectId,
    /// Where it was read.
    pub origin: Option<Origin>,
    /// In which stage.
    pub stage: Stage,
    /// What was being done.
    pub operation: Operation,
    /// Why it failed.
    pub cause: CallFailure,
}

/// Writes Flux's message (fluxcd/pkg `ssa/errors`): `ConfigMap/ns/a dry-run failed (Invalid): …`,
/// `ConfigMap/ns/a not found: …`, `ConfigMap/a namespace not specified: …`.
impl fmt::Display for ObjectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = subject_of(&self.id);
        match &self.cause {
            CallFailure::NamespaceMissing => {
                write!(
                    f,
                    "{subject} namespace not specified: the server could not find the requested resource"
                )
            }
            cause if cause.is_not_found() => write!(f, "{subject} not found: {cause}"),
            cause if cause.reason().is_empty() => write!(f, "{subject} {} failed: {cause}", self.operation),
            cause => write!(f, "{subject} {} failed ({}): {cause}", self.operation, cause.reason()),
        }
    }
}

/// Several failures, one a line.
#[derive(Debug, Clone, Default)]
pub struct Failures(Vec<ObjectFailure>);

impl Failures {
    /// Returns the failures in the order of applying.
    #[must_use]
    pub fn all(&self) -> &[ObjectFailure] {
        &self.0
    }
}

impl From<Vec<ObjectFailure>> for Failures {
    fn from(list: Vec<ObjectFailure>) -> Self {
        Failures(list)
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            failure.fmt(f)?;
        }
        Ok(())
    }
}

/// Why a set was not planned, applied or pruned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The API server would refuse objects; nothing of the stage was written. Every refused object is named.
    #[error("{failures}")]
    DryRun {
        /// The refused objects.
        failures: Failures,
        /// What earlier stages have written; empty when this happened while planning.
        changes: ChangeSet,
    },
    /// Objects could not be written; later stages were not begun.
    #[error("{failures}")]
    Apply {
        /// The objects that could not be written.
        failures: Failures,
        /// What was written nevertheless.
        changes: ChangeSet,
    },
    /// The objects that later stages need did not become ready.
    #[error("{health}")]
    NotReady {
        /// The stage.
        stage: Stage,
        /// What was waited for.
        health: HealthReport,
        /// What was written.
        changes: ChangeSet,
    },
    /// The set names an object twice.
    #[error("{} is in the set twice{}", subject_of(id), places(origins))]
    Duplicate {
        /// The object.
        id: ObjectId,
        /// Where it was read.
        origins: Vec<Origin>,
    },
    /// An object lacks what every object must have.
    #[error("object is incomplete{}", places(origin.as_slice()))]
    Incomplete {
        /// Where it was read.
        origin: Option<Origin>,
        /// What it lacks.
        source: gitops_api::ParseError,
    },
    /// A rule about ignored fields cannot be read.
    #[error("ignore rules cannot be read")]
    Selector {
        /// Why.
        source: crate::selector::SelectorError,
    },
    /// The set is empty and the owner has objects; pruning all of them must be asked for.
    #[error(
        "the set is empty but the inventory holds {inventoried} objects; allow empty sets to delete them all"
    )]
    EmptySet {
        /// How many objects would go.
        inventoried: usize,
    },
    /// The inventory could not be read or kept; nothing was written after that.
    #[error("{source}")]
    Inventory {
        /// Why.
        #[source]
        source: InventoryError,
        /// What was written before.
        changes: ChangeSet,
    },
    /// Objects that left the set could not be deleted; they stay in the inventory.
    #[error("{}", prune_text(.pruned))]
    Prune {
        /// What was written.
        changes: ChangeSet,
        /// What was deleted and what was not.
        pruned: Box<PruneReport>,
    },
    /// Objects were applied but did not become healthy.
    #[error("{health}")]
    Unhealthy {
        /// What was waited for.
        health: HealthReport,
        /// What was written.
        changes: ChangeSet,
        /// What was deleted.
        pruned: Box<PruneReport>,
    },
}

impl ApplyError {
    /// Returns what was written before it failed.
    #[must_use]
    pub fn changes(&self) -> Option<&ChangeSet> {
        match self {
            ApplyError::DryRun { changes, .. }
            | ApplyError::Apply { changes, .. }
            | ApplyError::NotReady { changes, .. }
            | ApplyError::Inventory { changes, .. }
            | ApplyError::Prune { changes, .. }
            | ApplyError::Unhealthy { changes, .. } => Some(changes),
            ApplyError::Duplicate { .. }
            | ApplyError::Incomplete { .. }
            | ApplyError::Selector { .. }
            | ApplyError::EmptySet { .. } => None,
        }
    }

    /// Returns the objects that failed, when single objects did.
    #[must_use]
    pub fn failures(&self) -> &[ObjectFailure] {
        match self {
            ApplyError::DryRun { failures, .. } | ApplyError::Apply { failures, .. } => failures.all(),
            _ => &[],
        }
    }
}

impl Failure for ApplyError {
    fn reason(&self) -> &str {
        match self {
            ApplyError::Prune { .. } => reasons::PRUNE_FAILED,
            ApplyError::Unhealthy { .. } => reasons::HEALTH_CHECK_FAILED,
            _ => reasons::RECONCILIATION_FAILED,
        }
    }

    fn is_terminal(&self) -> bool {
        matches!(self, ApplyError::Selector { .. })
    }
}

fn places(origins: &[Origin]) -> String {
    if origins.is_empty() {
        return String::new();
    }
    let places: Vec<String> = origins.iter().map(ToString::to_string).collect();
    format!(" ({})", places.join(", "))
}

fn prune_text(pruned: &PruneReport) -> String {
    let lines: Vec<String> = pruned.failures.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
