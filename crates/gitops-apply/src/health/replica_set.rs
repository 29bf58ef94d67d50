//! ReplicaSet.

use serde_json::Value;

use super::reading::{condition, number};
use super::status::Assessment;

pub(crate) fn assess(object: &Value) -> Assessment {
    if condition(object, "ReplicaFailure").is_some_and(|failure| failure.status == "True") {
        return Assessment::in_progress("ReplicaFailure", "Replica Failure condition. Check Pods");
    }
    let wanted = number(object, &["spec", "replicas"], 1);
    let count = |field: &str| number(object, &["status", field], 0);
    for (field, reason, word) in [
        ("fullyLabeledReplicas", "LessLabelled", "Labelled"),
        ("availableReplicas", "LessAvailable", "Available"),
        ("readyReplicas", "LessReady", "Ready"),
    ] {
        if wanted > count(field) {
            return Assessment::in_progress(reason, format!("{word}: {}/{wanted}", count(field)));
        }
    }
    if count("replicas") > wanted {
        return Assessment::in_progress(
            "ExtraPods",
            format!("Pending termination: {}", count("replicas") - wanted),
        );
    }
    Assessment::current(format!("ReplicaSet is available. Replicas: {}", count("replicas")))
}
