//! Jobs: pods until enough have succeeded, or too many have failed (`pkg/controller/job`).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::children::{self, count, is_active, is_ready};
use super::{One, nothing};

pub(super) async fn reconcile(one: &One<'_>) {
    let (spec, status) = (&one.object["spec"], &one.object["status"]);
    if ended(status) {
        return expire(one).await;
    }
    let now = one.server.clock.stamp();
    let pods = children::owned(one.server, "pods", one.object);
    let phase = |name: &'static str| move |pod: &Value| pod["status"]["phase"] == name;
    let all: Vec<&Value> = pods.iter().collect();
    let active: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    let is_indexed = spec["completionMode"] == "Indexed";
    let indexes = if is_indexed { completed(&all) } else { BTreeSet::new() };
    let successes = if is_indexed {
        i64::try_from(indexes.len()).unwrap_or(i64::MAX)
    } else {
        count(&all, phase("Succeeded"))
    };
    let (succeeded, failed) = (successes, count(&all, phase("Failed")));
    let wanted = spec["completions"].as_i64();
    let parallel = spec["parallelism"].as_i64().unwrap_or(1);
    let start = status["startTime"].as_str().unwrap_or(&now).to_owned();
    let mut report = json!({
        "succeeded": nothing(succeeded), "failed": nothing(failed), "terminating": 0,
        "ready": count(&active, is_ready), "uncountedTerminatedPods": {},
    });
    if is_indexed {
        report["completedIndexes"] = if indexes.is_empty() { Value::Null } else { json!(ranges(&indexes)) };
    }
    let is_suspended = has(status, "Suspended", "True");
    if spec["suspend"] == true {
        for pod in &active {
            one.delete_pod(pod).await;
        }
        report["active"] = Value::Null;
        report["ready"] = json!(0);
        report["conditions"] =
            json!(changed(status, "Suspended", true, "JobSuspended", "Job suspended", &now));
        one.report(report).await;
        if !is_suspended {
            one.tell(false, "Suspended", "Job suspended").await;
        }
        return;
    }
    report["startTime"] = json!(start);
    if is_suspended {
        report["conditions"] = json!(changed(status, "Suspended", false, "JobResumed", "Job resumed", &now));
        // From here on it counts how long it is active.
        report["startTime"] = json!(now);
        one.tell(false, "Resumed", "Job resumed").await;
    }
    let limit = spec["backoffLimit"].as_i64().unwrap_or(6);
    let done = match wanted {
        Some(wanted) => succeeded >= wanted,
        // Without a number the first success is enough, once all others have ended too.
        None => succeeded > 0 && active.is_empty(),
    };
    let late = overdue(one, &start);
    let end = if done {
        Some((
            "SuccessCriteriaMet",
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        ))
    } else if late {
        Some(("FailureTarget", "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"))
    } else if failed > limit || has_restarted_too_often(spec, &active, limit) {
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
            one.delete_pod(pod).await;
        }
        report["active"] = Value::Null;
        report["ready"] = json!(0);
        if done {
            report["completionTime"] = json!(now);
        } else {
            // Those that had to end did not succeed.
            report["failed"] = nothing(failed + count(&active, |_| true));
        }
        let known = if is_suspended { &report["conditions"] } else { &status["conditions"] };
        let mut conditions = known.as_array().cloned().unwrap_or_default();
        for name in [first, last] {
            conditions.push(condition(name, true, reason, message, &now));
        }
        report["conditions"] = json!(conditions);
        one.report(report).await;
        if done {
            one.tell(false, "Completed", "Job completed").await;
        } else {
            one.tell(true, reason, message).await;
        }
        return;
    }
    let have = count(&active, |_| true);
    let most = match wanted {
        Some(wanted) => parallel.min(wanted - succeeded),
        None if succeeded > 0 => have,
        None => parallel,
    };
    let left = back_off(&all, one.server.clock.now());
    let mut active = have;
    if have < most && left > 0 {
        one.look_again(Duration::from_secs(left));
    } else if have < most {
        let mut taken = taken(&all);
        for _ in have..most {
            if one.create_pod(&pod(one.object, &mut taken)).await.is_err() {
                break;
            }
            active += 1;
        }
    }
    report["active"] = nothing(active);
    one.report(report).await;
}

fn ended(status: &Value) -> bool {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions
        .into_iter()
        .any(|of| matches!(of["type"].as_str(), Some("Complete" | "Failed")) && of["status"] == "True")
}

/// Whether a Job took longer than it may; looks again when it would have.
fn overdue(one: &One<'_>, start: &str) -> bool {
    let Some(limit) = one.object["spec"]["activeDeadlineSeconds"].as_i64() else { return false };
    let start: Option<jiff::Timestamp> = start.parse().ok();
    let left = start.map_or(0, |start| start.as_second() + limit - one.server.clock.now().as_second());
    match u64::try_from(left) {
        Ok(left) if left > 0 => {
            one.look_again(Duration::from_secs(left));
            false
        }
        _ => true,
    }
}

/// Deletes a Job whose time after its end is over.
async fn expire(one: &One<'_>) {
    let Some(limit) = one.object["spec"]["ttlSecondsAfterFinished"].as_i64() else { return };
    let conditions = one.object["status"]["conditions"].as_array().into_iter().flatten();
    let end = conditions.filter_map(|of| of["lastTransitionTime"].as_str()).max();
    let end: Option<jiff::Timestamp> = end.and_then(|end| end.parse().ok());
    let left = end.map_or(0, |end| end.as_second() + limit - one.server.clock.now().as_second());
    match u64::try_from(left) {
        Ok(left) if left > 0 => one.look_again(Duration::from_secs(left)),
        _ => {
            one.delete("jobs.batch", one.object).await;
        }
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

/// How long a Job waits after its first failure before it makes another pod, and at most
/// (`DefaultJobPodFailureBackOff` and `MaxJobPodFailureBackOff`; the documentation says six minutes).
const FIRST_BACK_OFF: u64 = 10;
const LONGEST_BACK_OFF: u64 = 600;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Returns how many seconds are left before another pod is made: after each failure since the last success it is
/// twice as long.
fn back_off(pods: &[&Value], now: jiff::Timestamp) -> u64 {
    let ended = |phase: &'static str| {
        pods.iter().filter(move |pod| pod["status"]["phase"] == phase).filter_map(|pod| finished(pod))
    };
    let success = ended("Succeeded").max();
    let failures = ended("Failed").filter(|time| success.is_none_or(|success| *time > success));
    let failures: Vec<jiff::Timestamp> = failures.collect();
    let Some(last) = failures.iter().max() else { return 0 };
    let doublings = u32::try_from(failures.len() - 1).unwrap_or(u32::MAX);
    let wait =
        2_u64.checked_pow(doublings).map_or(LONGEST_BACK_OFF, |times| FIRST_BACK_OFF.saturating_mul(times));
    let passed = u64::try_from(now.as_second() - last.as_second()).unwrap_or(0);
    wait.min(LONGEST_BACK_OFF).saturating_sub(passed)
}

/// Returns when a pod ended: its last container did, or it was no longer ready, or else when it was made.
fn finished(pod: &Value) -> Option<jiff::Timestamp> {
    let containers = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let ends: Option<Vec<jiff::Timestamp>> = containers
        .map(|container| container["state"]["terminated"]["finishedAt"].as_str()?.parse().ok())
        .collect();
    let last = ends.and_then(|ends| ends.into_iter().max());
    let ready = children::condition(pod, "Ready").filter(|ready| ready["status"] == "False");
    let time = |text: &Value| text.as_str().and_then(|text| text.parse().ok());
    last.or_else(|| ready.and_then(|ready| time(&ready["lastTransitionTime"])))
        .or_else(|| time(&pod["metadata"]["creationTimestamp"]))
}

/// Whether containers that are started again in their pods crashed as often as the Job may fail.
fn has_restarted_too_often(spec: &Value, active: &[&Value], limit: i64) -> bool {
    if spec["template"]["spec"]["restartPolicy"] != "OnFailure" {
        return false;
    }
    let containers =
        active.iter().flat_map(|pod| pod["status"]["containerStatuses"].as_array().into_iter().flatten());
    let restarts: i64 = containers.filter_map(|container| container["restartCount"].as_i64()).sum();
    if limit == 0 { restarts > 0 } else { restarts >= limit }
}

fn has(status: &Value, condition: &str, is: &str) -> bool {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|of| of["type"] == condition && of["status"] == is)
}

fn index(pod: &Value) -> Option<u64> {
    pod["metadata"]["annotations"][INDEX].as_str()?.parse().ok()
}

fn completed(pods: &[&Value]) -> BTreeSet<u64> {
    let over = pods.iter().filter(|pod| pod["status"]["phase"] == "Succeeded");
    over.filter_map(|pod| index(pod)).collect()
}

/// Writes indexes as a Job does: `0,2-4`.
fn ranges(indexes: &BTreeSet<u64>) -> String {
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for index in indexes {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => parts.push((*index, *index)),
        }
    }
    let texts = parts.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    });
    texts.collect::<Vec<_>>().join(",")
}

/// Returns the indexes that have a pod which did not fail.
fn taken(pods: &[&Value]) -> BTreeSet<u64> {
    pods.iter().filter(|pod| pod["status"]["phase"] != "Failed").filter_map(|pod| index(pod)).collect()
}

fn pod(job: &Value, taken: &mut BTreeSet<u64>) -> Value {
    let mut pod = children::pod(&job["spec"]["template"], job, "batch/v1", "Job");
    if job["spec"]["completionMode"] == "Indexed" {
        let index = (0..).find(|index| !taken.contains(index)).unwrap_or_default();
        taken.insert(index);
        let index = index.to_string();
        let name = job["metadata"]["name"].as_str().unwrap_or_default();
        pod["metadata"]["annotations"][INDEX] = json!(index);
        pod["metadata"]["labels"][INDEX] = json!(index);
        pod["metadata"]["generateName"] = json!(format!("{name}-{index}-"));
        pod["spec"]["hostname"] = json!(format!("{name}-{index}"));
        for list in ["initContainers", "containers"] {
            for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
                tell_index(container);
            }
        }
    }
    pod
}

/// Tells a container its index, unless it was told so already.
fn tell_index(container: &mut Value) {
    const NAME: &str = "JOB_COMPLETION_INDEX";
    let field = json!({"fieldRef": {"fieldPath": format!("metadata.labels['{INDEX}']")}});
    let variable = json!({"name": NAME, "valueFrom": field});
    match container["env"].as_array_mut() {
        Some(known) if known.iter().any(|known| known["name"] == NAME) => {}
        Some(known) => known.push(variable),
        None => container["env"] = json!([variable]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_since_the_last_success_doubles_the_wait() {
        #[track_caller]
        fn check(ends: &[(&str, i64)], now: i64, want: u64) {
            let pod = |(phase, second): &(&str, i64)| {
                let end = jiff::Timestamp::from_second(*second).unwrap_or_default().to_string();
                let state = json!({"terminated": {"finishedAt": end}});
                json!({"status": {"phase": phase, "containerStatuses": [{"state": state}]}})
            };
            let pods: Vec<Value> = ends.iter().map(pod).collect();
            let pods: Vec<&Value> = pods.iter().collect();
            let now = jiff::Timestamp::from_second(now).unwrap_or_default();
            assert_eq!(back_off(&pods, now), want, "{ends:?}");
        }
        check(&[], 100, 0);
        check(&[("Failed", 100)], 100, 10);
        check(&[("Failed", 100)], 104, 6);
        check(&[("Failed", 100)], 110, 0);
        check(&[("Failed", 50), ("Failed", 100)], 100, 20);
        check(&[("Failed", 50), ("Failed", 60), ("Failed", 100)], 100, 40);
        check(&[("Failed", 50), ("Succeeded", 60), ("Failed", 100)], 100, 10);
        check(&[("Failed", 50), ("Succeeded", 60)], 60, 0);
        check(&[("Failed", 100); 7], 100, 600);
        check(&[("Failed", 100); 70], 100, 600);
    }

    #[test]
    fn indexes_that_follow_each_other_are_written_as_a_range() {
        #[track_caller]
        fn check(indexes: &[u64], want: &str) {
            assert_eq!(ranges(&indexes.iter().copied().collect()), want);
        }
        check(&[], "");
        check(&[3], "3");
        check(&[0, 1], "0,1");
        check(&[0, 2, 3, 4, 9], "0,2-4,9");
    }
}
