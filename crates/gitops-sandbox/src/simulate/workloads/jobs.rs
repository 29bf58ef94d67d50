//! Jobs: pods until enough have succeeded, or too many have failed (`pkg/controller/job`).

use std::time::Duration;

use serde_json::{Value, json};

use super::children::{self, count, is_active, is_ready};
use super::{One, Workloads, nothing};

pub(super) async fn reconcile(one: &One<'_>, workloads: &Workloads) {
    let (spec, status) = (&one.object["spec"], &one.object["status"]);
    if ended(status) {
        return expire(one, workloads).await;
    }
    let now = one.server.clock.stamp();
    let pods = children::owned(one.server, "pods", one.object);
    let phase = |name: &'static str| move |pod: &Value| pod["status"]["phase"] == name;
    let all: Vec<&Value> = pods.iter().collect();
    let active: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    let (succeeded, failed) = (count(&all, phase("Succeeded")), count(&all, phase("Failed")));
    let wanted = spec["completions"].as_i64();
    let parallel = spec["parallelism"].as_i64().unwrap_or(1);
    let start = status["startTime"].as_str().unwrap_or(&now).to_owned();
    let mut report = json!({
        "succeeded": nothing(succeeded), "failed": nothing(failed), "terminating": 0,
        "ready": count(&active, is_ready), "uncountedTerminatedPods": {},
    });
    if spec["suspend"] == true {
        for pod in &active {
            one.delete("pods", pod).await;
        }
        report["active"] = Value::Null;
        report["startTime"] = Value::Null;
        report["ready"] = json!(0);
        report["conditions"] =
            json!(changed(status, "Suspended", true, "JobSuspended", "Job suspended", &now));
        return one.report(report).await;
    }
    report["startTime"] = json!(start);
    if status["conditions"].as_array().is_some_and(|all| all.iter().any(|of| of["type"] == "Suspended")) {
        report["conditions"] = json!(changed(status, "Suspended", false, "JobResumed", "Job resumed", &now));
        report["startTime"] = status["startTime"].as_str().map_or_else(|| json!(now), |time| json!(time));
    }
    let limit = spec["backoffLimit"].as_i64().unwrap_or(6);
    let done = match wanted {
        Some(wanted) => succeeded >= wanted,
        // Without a number the first success is enough, once all others have ended too.
        None => succeeded > 0 && active.is_empty(),
    };
    let late = overdue(one, workloads, &start);
    let end = if done {
        Some((
            "SuccessCriteriaMet",
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        ))
    } else if late {
        Some(("FailureTarget", "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"))
    } else if failed > limit {
        Some((
            "FailureTarget",
            "Failed",
            "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        ))
    } else {
        None
    };
    if let Some((first, last, reason, message)) = end {
        for pod in &active {
            one.delete("pods", pod).await;
        }
        report["active"] = Value::Null;
        report["ready"] = json!(0);
        if done {
            report["completionTime"] = json!(now);
        }
        let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        for name in [first, last] {
            conditions.push(condition(name, true, reason, message, &now));
        }
        report["conditions"] = json!(conditions);
        return one.report(report).await;
    }
    let have = count(&active, |_| true);
    let most = match wanted {
        Some(wanted) => parallel.min(wanted - succeeded),
        None if succeeded > 0 => have,
        None => parallel,
    };
    for _ in have..most {
        one.create("/api/v1", "pods", &pod(one.object, &all)).await;
    }
    report["active"] = nothing(have.max(most));
    one.report(report).await;
}

fn ended(status: &Value) -> bool {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions
        .into_iter()
        .any(|of| matches!(of["type"].as_str(), Some("Complete" | "Failed")) && of["status"] == "True")
}

/// Whether a Job took longer than it may; looks again when it would have.
fn overdue(one: &One<'_>, workloads: &Workloads, start: &str) -> bool {
    let Some(limit) = one.object["spec"]["activeDeadlineSeconds"].as_i64() else { return false };
    let start: Option<jiff::Timestamp> = start.parse().ok();
    let left = start.map_or(0, |start| start.as_second() + limit - one.server.clock.now().as_second());
    match u64::try_from(left) {
        Ok(left) if left > 0 => {
            workloads.look_again(one, Duration::from_secs(left));
            false
        }
        _ => true,
    }
}

/// Deletes a Job whose time after its end is over.
async fn expire(one: &One<'_>, workloads: &Workloads) {
    let Some(limit) = one.object["spec"]["ttlSecondsAfterFinished"].as_i64() else { return };
    let conditions = one.object["status"]["conditions"].as_array().into_iter().flatten();
    let end = conditions.filter_map(|of| of["lastTransitionTime"].as_str()).max();
    let end: Option<jiff::Timestamp> = end.and_then(|end| end.parse().ok());
    let left = end.map_or(0, |end| end.as_second() + limit - one.server.clock.now().as_second());
    match u64::try_from(left) {
        Ok(left) if left > 0 => workloads.look_again(one, Duration::from_secs(left)),
        _ => one.delete("jobs.batch", one.object).await,
    }
}

fn condition(name: &str, is: bool, reason: &str, message: &str, now: &str) -> Value {
    json!({
        "type": name, "status": if is { "True" } else { "False" }, "reason": reason, "message": message,
        "lastProbeTime": now, "lastTransitionTime": now,
    })
}

fn changed(status: &Value, name: &str, is: bool, reason: &str, message: &str, now: &str) -> Vec<Value> {
    let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let new = condition(name, is, reason, message, now);
    match conditions.iter_mut().find(|of| of["type"] == name) {
        Some(known) if known["status"] == new["status"] => {}
        Some(known) => *known = new,
        None => conditions.push(new),
    }
    conditions
}

fn pod(job: &Value, known: &[&Value]) -> Value {
    const INDEX: &str = "batch.kubernetes.io/job-completion-index";
    let mut pod = children::pod(&job["spec"]["template"], job, "batch/v1", "Job");
    if job["spec"]["completionMode"] == "Indexed" {
        let taken: Vec<&str> = known
            .iter()
            .filter(|pod| pod["status"]["phase"] != "Failed")
            .filter_map(|pod| pod["metadata"]["annotations"][INDEX].as_str())
            .collect();
        let free = (0..).map(|index: u32| index.to_string()).find(|index| !taken.contains(&index.as_str()));
        let index = free.unwrap_or_default();
        let name = job["metadata"]["name"].as_str().unwrap_or_default();
        pod["metadata"]["annotations"][INDEX] = json!(index);
        pod["metadata"]["labels"][INDEX] = json!(index);
        pod["metadata"]["generateName"] = json!(format!("{name}-{index}-"));
        pod["spec"]["hostname"] = json!(format!("{name}-{index}"));
    }
    pod
}
