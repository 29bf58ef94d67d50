//! The rules that hold for every kind: deletion, generation, standard conditions.

use serde_json::Value;

use super::reading::{condition, number, word};
use super::status::{Assessment, Status};
use crate::fields::at;

/// Assesses what comes before the rules of a kind; none when these rules have nothing to say.
pub(crate) fn before_kind(object: &Value) -> Option<Assessment> {
    if !word(object, &["metadata", "deletionTimestamp"]).is_empty() {
        return Some(Assessment::new(Status::Terminating, "Resource scheduled for deletion"));
    }
    let observed = at(object, &["status", "observedGeneration"]).and_then(Value::as_i64);
    let generation = number(object, &["metadata", "generation"], 0);
    if let Some(observed) = observed.filter(|observed| *observed != generation) {
        let message = format!(
            "{} generation is {generation}, but latest observed generation is {observed}",
            crate::fields::kind(object)
        );
        return Some(Assessment::in_progress("LatestGenerationNotObserved", message));
    }
    if let Some(reconciling) = condition(object, "Reconciling").filter(|condition| condition.status == "True")
    {
        return Some(Assessment::in_progress(reconciling.reason, reconciling.message));
    }
    if let Some(stalled) = condition(object, "Stalled").filter(|condition| condition.status == "True") {
        return Some(Assessment::failed(stalled.reason, stalled.message));
    }
    None
}

/// Assesses an object of a kind without rules of its own by its `Ready` condition; without one it is as asked for.
pub(crate) fn after_kind(object: &Value) -> Assessment {
    match condition(object, "Ready") {
        Some(ready) if ready.status == "True" => Assessment::current("Resource is Ready"),
        Some(ready) => Assessment::in_progress(ready.reason, ready.message),
        None => Assessment::current("Resource is current"),
    }
}
