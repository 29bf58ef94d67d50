//! Deployment.

use serde_json::Value;

use super::reading::{conditions, number};
use super::status::Assessment;
use crate::fields::at;

pub(crate) fn assess(object: &Value) -> Assessment {
    // Without a deadline, or with the largest one, the controller never reports progress.
    let deadline = at(object, &["spec", "progressDeadlineSeconds"]).and_then(Value::as_i64);
    let mut progressing = deadline.is_none_or(|deadline| deadline == i64::from(i32::MAX));
    let mut available = false;
    for condition in conditions(object) {
        match condition.kind {
            "Progressing" if condition.reason == "ProgressDeadlineExceeded" => {
                return Assessment::failed("ProgressDeadlineExceeded", "Progress deadline exceeded");
            }
            "Progressing" if condition.status == "True" && condition.reason == "NewReplicaSetAvailable" => {
                progressing = true;
            }
            "Available" if condition.status == "True" => available = true,
            _ => {}
        }
    }
    let wanted = number(object, &["spec", "replicas"], 1);
    let count = |field: &str| number(object, &["status", field], 0);
    let (replicas, updated) = (count("replicas"), count("updatedReplicas"));
    if wanted > replicas {
        return Assessment::in_progress("LessReplicas", format!("replicas: {replicas}/{wanted}"));
    }
    if wanted > updated {
        return Assessment::in_progress("LessUpdated", format!("Updated: {updated}/{wanted}"));
    }
    if replicas > wanted {
        return Assessment::in_progress("ExtraPods", format!("Pending termination: {}", replicas - wanted));
    }
    if updated > count("availableReplicas") {
        return Assessment::in_progress(
            "LessAvailable",
            format!("Available: {}/{updated}", count("availableReplicas")),
        );
    }
    if wanted > count("readyReplicas") {
        return Assessment::in_progress("LessReady", format!("Ready: {}/{wanted}", count("readyReplicas")));
    }
    if !progressing {
        return Assessment::in_progress("ReplicaSetNotAvailable", "ReplicaSet not Available");
    }
    if !available {
        return Assessment::in_progress("DeploymentNotAvailable", "Deployment not Available");
    }
    Assessment::current(format!("Deployment is available. Replicas: {replicas}"))
}
