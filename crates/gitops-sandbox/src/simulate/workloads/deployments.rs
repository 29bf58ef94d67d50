//! Deployments: a ReplicaSet for each template, and the way from one to the next (`pkg/controller/deployment`).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::children::{self, hash, reference};
use super::{One, Workload, Workloads, nothing, patch_status, wanted};
use crate::store::Key;

const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";
/// Annotations that are about the Deployment itself.
const OWN: [&str; 5] =
    ["kubectl.kubernetes.io/last-applied-configuration", REVISION, DESIRED, MAX, super::ANNOTATION];

pub(super) async fn reconcile(one: &One<'_>, workloads: &Workloads) {
    let plan = Plan::of(one.object);
    let sets = children::owned(one.server, "replicasets.apps", one.object);
    let (current, old) = split(&plan.template, &sets);
    let newest = old.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let mut status_change = json!({});
    match current {
        None if !plan.paused => {
            // All old pods end before the first new one begins.
            if plan.recreates && !ended(one, &old).await {
                return report(one, workloads, &plan, &mut status_change, None).await;
            }
            let replicas = plan.first(&old);
            one.create("/apis/apps/v1", "replicasets", &plan.set(one.object, replicas, newest)).await;
        }
        None => {}
        Some(set) => {
            annotate(one, set, &plan, newest).await;
            if plan.paused {
                scale(one, set, plan.replicas).await;
            } else if plan.recreates {
                if ended(one, &old).await {
                    scale(one, set, plan.replicas).await;
                }
            } else {
                roll(one, &plan, set, &old).await;
            }
        }
    }
    let sets = children::owned(one.server, "replicasets.apps", one.object);
    let (current, _) = split(&plan.template, &sets);
    if let Some(set) = current {
        status_change["metadata"]["annotations"][REVISION] = json!(revision(set).to_string());
    }
    report(one, workloads, &plan, &mut status_change, current).await;
}

/// What a Deployment asks for.
struct Plan {
    replicas: i64,
    surge: i64,
    unavailable: i64,
    recreates: bool,
    paused: bool,
    template: Value,
    history: Option<usize>,
}

impl Plan {
    fn of(deployment: &Value) -> Self {
        let spec = &deployment["spec"];
        let replicas = spec["replicas"].as_i64().unwrap_or(1);
        let rolling = &spec["strategy"]["rollingUpdate"];
        let recreates = spec["strategy"]["type"] == "Recreate";
        let surge = if recreates { 0 } else { amount(&rolling["maxSurge"], replicas, true) };
        let mut unavailable = amount(&rolling["maxUnavailable"], replicas, false);
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        if recreates || unavailable > replicas {
            unavailable = if recreates { 0 } else { replicas };
        }
        let history = spec["revisionHistoryLimit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let paused = spec["paused"] == true;
        Self { replicas, surge, unavailable, recreates, paused, template: spec["template"].clone(), history }
    }

    /// Returns how large the new set begins.
    fn first(&self, old: &[&Value]) -> i64 {
        let total: i64 = old.iter().map(|set| size(set)).sum();
        if self.recreates {
            self.replicas
        } else {
            (self.replicas + self.surge - total).clamp(0, self.replicas)
        }
    }

    /// Makes the ReplicaSet of the template.
    fn set(&self, deployment: &Value, replicas: i64, revision: i64) -> Value {
        let hash = hash(&self.template);
        let name = deployment["metadata"]["name"].as_str().unwrap_or_default();
        let mut template = self.template.clone();
        template["metadata"]["labels"][HASH] = json!(hash);
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"][HASH] = json!(hash);
        let mut annotations = json!({
            REVISION: revision.to_string(), DESIRED: self.replicas.to_string(),
            MAX: (self.replicas + self.surge).to_string(),
        });
        for (key, value) in deployment["metadata"]["annotations"].as_object().into_iter().flatten() {
            if !OWN.contains(&key.as_str()) {
                annotations[key] = value.clone();
            }
        }
        let mut spec = json!({"replicas": replicas, "selector": selector, "template": template});
        if !deployment["spec"]["minReadySeconds"].is_null() {
            spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"].clone();
        }
        json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{name}-{hash}"), "labels": template["metadata"]["labels"],
                "annotations": annotations, "ownerReferences": reference(deployment, "apps/v1", "Deployment"),
            },
            "spec": spec,
        })
    }
}

fn amount(value: &Value, of: i64, up: bool) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (percent * of + if up { 99 } else { 0 }) / 100
        }
        _ => 0,
    }
}

fn size(set: &Value) -> i64 {
    set["spec"]["replicas"].as_i64().unwrap_or(0)
}

fn of_status(set: &Value, name: &str) -> i64 {
    set["status"][name].as_i64().unwrap_or(0)
}

fn revision(set: &Value) -> i64 {
    set["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Finds the set of a template among all sets.
fn split<'s>(template: &Value, sets: &'s [Value]) -> (Option<&'s Value>, Vec<&'s Value>) {
    let is_current = |set: &&Value| {
        let mut of = set["spec"]["template"].clone();
        if let Some(labels) = of["metadata"]["labels"].as_object_mut() {
            labels.remove(HASH);
        }
        of == *template
    };
    let current = sets.iter().find(is_current);
    let name = current.map(|set| &set["metadata"]["name"]);
    let old = sets.iter().filter(|set| Some(&set["metadata"]["name"]) != name).collect();
    (current, old)
}

async fn scale(one: &One<'_>, set: &Value, replicas: i64) {
    if size(set) != replicas {
        one.patch(&key(set), &json!({"spec": {"replicas": replicas}})).await;
    }
}

fn key(set: &Value) -> Key {
    let text = |name: &str| set["metadata"][name].as_str().unwrap_or_default();
    Key::new(&"replicasets.apps".into(), text("namespace"), text("name"))
}

/// A set that is used again becomes the newest.
async fn annotate(one: &One<'_>, set: &Value, plan: &Plan, newest: i64) {
    let revision = revision(set).max(newest);
    let annotations = json!({
        REVISION: revision.to_string(), DESIRED: plan.replicas.to_string(),
        MAX: (plan.replicas + plan.surge).to_string(),
    });
    let known = &set["metadata"]["annotations"];
    if annotations.as_object().into_iter().flatten().any(|(key, value)| known[key] != *value) {
        one.patch(&key(set), &json!({"metadata": {"annotations": annotations}})).await;
    }
}

/// Ends the old sets; true when none of their pods is left.
async fn ended(one: &One<'_>, old: &[&Value]) -> bool {
    let mut left = false;
    for set in old {
        scale(one, set, 0).await;
        left |= !children::owned(one.server, "pods", set).is_empty();
    }
    !left
}

/// Moves pods from the old sets to the new one, never too many and never too few.
async fn roll(one: &One<'_>, plan: &Plan, set: &Value, old: &[&Value]) {
    let total: i64 = old.iter().map(|set| size(set)).sum::<i64>() + size(set);
    if size(set) > plan.replicas {
        return scale(one, set, plan.replicas).await;
    }
    if size(set) < plan.replicas && total < plan.replicas + plan.surge {
        let more = (plan.replicas + plan.surge - total).min(plan.replicas - size(set));
        return scale(one, set, size(set) + more).await;
    }
    let mut oldest: Vec<&&Value> = old.iter().filter(|set| size(set) > 0).collect();
    oldest.sort_by_key(|set| revision(set));
    if oldest.is_empty() {
        return prune(one, plan, old).await;
    }
    let least = plan.replicas - plan.unavailable;
    let starting = size(set) - of_status(set, "availableReplicas");
    let mut may_go = total - least - starting;
    let mut available: i64 = old.iter().map(|set| of_status(set, "availableReplicas")).sum::<i64>()
        + of_status(set, "availableReplicas");
    for set in oldest {
        let broken = (size(set) - of_status(set, "availableReplicas")).clamp(0, may_go.max(0));
        may_go -= broken;
        let healthy = (size(set) - broken).min(may_go).min(available - least).max(0);
        may_go -= healthy;
        available -= healthy;
        scale(one, set, size(set) - broken - healthy).await;
    }
}

/// Forgets old sets that are empty and beyond the history.
async fn prune(one: &One<'_>, plan: &Plan, old: &[&Value]) {
    let Some(limit) = plan.history else { return };
    let mut empty: Vec<&&Value> =
        old.iter().filter(|set| size(set) == 0 && of_status(set, "replicas") == 0).collect();
    empty.sort_by_key(|set| revision(set));
    let surplus = empty.len().saturating_sub(limit);
    for set in empty.into_iter().take(surplus) {
        one.delete("replicasets.apps", set).await;
    }
}

async fn report(
    one: &One<'_>,
    workloads: &Workloads,
    plan: &Plan,
    change: &mut Value,
    current: Option<&Value>,
) {
    let sets = children::owned(one.server, "replicasets.apps", one.object);
    let sum = |name: &str| sets.iter().map(|set| of_status(set, name)).sum::<i64>();
    let (replicas, available) = (sum("replicas"), sum("availableReplicas"));
    let asked: i64 = sets.iter().map(size).sum();
    let updated = current.map_or(0, |set| of_status(set, "replicas"));
    let before = &one.object["status"];
    let mut status = json!({
        "observedGeneration": one.object["metadata"]["generation"], "replicas": nothing(replicas),
        "updatedReplicas": nothing(updated), "readyReplicas": nothing(sum("readyReplicas")),
        "availableReplicas": nothing(available), "terminatingReplicas": sum("terminatingReplicas"),
        "unavailableReplicas": nothing((asked - available).max(0)),
    });
    let now = one.server.clock.now();
    let mut conditions = before["conditions"].as_array().cloned().unwrap_or_default();
    let set = |conditions: &mut Vec<Value>, name: &str, is: bool, reason: &str, message: &str| {
        set_condition(conditions, name, is, reason, message, &one.server.clock.stamp());
    };
    if available >= plan.replicas - plan.unavailable {
        let message = "Deployment has minimum availability.";
        set(&mut conditions, "Available", true, "MinimumReplicasAvailable", message);
    } else {
        let message = "Deployment does not have minimum availability.";
        set(&mut conditions, "Available", false, "MinimumReplicasUnavailable", message);
    }
    let name = current.map(|set| set["metadata"]["name"].as_str().unwrap_or_default());
    let named = |text: &str| match name {
        Some(name) => format!("ReplicaSet {name:?} {text}"),
        None => format!("Deployment {:?} {text}", one.text("name")),
    };
    let progress = conditions.iter().find(|condition| condition["type"] == "Progressing").cloned();
    let done = updated == plan.replicas && replicas == plan.replicas && available == plan.replicas;
    let known = |name: &str| before[name].as_i64().unwrap_or(0);
    let moved = updated > known("updatedReplicas")
        || sum("readyReplicas") > known("readyReplicas")
        || available > known("availableReplicas")
        || replicas - updated < known("replicas") - known("updatedReplicas");
    let was_done = progress.as_ref().is_some_and(|of| of["reason"] == "NewReplicaSetAvailable");
    if plan.paused {
        set(&mut conditions, "Progressing", true, "DeploymentPaused", "Deployment is paused");
        if let Some(of) = conditions.iter_mut().find(|of| of["type"] == "Progressing") {
            of["status"] = json!("Unknown");
        }
    } else if done {
        set(
            &mut conditions,
            "Progressing",
            true,
            "NewReplicaSetAvailable",
            &named("has successfully progressed."),
        );
    } else if !(was_done && replicas == updated) {
        let stuck = wanted(one.server, one.object, "Deployment", workloads.usual) == Workload::Crash;
        // The pods of a scripted crash never come up: the deadline need not be waited for.
        let left = if stuck && updated > 0 { Some(0) } else { deadline(one.object, progress.as_ref(), now) };
        match left {
            _ if progress.is_none() && name.is_some() => {
                let message = format!("Created new replica set {:?}", name.unwrap_or_default());
                set(&mut conditions, "Progressing", true, "NewReplicaSetCreated", &message);
            }
            _ if !stuck && (moved || was_done) => {
                set(&mut conditions, "Progressing", true, "ReplicaSetUpdated", &named("is progressing."));
                // Progress moves the deadline, though the reason stays.
                let stamp = json!(one.server.clock.stamp());
                if let Some(of) = conditions.iter_mut().find(|of| of["type"] == "Progressing") {
                    of["lastUpdateTime"] = stamp;
                }
            }
            Some(left) if left > 0 => {
                workloads.look_again(one, Duration::from_secs(u64::try_from(left).unwrap_or(0)));
            }
            Some(_) => {
                set(
                    &mut conditions,
                    "Progressing",
                    false,
                    "ProgressDeadlineExceeded",
                    &named("has timed out progressing."),
                );
            }
            None => {}
        }
    }
    status["conditions"] = json!(conditions);
    change["status"] = status;
    patch_status(one.server, one.key, change, "").await;
}

/// Returns how many seconds a rollout still has; nothing if it is not waited for.
fn deadline(deployment: &Value, progress: Option<&Value>, now: Timestamp) -> Option<i64> {
    let limit = deployment["spec"]["progressDeadlineSeconds"]
        .as_i64()
        .filter(|limit| *limit < i64::from(i32::MAX))?;
    let since: Timestamp = progress?["lastUpdateTime"].as_str()?.parse().ok()?;
    Some(since.as_second() + limit - now.as_second())
}

fn set_condition(conditions: &mut Vec<Value>, name: &str, is: bool, reason: &str, message: &str, now: &str) {
    let status = if is { "True" } else { "False" };
    let known = conditions.iter().find(|condition| condition["type"] == name);
    if known.is_some_and(|known| known["status"] == status && known["reason"] == reason) {
        return;
    }
    let since = known.filter(|known| known["status"] == status);
    let since = since.map_or_else(|| json!(now), |known| known["lastTransitionTime"].clone());
    conditions.retain(|condition| condition["type"] != name);
    conditions.push(json!({
        "type": name, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": since, "lastUpdateTime": now,
    }));
}
