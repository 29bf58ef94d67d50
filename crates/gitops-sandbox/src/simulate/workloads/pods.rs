//! What a scheduler and kubelets would say of pods: nothing runs, but they come up, or crash.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::children::{controller, is_over, is_ready as is_up};
use super::{One, Workload, begins, patch_status};

/// How long a kubelet waits before it starts a container again: twice as long each time, up to the second.
const FIRST_BACK_OFF: u64 = 10;
const LONGEST_BACK_OFF: u64 = 300;

/// Begins what shall become of a pod; it ends on the server's clock.
pub(super) fn begin(one: &One<'_>, begun: &mut HashMap<String, Workload>) {
    if is_over(one.object) {
        return;
    }
    let Some(workload) = begins(one, begun) else { return };
    match workload {
        Workload::ReadyAfter(_) if is_up(one.object) => {}
        Workload::ReadyAfter(after) => one.becomes(one.moment(after), workload),
        Workload::Crash => one.becomes(one.moment(Duration::ZERO), workload),
        Workload::Never => {}
    }
}

/// Says of a pod that it has come up, or crashed, as a kubelet does.
pub(super) async fn become_so(one: &One<'_>, workload: Workload) {
    if is_over(one.object) {
        return;
    }
    let is_crashed = workload == Workload::Crash;
    let restarts = one.object["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0);
    let restarts = if is_crashed { restarts + 1 } else { restarts };
    let mut status = status(one.object, is_crashed, restarts, &one.server.clock.stamp());
    let address = one.object["status"]["podIP"].as_str();
    let address = address.map_or_else(|| one.desk.addresses.take(one.text("uid")), str::to_owned);
    status["podIP"] = json!(address);
    status["podIPs"] = json!([{"ip": address}]);
    let goes_on = status["phase"] == "Running";
    patch_status(one.server, one.key, &json!({"status": status}), "?fieldManager=kubelet").await;
    if !(is_crashed && goes_on) {
        return;
    }
    for container in one.object["spec"]["containers"].as_array().into_iter().flatten() {
        let name = container["name"].as_str().unwrap_or_default();
        let pod = format!("{}_{}({})", one.text("name"), one.text("namespace"), one.text("uid"));
        let message = format!("Back-off restarting failed container {name} in pod {pod}");
        one.tell_part(&format!("spec.containers{{{name}}}"), true, "BackOff", &message).await;
    }
    let now = one.server.clock.now();
    one.becomes(now.saturating_add(Duration::from_secs(back_off(restarts))).unwrap_or(now), workload);
}

/// Returns how many seconds a container is left alone after so many crashes.
fn back_off(crashes: u64) -> u64 {
    let doublings = u32::try_from(crashes.saturating_sub(1)).unwrap_or(u32::MAX);
    2_u64
        .checked_pow(doublings)
        .map_or(LONGEST_BACK_OFF, |times| (FIRST_BACK_OFF * times.min(30)).min(LONGEST_BACK_OFF))
}

/// Writes seconds as Go does.
fn written(seconds: u64) -> String {
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}

/// Returns the status of a pod that has come up, or crashed.
fn status(pod: &Value, crashed: bool, restarts: u64, now: &str) -> Value {
    let of_job = controller(pod).is_some_and(|owner| owner["kind"] == "Job");
    let ends = of_job && (!crashed || pod["spec"]["restartPolicy"] == "Never");
    let ready = !crashed && !of_job;
    let (phase, reason) = match (ends, crashed) {
        (true, false) => ("Succeeded", "PodCompleted"),
        (true, true) => ("Failed", "PodFailed"),
        (false, _) => ("Running", "ContainersNotReady"),
    };
    let condition = |name: &str, is: bool| {
        let mut condition = json!({
            "type": name, "status": if is { "True" } else { "False" }, "lastProbeTime": null, "lastTransitionTime": now,
        });
        if !is {
            condition["reason"] = json!(reason);
        }
        condition
    };
    let container = |container: &Value, init: bool| {
        let ended = json!({
            "exitCode": if crashed { 1 } else { 0 }, "reason": if crashed { "Error" } else { "Completed" },
            "startedAt": now, "finishedAt": now,
        });
        let name = container["name"].as_str().unwrap_or_default();
        let over = json!({"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now});
        let mut status = json!({
            "name": name, "image": container["image"], "imageID": "", "restartCount": 0, "ready": ready || init,
            "started": ready && !init,
        });
        status["state"] = match (init, ends, crashed) {
            (true, ..) => json!({"terminated": over}),
            (_, true, _) => json!({"terminated": ended}),
            (.., true) => {
                status["restartCount"] = json!(restarts);
                status["lastState"] = json!({"terminated": ended});
                let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
                let pod = format!("{}_{}({})", text("name"), text("namespace"), text("uid"));
                let wait = written(back_off(restarts));
                let message = format!("back-off {wait} restarting failed container={name} pod={pod}");
                json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}})
            }
            _ => json!({"running": {"startedAt": now}}),
        };
        status
    };
    let list = |name: &str, init: bool| -> Vec<Value> {
        pod["spec"][name].as_array().into_iter().flatten().map(|of| container(of, init)).collect()
    };
    let mut status = json!({
        "phase": phase, "startTime": now,
        "conditions": [
            condition("PodReadyToStartContainers", true), condition("Initialized", true), condition("Ready", ready),
            condition("ContainersReady", ready), condition("PodScheduled", true),
        ],
        "containerStatuses": list("containers", false),
    });
    if pod["spec"]["initContainers"].is_array() {
        status["initContainerStatuses"] = json!(list("initContainers", true));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crashing_container_waits_twice_as_long_each_time() {
        let waits: Vec<String> = (1..9).map(|crashes| written(back_off(crashes))).collect();
        assert_eq!(waits, ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s", "5m0s"]);
        assert_eq!(back_off(u64::MAX), 300);
    }
}
