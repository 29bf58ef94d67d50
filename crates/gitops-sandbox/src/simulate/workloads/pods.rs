//! What a scheduler and kubelets would say of pods: nothing runs, but they come up, or crash.

use std::time::Duration;

use serde_json::{Value, json};

use super::children::{controller, is_ready as is_up};
use super::{One, Workload, Workloads, patch_status, wanted};

/// Begins what shall become of a pod; it ends on the server's clock.
pub(super) fn begin(one: &One<'_>, workloads: &mut Workloads) {
    if matches!(one.object["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return;
    }
    let Some(workload) = workloads.begins(one) else { return };
    if is_up(one.object) && matches!(workload, Workload::ReadyAfter(_)) {
        return;
    }
    let (server, key, usual) = (std::sync::Arc::downgrade(one.server), one.key.clone(), workloads.usual);
    let (clock, uid) = (one.server.clock.clone(), one.object["metadata"]["uid"].clone());
    let moment = match workload {
        Workload::Never => return,
        Workload::ReadyAfter(after) => one.moment(after),
        Workload::Crash => one.moment(Duration::ZERO),
    };
    tokio::spawn(async move {
        clock.reach(moment).await;
        let Some(server) = server.upgrade() else { return };
        let Some(stored) = server.store.get(&key) else { return };
        let pod: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        // It may be another pod by now, or something else may have been said of it.
        let stays = pod["metadata"]["uid"] == uid && wanted(&server, &pod, "Pod", usual) == workload;
        if !stays || pod["metadata"]["deletionTimestamp"].is_string() {
            return;
        }
        let status = json!({"status": status(&pod, workload == Workload::Crash, &server.clock.stamp())});
        patch_status(&server, &key, &status, "?fieldManager=kubelet").await;
    });
}

/// Returns the status of a pod that has come up, or crashed.
fn status(pod: &Value, crashed: bool, now: &str) -> Value {
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
                status["restartCount"] = json!(1);
                status["lastState"] = json!({"terminated": ended});
                let pod = pod["metadata"]["name"].as_str().unwrap_or_default();
                let message = format!("back-off 10s restarting failed container={name} pod={pod}");
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
