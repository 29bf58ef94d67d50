//! Workloads: they become ready after a while, or crash, or never do.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ask, current, path_of};
use crate::server::Server;
use crate::store::{Event, Key};

/// What becomes of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Workload {
    /// It becomes ready, and a Job complete, after this time.
    ReadyAfter(Duration),
    /// Nothing happens to it.
    Never,
    /// Its pods crash: a Deployment makes no progress, a Job fails.
    Crash,
}

const MERGE: &str = "application/merge-patch+json";

/// The kinds that live, by where they are stored.
fn kind_of(resource: &str) -> Option<&'static str> {
    Some(match resource {
        "deployments.apps" => "Deployment",
        "statefulsets.apps" => "StatefulSet",
        "daemonsets.apps" => "DaemonSet",
        "replicasets.apps" => "ReplicaSet",
        "jobs.batch" => "Job",
        "persistentvolumeclaims" => "PersistentVolumeClaim",
        "services" => "Service",
        _ => return None,
    })
}

/// Begins what events ask for; it ends later, on the server's clock.
pub(super) fn follow(server: &Arc<Server>, events: &[Arc<Event>], usual: Workload) {
    for event in events {
        let Some(kind) = kind_of(&event.key.resource) else { continue };
        let Some(object) = current(event) else { continue };
        if is_due(kind, &object) {
            play(server, kind, &event.key, &object, usual);
        }
    }
}

/// Looks at all workloads, because something else was said of some.
pub(super) fn check_all(server: &Arc<Server>, usual: Workload) {
    check(server, usual, |_, _| true);
}

/// Looks at all workloads whose status is behind, because nobody knows what happened to them.
pub(super) fn check_due(server: &Arc<Server>, usual: Workload) {
    check(server, usual, is_due);
}

fn check(server: &Arc<Server>, usual: Workload, which: impl Fn(&str, &Value) -> bool) {
    let (_, objects) = server.store.dump();
    for (key, bytes) in objects {
        let Some(kind) = kind_of(&key.resource) else { continue };
        let object: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if which(kind, &object) {
            play(server, kind, &key, &object, usual);
        }
    }
}

/// Lets become of a workload what was said.
fn play(server: &Arc<Server>, kind: &'static str, key: &Key, object: &Value, usual: Workload) {
    if object["metadata"]["deletionTimestamp"].is_string() || has_ended(kind, object) {
        return;
    }
    let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
    let workload = server.script.get(kind, text("namespace"), text("name")).unwrap_or(usual);
    let generation = object["metadata"]["generation"].clone();
    let (server, key) = (Arc::downgrade(server), key.clone());
    tokio::spawn(async move {
        let Some(clock) = server.upgrade().map(|server| server.clock.clone()) else { return };
        match workload {
            Workload::Never => return,
            Workload::ReadyAfter(after) => {
                if let Some(server) = server.upgrade() {
                    begin(&server, &key, kind, &generation).await;
                }
                clock.sleep(after).await;
            }
            Workload::Crash => {}
        }
        if let Some(server) = server.upgrade() {
            settle(&server, &key, kind, &generation, workload).await;
        }
    });
}

/// A Job that is over stays as it is.
fn has_ended(kind: &str, object: &Value) -> bool {
    kind == "Job" && !object["status"]["conditions"].is_null()
}

/// Tells whether the status is behind the spec.
fn is_due(kind: &str, object: &Value) -> bool {
    let (spec, status) = (&object["spec"], &object["status"]);
    match kind {
        "PersistentVolumeClaim" => status["phase"] == "Pending",
        "Service" => spec["type"] == "LoadBalancer" && status["loadBalancer"]["ingress"].is_null(),
        "Job" => status["conditions"].is_null() && spec["suspend"] != true && status["startTime"].is_null(),
        _ => status["observedGeneration"] != object["metadata"]["generation"],
    }
}

fn read(server: &Server, key: &Key, generation: &Value) -> Option<Value> {
    let stored = server.store.get(key)?;
    let object: Value = serde_json::from_slice(&stored.bytes).ok()?;
    // A newer change has its own rollout.
    (object["metadata"]["generation"] == *generation && object["metadata"]["deletionTimestamp"].is_null())
        .then_some(object)
}

async fn patch_status(server: &Arc<Server>, key: &Key, status: Value) {
    if let Some((_, path)) = path_of(server, key) {
        ask(server, "PATCH", &format!("{path}/status"), MERGE, &json!({"status": status})).await;
    }
}

/// Shows that the change was seen, and is under way.
async fn begin(server: &Arc<Server>, key: &Key, kind: &str, generation: &Value) {
    let Some(object) = read(server, key, generation) else { return };
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let now = server.clock.stamp();
    let status = match kind {
        "Deployment" if object["status"]["observedGeneration"].is_null() => json!({
            "replicas": replicas, "unavailableReplicas": replicas, "updatedReplicas": replicas,
            "conditions": [
                condition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", &now),
                condition("Progressing", "True", "ReplicaSetUpdated", "Pods of the Deployment are being created.", &now),
            ],
        }),
        "Job" if object["status"]["startTime"].is_null() => json!({"startTime": now, "active": 1}),
        _ => return,
    };
    patch_status(server, key, status).await;
}

fn condition(name: &str, status: &str, reason: &str, message: &str, now: &str) -> Value {
    json!({
        "type": name, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": now, "lastUpdateTime": now,
    })
}

/// Brings the status to where the spec wants it, or where the script does.
async fn settle(server: &Arc<Server>, key: &Key, kind: &str, generation: &Value, workload: Workload) {
    let Some(object) = read(server, key, generation) else { return };
    let crashed = workload == Workload::Crash;
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let ready = if crashed { 0 } else { replicas };
    let now = server.clock.stamp();
    let status = match kind {
        "Deployment" => {
            let (available, progressing) = if crashed {
                (
                    condition(
                        "Available",
                        "False",
                        "MinimumReplicasUnavailable",
                        "Deployment does not have minimum availability.",
                        &now,
                    ),
                    condition(
                        "Progressing",
                        "False",
                        "ProgressDeadlineExceeded",
                        "The Deployment has timed out progressing.",
                        &now,
                    ),
                )
            } else {
                (
                    condition(
                        "Available",
                        "True",
                        "MinimumReplicasAvailable",
                        "Deployment has minimum availability.",
                        &now,
                    ),
                    condition(
                        "Progressing",
                        "True",
                        "NewReplicaSetAvailable",
                        "The Deployment has successfully progressed.",
                        &now,
                    ),
                )
            };
            json!({
                "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
                "readyReplicas": nothing(ready), "availableReplicas": nothing(ready),
                "unavailableReplicas": nothing(replicas - ready), "conditions": [available, progressing],
            })
        }
        "ReplicaSet" => json!({
            "observedGeneration": generation, "replicas": replicas, "fullyLabeledReplicas": nothing(replicas),
            "readyReplicas": nothing(ready), "availableReplicas": nothing(ready),
        }),
        "StatefulSet" => {
            let revision =
                format!("{}-{}", object["metadata"]["name"].as_str().unwrap_or_default(), generation);
            json!({
                "observedGeneration": generation, "replicas": replicas, "readyReplicas": nothing(ready),
                "currentReplicas": nothing(replicas), "updatedReplicas": nothing(replicas),
                "availableReplicas": ready, "currentRevision": revision, "updateRevision": revision,
            })
        }
        "DaemonSet" => {
            let ready = i64::from(!crashed);
            json!({
                "observedGeneration": generation, "currentNumberScheduled": 1, "desiredNumberScheduled": 1,
                "numberMisscheduled": 0, "updatedNumberScheduled": 1, "numberReady": ready,
                "numberAvailable": nothing(ready), "numberUnavailable": nothing(1 - ready),
            })
        }
        "Job" => {
            let wanted = object["spec"]["completions"].as_i64().unwrap_or(1);
            let start = object["status"]["startTime"].as_str().unwrap_or(&now).to_owned();
            let end = |name: &str, reason: &str, message: &str| {
                json!({
                    "type": name, "status": "True", "reason": reason, "message": message,
                    "lastProbeTime": now, "lastTransitionTime": now,
                })
            };
            if crashed {
                let why = "Job has reached the specified backoff limit";
                json!({
                    "startTime": start, "active": Value::Null, "failed": 1,
                    "conditions": [end("FailureTarget", "BackoffLimitExceeded", why), end("Failed", "BackoffLimitExceeded", why)],
                })
            } else {
                let why = "Reached expected number of succeeded pods";
                json!({
                    "startTime": start, "completionTime": now, "active": Value::Null, "ready": 0, "succeeded": wanted,
                    "conditions": [end("SuccessCriteriaMet", "CompletionsReached", why), end("Complete", "CompletionsReached", why)],
                })
            }
        }
        "PersistentVolumeClaim" if !crashed => json!({
            "phase": "Bound", "accessModes": object["spec"]["accessModes"],
            "capacity": {"storage": object["spec"]["resources"]["requests"]["storage"]},
        }),
        "Service" if !crashed => json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}}),
        _ => return,
    };
    if !says(&object["status"], &status) {
        patch_status(server, key, status).await;
    }
}

/// Tells whether a status holds all of another one already, times aside.
fn says(now: &Value, wanted: &Value) -> bool {
    match (now, wanted) {
        (_, Value::Null) => now.is_null(),
        (Value::Object(now), Value::Object(wanted)) => wanted.iter().all(|(field, wanted)| {
            field.ends_with("Time") || says(now.get(field).unwrap_or(&Value::Null), wanted)
        }),
        (Value::Array(now), Value::Array(wanted)) => {
            now.len() == wanted.len() && now.iter().zip(wanted).all(|(now, wanted)| says(now, wanted))
        }
        _ => now == wanted,
    }
}

/// Counts that are zero are not written.
fn nothing(count: i64) -> Value {
    if count == 0 { Value::Null } else { json!(count) }
}
