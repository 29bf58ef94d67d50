//! Deployments: a ReplicaSet for each template, and the way from one to the next (`pkg/controller/deployment`).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::children::{self, reference};
use super::hash;
use super::{One, nothing, patch_status};
use crate::store::Key;

const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH: &str = "pod-template-hash";
/// Annotations that are about the Deployment itself.
const OWN: [&str; 7] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
    super::ANNOTATION,
];

pub(super) async fn reconcile(one: &One<'_>) {
    let plan = Plan::of(one.object);
    let sets = children::owned(one.server, "replicasets.apps", one.object);
    let (current, old) = split(&plan.template, &sets);
    let newest = old.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let mut change = json!({});
    let mut begun = Begun::Not;
    match current {
        None if !plan.paused => {
            // All old pods end before the first new one begins.
            if plan.recreates && !ended(one, &old).await {
                return report(one, &plan, change, None, begun).await;
            }
            begun = begin(one, &plan, plan.first(&old), newest).await;
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
        change["metadata"]["annotations"][REVISION] = json!(revision(set).to_string());
    }
    report(one, &plan, change, current, begun).await;
}

/// What came of making the ReplicaSet of a template.
enum Begun {
    /// It was there, or it is not its time yet.
    Not,
    Made,
    /// Why it could not be made.
    Failed(String),
}

/// Makes the ReplicaSet of the template.
async fn begin(one: &One<'_>, plan: &Plan, replicas: i64, revision: i64) -> Begun {
    let set = plan.set(one.object, replicas, revision);
    let name = set["metadata"]["name"].as_str().unwrap_or_default();
    let taken = Key::new(&"replicasets.apps".into(), one.text("namespace"), name);
    if one.server.store.get(&taken).is_some() {
        // Another template has the same hash: the next one is made with a number in it.
        let collisions = one.object["status"]["collisionCount"].as_i64().unwrap_or(0) + 1;
        let status = json!({"status": {"collisionCount": collisions}});
        patch_status(one.server, one.key, &status, "").await;
        return Begun::Not;
    }
    match one.create("/apis/apps/v1", "replicasets", &set).await {
        Ok(_) => {
            if replicas > 0 {
                let message = format!("Scaled up replica set {name} from 0 to {replicas}");
                one.tell(false, "ScalingReplicaSet", &message).await;
            }
            Begun::Made
        }
        Err(why) => {
            let message = format!("Failed to create new replica set {name:?}: {why}");
            one.tell(true, "ReplicaSetCreateError", &message).await;
            Begun::Failed(message)
        }
    }
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
        let hash = hash::of_template(&self.template, deployment["status"]["collisionCount"].as_i64());
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

/// Returns a number, or so many percent of another.
pub(super) fn amount(value: &Value, of: i64, up: bool) -> i64 {
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
    let before = size(set);
    if before != replicas {
        one.patch(&key(set), &json!({"spec": {"replicas": replicas}})).await;
        let way = if before < replicas { "up" } else { "down" };
        let name = set["metadata"]["name"].as_str().unwrap_or_default();
        let message = format!("Scaled {way} replica set {name} from {before} to {replicas}");
        one.tell(false, "ScalingReplicaSet", &message).await;
    }
}

fn key(set: &Value) -> Key {
    let text = |name: &str| set["metadata"][name].as_str().unwrap_or_default();
    Key::new(&"replicasets.apps".into(), text("namespace"), text("name"))
}

/// Gives a set what its Deployment has; one that is used again becomes the newest, and keeps what it was.
async fn annotate(one: &One<'_>, set: &Value, plan: &Plan, newest: i64) {
    let before = revision(set);
    let known = &set["metadata"]["annotations"];
    let mut annotations = json!({
        REVISION: before.max(newest).to_string(), DESIRED: plan.replicas.to_string(),
        MAX: (plan.replicas + plan.surge).to_string(),
    });
    if before > 0 && before < newest {
        let history = known[HISTORY].as_str().map(|history| format!("{history},{before}"));
        annotations[HISTORY] = json!(history.unwrap_or_else(|| before.to_string()));
    }
    for (key, value) in one.object["metadata"]["annotations"].as_object().into_iter().flatten() {
        if !OWN.contains(&key.as_str()) {
            annotations[key] = value.clone();
        }
    }
    let mut change = json!({});
    if annotations.as_object().into_iter().flatten().any(|(key, value)| known[key] != *value) {
        change["metadata"]["annotations"] = annotations;
    }
    let wanted = one.object["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
    if set["spec"]["minReadySeconds"].as_i64().unwrap_or(0) != wanted {
        change["spec"]["minReadySeconds"] = json!(wanted);
    }
    if change != json!({}) {
        one.patch(&key(set), &change).await;
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

/// Writes the status, with `change`.
async fn report(one: &One<'_>, plan: &Plan, mut change: Value, current: Option<&Value>, begun: Begun) {
    let sets = children::owned(one.server, "replicasets.apps", one.object);
    let sum = |name: &str| sets.iter().map(|set| of_status(set, name)).sum::<i64>();
    let asked: i64 = sets.iter().map(size).sum();
    let count = Count {
        replicas: sum("replicas"),
        updated: current.map_or(0, |set| of_status(set, "replicas")),
        ready: sum("readyReplicas"),
        available: sum("availableReplicas"),
    };
    let mut conditions = Conditions {
        all: one.object["status"]["conditions"].as_array().cloned().unwrap_or_default(),
        now: one.server.clock.stamp(),
    };
    if count.available >= plan.replicas - plan.unavailable {
        let message = "Deployment has minimum availability.";
        conditions.set("Available", "True", "MinimumReplicasAvailable", message);
    } else {
        let message = "Deployment does not have minimum availability.";
        conditions.set("Available", "False", "MinimumReplicasUnavailable", message);
    }
    if let Begun::Failed(message) = begun {
        conditions.set("Progressing", "False", "ReplicaSetCreateError", &message);
    } else {
        progress(one, plan, &count, current, matches!(begun, Begun::Made), &mut conditions);
    }
    conditions.take_failure(current, &sets);
    change["status"] = json!({
        "observedGeneration": one.object["metadata"]["generation"], "replicas": nothing(count.replicas),
        "updatedReplicas": nothing(count.updated), "readyReplicas": nothing(count.ready),
        "availableReplicas": nothing(count.available), "terminatingReplicas": sum("terminatingReplicas"),
        "unavailableReplicas": nothing((asked - count.available).max(0)), "conditions": conditions.all,
    });
    patch_status(one.server, one.key, &change, "").await;
}

/// How many pods there are.
struct Count {
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
}

/// Says how far a rollout is (`syncRolloutStatus`).
fn progress(
    one: &One<'_>,
    plan: &Plan,
    count: &Count,
    current: Option<&Value>,
    is_made: bool,
    conditions: &mut Conditions,
) {
    const NAME: &str = "Progressing";
    let limit = one.object["spec"]["progressDeadlineSeconds"].as_i64();
    let Some(limit) = limit.filter(|limit| *limit < i64::from(i32::MAX)) else {
        return conditions.all.retain(|condition| condition["type"] != NAME);
    };
    let name = current.map(|set| set["metadata"]["name"].as_str().unwrap_or_default());
    match name {
        Some(name) if is_made => {
            let message = format!("Created new replica set {name:?}");
            conditions.set(NAME, "True", "NewReplicaSetCreated", &message);
        }
        Some(name) if conditions.get(NAME).is_none() => {
            conditions.set(NAME, "True", "FoundNewReplicaSet", &format!("Found new replica set {name:?}"));
        }
        _ => {}
    }
    let known = conditions.get(NAME).cloned();
    let reason = known.as_ref().and_then(|known| known["reason"].as_str()).unwrap_or_default();
    if plan.paused {
        if reason != "ProgressDeadlineExceeded" && reason != "DeploymentPaused" {
            conditions.set(NAME, "Unknown", "DeploymentPaused", "Deployment is paused");
        }
        return;
    }
    if reason == "DeploymentPaused" {
        conditions.set(NAME, "Unknown", "DeploymentResumed", "Deployment is resumed");
    }
    let named = |text: &str| match name {
        Some(name) => format!("ReplicaSet {name:?} {text}"),
        None => format!("Deployment {:?} {text}", one.text("name")),
    };
    let is_done =
        count.updated == plan.replicas && count.replicas == plan.replicas && count.available == plan.replicas;
    let before = |name: &str| one.object["status"][name].as_i64().unwrap_or(0);
    let moved = count.updated > before("updatedReplicas")
        || count.ready > before("readyReplicas")
        || count.available > before("availableReplicas")
        || count.replicas - count.updated < before("replicas") - before("updatedReplicas");
    if reason == "NewReplicaSetAvailable" && count.replicas == count.updated {
        // A rollout that is over stays so, whatever becomes of its pods.
    } else if is_done {
        conditions.set(NAME, "True", "NewReplicaSetAvailable", &named("has successfully progressed."));
    } else if moved {
        conditions.renew(NAME, "ReplicaSetUpdated", &named("is progressing."));
    } else if reason != "NewReplicaSetAvailable" && reason != "ProgressDeadlineExceeded" {
        let since =
            known.as_ref().and_then(|known| known["lastUpdateTime"].as_str()?.parse::<Timestamp>().ok());
        let left = since.map_or(0, |since| since.as_second() + limit - one.server.clock.now().as_second());
        if left <= 0 {
            let message = named("has timed out progressing.");
            return conditions.set(NAME, "False", "ProgressDeadlineExceeded", &message);
        }
    }
    // Whatever was said now, it must go on before the deadline.
    if let Some(progress) = conditions.get(NAME).filter(|progress| {
        !matches!(progress["reason"].as_str(), Some("NewReplicaSetAvailable" | "ProgressDeadlineExceeded"))
    }) {
        let since: Option<Timestamp> = progress["lastUpdateTime"].as_str().and_then(|text| text.parse().ok());
        let left =
            since.map_or(limit, |since| since.as_second() + limit - one.server.clock.now().as_second());
        one.look_again(Duration::from_secs(u64::try_from(left).unwrap_or(0).max(1)));
    }
}

/// The conditions of a Deployment: what is set anew goes to the end.
struct Conditions {
    all: Vec<Value>,
    now: String,
}

impl Conditions {
    fn get(&self, name: &str) -> Option<&Value> {
        self.all.iter().find(|condition| condition["type"] == name)
    }

    /// Sets a condition, unless it is so already for the same reason.
    fn set(&mut self, name: &str, is: &str, reason: &str, message: &str) {
        let known = self.get(name);
        if known.is_some_and(|known| known["status"] == is && known["reason"] == reason) {
            return;
        }
        let since = known.filter(|known| known["status"] == is);
        let since = since.map_or_else(|| json!(self.now), |known| known["lastTransitionTime"].clone());
        self.push(name, is, reason, message, since);
    }

    /// Sets a condition that is true, also when it is so already: the time of its last update moves on.
    fn renew(&mut self, name: &str, reason: &str, message: &str) {
        let since = self.get(name).filter(|known| known["status"] == "True");
        let since = since.map_or_else(|| json!(self.now), |known| known["lastTransitionTime"].clone());
        self.push(name, "True", reason, message, since);
    }

    fn push(&mut self, name: &str, is: &str, reason: &str, message: &str, since: Value) {
        self.all.retain(|condition| condition["type"] != name);
        self.all.push(json!({
            "type": name, "status": is, "reason": reason, "message": message, "lastTransitionTime": since,
            "lastUpdateTime": self.now,
        }));
    }

    /// Takes over that a set cannot make its pods: the new one, or else any.
    fn take_failure(&mut self, current: Option<&Value>, sets: &[Value]) {
        const NAME: &str = "ReplicaFailure";
        let of = |set: &Value| {
            let conditions = set["status"]["conditions"].as_array().into_iter().flatten();
            conditions.into_iter().find(|of| of["type"] == NAME && of["status"] == "True").cloned()
        };
        match current.and_then(of).or_else(|| sets.iter().find_map(of)) {
            Some(failure) => {
                let text = |name: &str| failure[name].as_str().unwrap_or_default();
                self.set(NAME, "True", text("reason"), text("message"));
            }
            None => self.all.retain(|condition| condition["type"] != NAME),
        }
    }
}
