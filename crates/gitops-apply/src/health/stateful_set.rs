//! StatefulSet.

use serde_json::Value;

use super::reading::{number, word};
use super::status::Assessment;

pub(crate) fn assess(object: &Value) -> Assessment {
    if word(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Assessment::current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = number(object, &["spec", "replicas"], 1);
    let count = |field: &str| number(object, &["status", field], 0);
    let (replicas, ready, current) = (count("replicas"), count("readyReplicas"), count("currentReplicas"));
    if wanted > replicas {
        return Assessment::in_progress("LessReplicas", format!("Replicas: {replicas}/{wanted}"));
    }
    if wanted > ready {
        return Assessment::in_progress("LessReady", format!("Ready: {ready}/{wanted}"));
    }
    if replicas > wanted {
        return Assessment::in_progress("ExtraPods", format!("Pending termination: {}", replicas - wanted));
    }
    let partition = number(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], -1);
    if partition != -1 {
        let updated = count("updatedReplicas");
        return if updated < wanted - partition {
            Assessment::in_progress("PartitionRollout", format!("updated: {updated}/{}", wanted - partition))
        } else {
            Assessment::current(format!("Partition rollout complete. updated: {updated}"))
        };
    }
    if wanted > current {
        return Assessment::in_progress("LessCurrent", format!("current: {current}/{wanted}"));
    }
    if word(object, &["status", "currentRevision"]) != word(object, &["status", "updateRevision"]) {
        return Assessment::in_progress("RevisionMismatch", "Waiting for updated revision to match current");
    }
    Assessment::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
}
