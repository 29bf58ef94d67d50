//! How a run ended, and what that makes of an object's conditions. Pure: values in, values out.

use gitops_api::{conditions, reasons};
use gitops_runtime::conditions::{Conditions, Standing};
use gitops_runtime::queue::Requeue;

/// A run that did not reach its goal.
#[derive(Clone, Debug)]
pub(crate) struct Setback {
    /// Flux's condition reason.
    pub reason: Box<str>,
    /// What the user reads in the condition.
    pub message: Box<str>,
    /// What follows.
    pub kind: SetbackKind,
    /// Further conditions that are set beside Ready, with the same reason and message.
    pub conditions: Vec<(&'static str, Standing)>,
    /// What is told as an event.
    pub tell: Tell,
}

/// What follows from a setback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetbackKind {
    /// Something failed; trying again may help.
    Failed(Requeue),
    /// Something that is needed is not there yet. Not the object's fault: no `Reconciling`, no error.
    Waiting(Requeue),
    /// No retry can help: `Stalled`, until something changes.
    Stalled,
}

/// What is told as an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tell {
    /// Nothing.
    Nothing,
    /// A Normal event.
    Info(String),
    /// A Warning.
    Error(String),
}

impl Setback {
    /// A failure that is worth another try, told as a Warning.
    pub(crate) fn failed(reason: &str, message: impl Into<String>, again: Requeue) -> Self {
        let message = message.into();
        Self::new(reason, SetbackKind::Failed(again), Tell::Error(message.clone()), message)
    }

    /// Something needed is missing; nothing is told.
    pub(crate) fn waiting(reason: &str, message: impl Into<String>, again: Requeue) -> Self {
        Self::new(reason, SetbackKind::Waiting(again), Tell::Nothing, message.into())
    }

    /// Nothing but a change can help, told as a Warning.
    pub(crate) fn stalled(reason: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(reason, SetbackKind::Stalled, Tell::Error(message.clone()), message)
    }

    fn new(reason: &str, kind: SetbackKind, tell: Tell, message: String) -> Self {
        Self { reason: reason.into(), message: message.into(), kind, conditions: Vec::new(), tell }
    }

    /// Sets a further condition to `True`.
    pub(crate) fn with_condition(self, condition: &'static str) -> Self {
        self.with_standing(condition, Standing::True)
    }

    /// Sets a further condition.
    pub(crate) fn with_standing(mut self, condition: &'static str, standing: Standing) -> Self {
        self.conditions.push((condition, standing));
        self
    }

    /// Tells something else.
    pub(crate) fn telling(self, tell: Tell) -> Self {
        Self { tell, ..self }
    }

    /// Returns when to come again.
    pub(crate) fn requeue(&self) -> Requeue {
        match self.kind {
            SetbackKind::Failed(again) | SetbackKind::Waiting(again) => again,
            SetbackKind::Stalled => Requeue::OnChange,
        }
    }

    /// Tells whether only a change can help.
    pub(crate) fn is_stalled(&self) -> bool {
        self.kind == SetbackKind::Stalled
    }
}

/// Writes a setback into the conditions; `progress` is what was being done when it came.
pub(crate) fn set_back(list: &mut Conditions, setback: &Setback, progress: &str) {
    let Setback { reason, message, .. } = setback;
    match setback.kind {
        SetbackKind::Failed(_) => list.reconciling(reasons::PROGRESSING_WITH_RETRY, progress),
        SetbackKind::Waiting(_) => {
            list.delete(conditions::RECONCILING);
            list.delete(conditions::STALLED);
        }
        SetbackKind::Stalled => list.stalled(reason, message),
    }
    for (condition, standing) in &setback.conditions {
        list.set(condition, *standing, reason, message);
    }
    list.set(conditions::READY, Standing::False, reason, message);
}

/// Writes a success into the conditions.
pub(crate) fn succeed(list: &mut Conditions, reason: &str, message: &str) {
    list.delete(conditions::RECONCILING);
    list.delete(conditions::STALLED);
    list.set(conditions::READY, Standing::True, reason, message);
}

/// Returns when to come again after the API server refused a write: a missing object needs nothing more, anything else is
/// tried again.
pub(crate) fn gone_or_again(error: &kube::Error) -> Requeue {
    if crate::secrets::is_not_found(error) {
        return Requeue::OnChange;
    }
    tracing::warn!(%error, "the API server refused a write");
    Requeue::Backoff
}
