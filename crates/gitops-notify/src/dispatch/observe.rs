//! What can be seen of the dispatcher: receipts, tries, warnings.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::ObjectKey;
use crate::event::KeyConflicts;
use crate::reasons;
use crate::route::{InvalidPattern, Skip};

/// Something that the dispatcher did. None of it holds a secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Observation {
    /// An event was taken and waits in this many deliveries, each of which ends in a receipt.
    Accepted {
        /// The number of the event, counted by this dispatcher.
        event: u64,
        /// The event's object, as `Kind/namespace/name`.
        object: String,
        /// How many receipts will come.
        deliveries: usize,
    },
    /// A try to deliver failed and will be made again.
    Retry {
        /// The number of the event.
        event: u64,
        /// The alert.
        alert: ObjectKey,
        /// The provider.
        provider: ObjectKey,
        /// The tries that failed, this one included.
        attempts: u32,
        /// How long it is waited.
        wait: Duration,
        /// Why it failed.
        error: String,
    },
    /// A delivery has ended.
    Receipt(Receipt),
    /// An event and an alert have the same keys in their metadata; the event goes on with the alert's or controller's values.
    MetadataConflict {
        /// The number of the event.
        event: u64,
        /// The alert.
        alert: ObjectKey,
        /// The keys and where they come from.
        conflicts: KeyConflicts,
    },
    /// A pattern of an alert that was asked about an event cannot be read.
    InvalidPattern {
        /// The alert.
        alert: ObjectKey,
        /// The pattern.
        pattern: InvalidPattern,
    },
    /// A subscriber was too slow: this many observations are lost to it. Receipts lost here were still given to every
    /// [`Observer`].
    Missed {
        /// How many.
        count: u64,
    },
}

/// The end of one delivery: exactly one for each that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The number of the event.
    pub event: u64,
    /// The event's object, as `Kind/namespace/name`.
    pub object: String,
    /// The event's reason.
    pub reason: String,
    /// The alert that asked for it.
    pub alert: ObjectKey,
    /// The provider that it was for.
    pub provider: ObjectKey,
    /// How it ended.
    pub outcome: Outcome,
    /// How often it was tried.
    pub attempts: u32,
    /// How long it took since the event was accepted.
    pub took: Duration,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The service took it.
    Delivered,
    /// The provider does not take such events: it was not sent on purpose.
    Skipped(Skip),
    /// It was given up.
    GivenUp(Failed),
}

/// Why a delivery was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed {
    /// The kind of reason.
    pub why: GiveUp,
    /// What failed last, in words.
    pub error: String,
}

/// The kinds of reason to give a delivery up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GiveUp {
    /// The provider does not exist, or something in it cannot be used.
    Provider,
    /// The labels of the event's object cannot be read, so that it is not known whether the alert is about it.
    Labels,
    /// The service refused, and trying again does not help.
    Refused,
    /// It was tried as often as it may be.
    Attempts,
    /// Time ran out: for the delivery itself or for those before it.
    Time,
    /// As many deliveries as may be were waiting for the provider.
    QueueFull,
    /// The dispatcher was shut down.
    ShutDown,
    /// The provider's code broke off.
    Panic,
}

impl GiveUp {
    /// Returns one word, for the label of a metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Labels => "labels",
            Self::Refused => "refused",
            Self::Attempts => "attempts",
            Self::Time => "time",
            Self::QueueFull => "queue_full",
            Self::ShutDown => "shut_down",
            Self::Panic => "panic",
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Delivered => write!(f, "notification for {} sent to {}", self.object, self.provider),
            Outcome::Skipped(skip) => {
                write!(f, "notification for {} not sent to {}: {skip}", self.object, self.provider)
            }
            Outcome::GivenUp(failed) => {
                let stage = match failed.why {
                    GiveUp::Provider | GiveUp::Labels | GiveUp::QueueFull => "dispatch",
                    _ => "send",
                };
                write!(f, "failed to {stage} notification for {}: {}", self.object, failed.error)
            }
        }
    }
}

/// A Warning that Flux writes as a Kubernetes event on the alert.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlertWarning {
    /// The alert.
    pub alert: ObjectKey,
    /// The reason, one of [`reasons`].
    pub reason: &'static str,
    /// The message.
    pub message: String,
    /// The event's annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Observation {
    /// Returns the Warning that belongs on the alert, if this is something that its author should know.
    ///
    /// Source: notification-controller `internal/server/event_handlers.go`.
    #[must_use]
    pub fn warning(&self) -> Option<AlertWarning> {
        let warning = |alert: &ObjectKey, reason, message, annotations| {
            Some(AlertWarning { alert: alert.clone(), reason, message, annotations })
        };
        match self {
            Self::Receipt(receipt) if matches!(receipt.outcome, Outcome::GivenUp(_)) => warning(
                &receipt.alert,
                reasons::NOTIFICATION_DISPATCH_FAILED,
                receipt.to_string(),
                BTreeMap::new(),
            ),
            Self::MetadataConflict { alert, conflicts, .. } => {
                let message = "metadata key conflicts detected (please refer to the Alert API docs and Flux RFC 0008 for more information)";
                warning(alert, reasons::METADATA_APPEND_FAILED, message.to_owned(), conflicts.clone())
            }
            Self::InvalidPattern { alert, pattern } => {
                let message = format!("failed to compile {} regex: {}", pattern.list, pattern.pattern);
                warning(alert, reasons::INVALID_CONFIG, message, BTreeMap::new())
            }
            _ => None,
        }
    }
}

/// Told of everything that the dispatcher does, in the order in which it does it for each object: the hook for metrics and
/// for writing Kubernetes events. Called from the dispatcher's tasks, so it must not wait.
pub trait Observer: Send + Sync + 'static {
    /// Takes note.
    fn observe(&self, observation: &Observation);
}

impl<F: Fn(&Observation) + Send + Sync + 'static> Observer for F {
    fn observe(&self, observation: &Observation) {
        self(observation);
    }
}
