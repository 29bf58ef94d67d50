//! What kstatus says of an object.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The status of an object as kstatus names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Status {
    /// What the specification asks for is there.
    Current,
    /// Its controller is at work.
    InProgress,
    /// Its controller has given up or cannot go on.
    Failed,
    /// It is being deleted.
    Terminating,
    /// It does not exist.
    NotFound,
    /// It could not be assessed.
    Unknown,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Current => "Current",
            Status::InProgress => "InProgress",
            Status::Failed => "Failed",
            Status::Terminating => "Terminating",
            Status::NotFound => "NotFound",
            Status::Unknown => "Unknown",
        })
    }
}

/// The assessment of one object: its status, why, and when the answer may change by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assessment {
    /// The status.
    pub status: Status,
    /// A word for the cause, such as `LessReplicas`; empty when all is well.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// What prevented the assessment; then the status is `Unknown`.
    pub error: Option<String>,
    /// After which time the same object must be assessed again, because the rule looks at its age.
    pub recheck: Option<Duration>,
}

impl Assessment {
    /// Returns an assessment without a cause.
    #[must_use]
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Assessment { status, reason: String::new(), message: message.into(), error: None, recheck: None }
    }

    /// Returns that the object is as asked for.
    #[must_use]
    pub fn current(message: impl Into<String>) -> Self {
        Assessment::new(Status::Current, message)
    }

    /// Returns that work goes on, and why.
    #[must_use]
    pub fn in_progress(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Assessment { reason: reason.into(), ..Assessment::new(Status::InProgress, message) }
    }

    /// Returns that the object will not become ready, and why.
    #[must_use]
    pub fn failed(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Assessment { reason: reason.into(), ..Assessment::new(Status::Failed, message) }
    }

    /// Returns that the object does not exist.
    #[must_use]
    pub fn not_found() -> Self {
        Assessment::new(Status::NotFound, "Resource not found")
    }

    /// Returns that the object could not be assessed.
    #[must_use]
    pub fn unknown(error: impl Into<String>) -> Self {
        let error = error.into();
        Assessment { error: Some(error.clone()), ..Assessment::new(Status::Unknown, error) }
    }

    /// Returns the standard condition that this status stands for: `Reconciling` while work goes on, `Stalled` after a
    /// failure, none otherwise.
    #[must_use]
    pub fn condition_type(&self) -> Option<&'static str> {
        match self.status {
            Status::InProgress => Some("Reconciling"),
            Status::Failed => Some("Stalled"),
            _ => None,
        }
    }
}

/// Returns the status of a whole set: failed before unknown before in progress, and the desired one when all have it.
#[must_use]
pub fn aggregate(statuses: impl IntoIterator<Item = Status>, desired: Status) -> Status {
    let mut result = desired;
    for status in statuses {
        match status {
            Status::Failed => return Status::Failed,
            Status::Unknown => result = Status::Unknown,
            other if other != desired && result != Status::Unknown => result = Status::InProgress,
            _ => {}
        }
    }
    result
}
