//! The cells of pods: what kubectl says of their state.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, age, items, number, text};

pub(super) fn cell(column: &str, pod: &Value, now: Timestamp) -> Value {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    match column {
        "Ready" => {
            let sidecars: Vec<&str> = items(&spec["initContainers"])
                .filter(|container| container["restartPolicy"] == "Always")
                .filter_map(|container| container["name"].as_str())
                .collect();
            let ready = items(&status["initContainerStatuses"])
                .filter(|status| status["name"].as_str().is_some_and(|name| sidecars.contains(&name)))
                .chain(items(&status["containerStatuses"]))
                .filter(|status| status["ready"] == true)
                .count();
            json!(format!("{ready}/{}", items(&spec["containers"]).count() + sidecars.len()))
        }
        "Status" => json!(state(pod)),
        "Restarts" => json!(restarts(status, now)),
        "IP" => {
            let first = text(&status["podIPs"][0]["ip"], "");
            json!(if first.is_empty() { text(&status["podIP"], NONE) } else { first })
        }
        "Node" => json!(text(&spec["nodeName"], NONE)),
        "Nominated Node" => json!(text(&status["nominatedNodeName"], NONE)),
        _ => {
            let gates: Vec<&Value> = items(&spec["readinessGates"]).collect();
            let met = |gate: &&&Value| {
                items(&status["conditions"]).any(|condition| {
                    condition["type"] == gate["conditionType"] && condition["status"] == "True"
                })
            };
            let count = gates.iter().filter(met).count();
            json!(if gates.is_empty() { NONE.to_owned() } else { format!("{count}/{}", gates.len()) })
        }
    }
}

fn restarts(status: &Value, now: Timestamp) -> String {
    let count: i64 = items(&status["containerStatuses"]).map(|of| number(&of["restartCount"])).sum();
    let last = items(&status["containerStatuses"])
        .filter_map(|of| of["lastState"]["terminated"]["finishedAt"].as_str())
        .max();
    match last {
        Some(last) if count > 0 => format!("{count} ({} ago)", age(last, now)),
        _ => count.to_string(),
    }
}

/// Returns the state of a pod: its phase, or what its containers are at.
fn state(pod: &Value) -> String {
    let status = &pod["status"];
    let phase = text(&status["phase"], "Unknown");
    let mut shown = text(&status["reason"], phase).to_owned();
    let gated = items(&status["conditions"])
        .any(|condition| condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated");
    if gated {
        "SchedulingGated".clone_into(&mut shown);
    }
    let total = items(&pod["spec"]["initContainers"]).count();
    let mut starting = false;
    for (position, of) in items(&status["initContainerStatuses"]).enumerate() {
        let (ended, waiting) = (&of["state"]["terminated"], &of["state"]["waiting"]);
        if ended.is_object() && number(&ended["exitCode"]) == 0 {
            continue;
        }
        if of["started"] == true && of["ready"] == true {
            continue;
        }
        shown = match (ended.is_object(), text(&waiting["reason"], "")) {
            (true, _) => match (text(&ended["reason"], ""), number(&ended["signal"])) {
                ("", 0) => format!("Init:ExitCode:{}", number(&ended["exitCode"])),
                ("", signal) => format!("Init:Signal:{signal}"),
                (reason, _) => format!("Init:{reason}"),
            },
            (false, "" | "PodInitializing") => format!("Init:{position}/{total}"),
            (false, reason) => format!("Init:{reason}"),
        };
        starting = true;
        break;
    }
    if !starting {
        let mut running = false;
        let all: Vec<&Value> = items(&status["containerStatuses"]).collect();
        for of in all.into_iter().rev() {
            let (ended, waiting) = (&of["state"]["terminated"], &of["state"]["waiting"]);
            if !text(&waiting["reason"], "").is_empty() {
                text(&waiting["reason"], "").clone_into(&mut shown);
            } else if ended.is_object() {
                shown = match (text(&ended["reason"], ""), number(&ended["signal"])) {
                    ("", 0) => format!("ExitCode:{}", number(&ended["exitCode"])),
                    ("", signal) => format!("Signal:{signal}"),
                    (reason, _) => reason.to_owned(),
                };
            } else if of["ready"] == true && of["state"]["running"].is_object() {
                running = true;
            }
        }
        if shown == "Completed" && running {
            let ready = items(&status["conditions"])
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            if ready { "Running" } else { "NotReady" }.clone_into(&mut shown);
        }
    }
    if pod["metadata"]["deletionTimestamp"].is_string() {
        if status["reason"] == "NodeLost" {
            return "Unknown".to_owned();
        }
        if !matches!(phase, "Succeeded" | "Failed") {
            return "Terminating".to_owned();
        }
    }
    shown
}
