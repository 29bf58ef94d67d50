//! What happens while a set is applied, as it happens.

use std::fmt;
use std::sync::Arc;

use gitops_api::ObjectId;

use crate::health::Assessment;
use crate::order::Stage;
use crate::report::{Action, subject_of};

/// A step of an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The inventory was extended by what is about to be written.
    Claimed {
        /// How many objects it holds now.
        objects: usize,
    },
    /// The objects of a stage are being written.
    StageStarted {
        /// The stage.
        stage: Stage,
        /// How many objects it has.
        objects: usize,
    },
    /// An object is in place.
    Applied {
        /// The object.
        id: ObjectId,
        /// What was done.
        action: Action,
    },
    /// An object could not be written.
    Failed {
        /// The object.
        id: ObjectId,
        /// Why, without secrets.
        message: String,
    },
    /// The health of an object has changed.
    Health {
        /// The object.
        id: ObjectId,
        /// How it is now.
        assessment: Assessment,
    },
    /// An object that left the set was dealt with.
    Pruned {
        /// The object.
        id: ObjectId,
        /// What was done.
        action: Action,
    },
    /// The inventory holds what is in the cluster.
    Committed {
        /// How many objects it holds now.
        objects: usize,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Progress::Claimed { objects } => write!(f, "inventory claims {objects} objects"),
            Progress::StageStarted { stage, objects } => write!(f, "stage {stage}: {objects} objects"),
            Progress::Applied { id, action } | Progress::Pruned { id, action } => {
                write!(f, "{} {action}", subject_of(id))
            }
            Progress::Failed { id, message } => write!(f, "{} failed: {message}", subject_of(id)),
            Progress::Health { id, assessment } => {
                write!(f, "{} {}: {}", subject_of(id), assessment.status, assessment.message)
            }
            Progress::Committed { objects } => write!(f, "inventory holds {objects} objects"),
        }
    }
}

/// Who is told of every step; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl Listener {
    pub(crate) fn new(listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Listener(Some(Arc::new(listener)))
    }

    pub(crate) fn tell(&self, progress: impl FnOnce() -> Progress) {
        if let Some(listener) = &self.0 {
            listener(progress());
        }
    }
}
