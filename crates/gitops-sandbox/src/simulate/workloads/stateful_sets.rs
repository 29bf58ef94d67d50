//! StatefulSets: pods with numbers, one after the other (`pkg/controller/statefulset`).

use std::time::Duration;

use serde_json::{Value, json};

use super::children::{self, count, is_active, is_available, is_deleting, is_over, is_ready};
use super::revisions::{self, REVISION_HASH};
use super::{One, nothing};
use crate::store::Key;

/// When a set that could not make a pod tries again.
const AGAIN: Duration = Duration::from_secs(10);

pub(super) async fn reconcile(one: &One<'_>) {
    let spec = &one.object["spec"];
    let revision = format!("{}-{}", one.text("name"), revisions::keep(one, "StatefulSet").await);
    let first = spec["ordinals"]["start"].as_i64().unwrap_or(0);
    let replicas = spec["replicas"].as_i64().unwrap_or(1);
    let in_order = spec["podManagementPolicy"] != "Parallel";
    let min_ready = spec["minReadySeconds"].as_i64().unwrap_or(0);
    let now = one.server.clock.now();
    let pods = children::owned(one.server, "pods", one.object);
    let find = |number: i64| pods.iter().find(|pod| number_of(pod) == Some(number));
    let up = |pod: &Value| is_active(pod) && is_available(pod, min_ready, now);
    let mut waits = false;
    for number in first..first + replicas {
        match find(number) {
            // One that failed is made anew; one that ends must first be gone.
            Some(pod) if !is_active(pod) && !is_deleting(pod) => {
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                let message = format!(
                    "StatefulSet {}/{} is recreating failed Pod {name}",
                    one.text("namespace"),
                    one.text("name")
                );
                one.tell(true, "RecreatingFailedPod", &message).await;
                delete(one, pod).await;
            }
            Some(pod) if up(pod) => continue,
            Some(_) => {}
            None => create(one, number, &revision).await,
        }
        waits = true;
        if in_order {
            break;
        }
    }
    let mut surplus: Vec<&Value> = pods
        .iter()
        .filter(|pod| number_of(pod).is_none_or(|number| !(first..first + replicas).contains(&number)))
        .collect();
    surplus.sort_by_key(|pod| std::cmp::Reverse(number_of(pod)));
    if !waits {
        let most = if in_order { 1 } else { surplus.len() };
        let ending = surplus.iter().any(|pod| is_deleting(pod));
        for pod in surplus.iter().take(most).filter(|_| !(in_order && ending)) {
            delete(one, pod).await;
        }
    }
    let rolls = spec["updateStrategy"]["type"] != "OnDelete";
    let partition = spec["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    let outdated = |pod: &&Value| revisions::of_pod(pod) != revision;
    if rolls && surplus.is_empty() {
        // From the highest number down, each only when those above it are up.
        for number in (first.max(partition)..first + replicas).rev() {
            let Some(pod) = find(number) else { break };
            if outdated(&pod) {
                if !is_deleting(pod) {
                    delete(one, pod).await;
                }
                break;
            }
            if !up(pod) {
                break;
            }
        }
    }
    report(one, &revision, replicas, partition, min_ready).await;
}

fn number_of(pod: &Value) -> Option<i64> {
    pod["metadata"]["name"].as_str()?.rsplit('-').next()?.parse().ok()
}

async fn delete(one: &One<'_>, pod: &Value) {
    if one.delete("pods", pod).await {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let message = format!("Delete Pod {name} in StatefulSet {} successful", one.text("name"));
        one.tell(false, "SuccessfulDelete", &message).await;
    }
}

/// Returns the revision that the pod with a number gets: those below the partition, and those that the rollout has
/// not reached, stay what they were.
fn revision_of<'r>(one: &'r One<'_>, number: i64, newest: &'r str) -> &'r str {
    let (spec, status) = (&one.object["spec"], &one.object["status"]);
    let Some(current) = status["currentRevision"].as_str().filter(|current| *current != newest) else {
        return newest;
    };
    let first = spec["ordinals"]["start"].as_i64().unwrap_or(0);
    let rolling = &spec["updateStrategy"]["rollingUpdate"];
    let old = match rolling["partition"].as_i64().filter(|partition| *partition > 0) {
        Some(partition) => partition,
        None => status["currentReplicas"].as_i64().unwrap_or(0),
    };
    if spec["updateStrategy"]["type"] != "OnDelete" && number < first + old { current } else { newest }
}

async fn create(one: &One<'_>, number: i64, newest: &str) {
    let name = format!("{}-{number}", one.text("name"));
    let spec = &one.object["spec"];
    let revision = revision_of(one, number, newest);
    let old = (revision != newest).then(|| revisions::template(one, revision)).flatten();
    let template = old.as_ref().unwrap_or(&spec["template"]);
    let revision = if old.is_some() { revision } else { newest };
    let mut pod = children::pod(template, one.object, "apps/v1", "StatefulSet");
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = json!(number.to_string());
    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = json!(name);
    pod["metadata"]["labels"][REVISION_HASH] = json!(revision);
    pod["spec"]["hostname"] = json!(name);
    if !spec["serviceName"].is_null() {
        pod["spec"]["subdomain"] = spec["serviceName"].clone();
    }
    for claim in spec["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let volume = claim["metadata"]["name"].as_str().unwrap_or_default();
        let claim_name = format!("{volume}-{name}");
        let key = Key::new(&"persistentvolumeclaims".into(), one.text("namespace"), &claim_name);
        if one.server.store.get(&key).is_none() {
            let mut labels = claim["metadata"]["labels"].clone();
            for (key, value) in spec["selector"]["matchLabels"].as_object().into_iter().flatten() {
                labels[key] = value.clone();
            }
            let object = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": claim_name, "labels": labels}, "spec": claim["spec"],
            });
            let set = one.text("name");
            match one.create("/api/v1", "persistentvolumeclaims", &object).await {
                Ok(_) => {
                    let message =
                        format!("Create Claim {claim_name} Pod {name} in StatefulSet {set} success");
                    one.tell(false, "SuccessfulCreate", &message).await;
                }
                Err(why) => {
                    let what =
                        format!("create Claim {claim_name} for Pod {name} in StatefulSet {set} failed");
                    one.tell(true, "FailedCreate", &format!("{what} error: {why}")).await;
                }
            }
        }
        let source = json!({"name": volume, "persistentVolumeClaim": {"claimName": claim_name}});
        match pod["spec"]["volumes"].as_array_mut() {
            Some(volumes) => {
                volumes.retain(|known| known["name"] != volume);
                volumes.push(source);
            }
            None => pod["spec"]["volumes"] = json!([source]),
        }
    }
    let set = one.text("name");
    match one.create("/api/v1", "pods", &pod).await {
        Ok(_) => {
            let message = format!("Create Pod {name} in StatefulSet {set} successful");
            one.tell(false, "SuccessfulCreate", &message).await;
        }
        Err(why) => {
            let message = format!("create Pod {name} in StatefulSet {set} failed error: {why}");
            one.tell(true, "FailedCreate", &message).await;
            one.look_again(AGAIN);
        }
    }
}

async fn report(one: &One<'_>, revision: &str, replicas: i64, partition: i64, min_ready: i64) {
    let pods = children::owned(one.server, "pods", one.object);
    let living: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    // Those that end are there as long as they are.
    let there: Vec<&Value> = pods.iter().filter(|pod| !is_over(pod)).collect();
    let now = one.server.clock.now();
    let updated = count(&living, |pod| revisions::of_pod(pod) == revision);
    let ready = count(&there, is_ready);
    let have = count(&there, |_| true);
    let known = one.object["status"]["currentRevision"].as_str().unwrap_or(revision);
    // A rollout is over when all pods are of the new revision, and ready.
    let over = partition == 0 && updated == replicas && have == replicas && ready == replicas;
    let current = if over { revision } else { known };
    one.report(json!({
        "observedGeneration": one.object["metadata"]["generation"], "replicas": have,
        "readyReplicas": nothing(ready), "updatedReplicas": nothing(updated),
        "availableReplicas": count(&there, |pod| is_available(pod, min_ready, now)),
        "currentReplicas": nothing(count(&living, |pod| revisions::of_pod(pod) == current)),
        "currentRevision": current, "updateRevision": revision, "collisionCount": 0,
    }))
    .await;
}
