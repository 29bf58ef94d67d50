//! DaemonSet.

use serde_json::Value;

use super::reading::number;
use super::status::Assessment;
use crate::fields::at;

pub(crate) fn assess(object: &Value) -> Assessment {
    if at(object, &["status", "observedGeneration"]).is_none() {
        return Assessment::in_progress("NoObservedGeneration", "Missing generation");
    }
    let wanted = number(object, &["status", "desiredNumberScheduled"], -1);
    if wanted == -1 {
        return Assessment::in_progress("NoDesiredNumber", "Missing .status.desiredNumberScheduled");
    }
    for (field, reason, word) in [
        ("currentNumberScheduled", "LessCurrent", "Current"),
        ("updatedNumberScheduled", "LessUpdated", "Updated"),
        ("numberAvailable", "LessAvailable", "Available"),
        ("numberReady", "LessReady", "Ready"),
    ] {
        let count = number(object, &["status", field], 0);
        if wanted > count {
            return Assessment::in_progress(reason, format!("{word}: {count}/{wanted}"));
        }
    }
    Assessment::current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
}
