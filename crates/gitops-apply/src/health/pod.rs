//! Pod.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::reading::{condition, word};
use super::status::Assessment;
use crate::fields::at;

/// How long the scheduler may look for a node before the pod counts as failed
/// (kubernetes-sigs/cli-utils `pkg/kstatus/status/core.go`).
const SCHEDULE_WINDOW: Duration = Duration::from_secs(15);

pub(crate) fn assess(object: &Value, now: Timestamp) -> Assessment {
    match word(object, &["status", "phase"]) {
        "Succeeded" => Assessment::current("Pod has completed successfully"),
        "Failed" => Assessment::current("Pod has completed, but not successfully"),
        "Running" => running(object),
        "Pending" => pending(object, now),
        _ => Assessment::in_progress("PodNotObserved", "Pod phase not available"),
    }
}

fn running(object: &Value) -> Assessment {
    if condition(object, "Ready").is_some_and(|ready| ready.status == "True") {
        return Assessment::current("Pod is Ready");
    }
    let looping = looping_containers(object);
    if !looping.is_empty() {
        let message = format!("Containers in CrashLoop state: {}", looping.join(","));
        return Assessment::failed("ContainerCrashLooping", message);
    }
    Assessment::in_progress("PodRunningNotReady", "Pod is running but is not Ready")
}

fn pending(object: &Value, now: Timestamp) -> Assessment {
    if is_unschedulable(object) {
        let created: Option<Timestamp> = word(object, &["metadata", "creationTimestamp"]).parse().ok();
        let age = created.map_or(SCHEDULE_WINDOW, |created| {
            Duration::try_from(now.duration_since(created)).unwrap_or_default()
        });
        if age < SCHEDULE_WINDOW {
            let waiting = Assessment::in_progress("PodNotScheduled", "Pod has not been scheduled");
            return Assessment { recheck: Some(SCHEDULE_WINDOW - age), ..waiting };
        }
        return Assessment::failed("PodUnschedulable", "Pod could not be scheduled");
    }
    Assessment::in_progress("PodPending", "Pod is in the Pending phase")
}

pub(crate) fn is_unschedulable(object: &Value) -> bool {
    condition(object, "PodScheduled")
        .is_some_and(|scheduled| scheduled.status == "False" && scheduled.reason == "Unschedulable")
}

fn looping_containers(object: &Value) -> Vec<&str> {
    at(object, &["status", "containerStatuses"])
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|status| word(status, &["state", "waiting", "reason"]) == "CrashLoopBackOff")
        .map(|status| word(status, &["name"]))
        .collect()
}
