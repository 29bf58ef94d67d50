//! DaemonSets: a pod on each node (`pkg/controller/daemon`).

use serde_json::{Value, json};

use super::children::{self, count, is_active, is_available, is_deleting, is_over, is_ready};
use super::revisions::{self, REVISION_HASH};
use super::{One, nothing};

/// Where pods are placed while the cluster has no nodes; if there are to be more than one, the others have a number.
const NODE: &str = "sandbox";
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

pub(super) async fn reconcile(one: &One<'_>) {
    let spec = &one.object["spec"];
    let hash = revisions::keep(one, "DaemonSet").await;
    let wanted = nodes(one, &spec["template"]["spec"]["nodeSelector"]);
    let pods = children::owned(one.server, "pods", one.object);
    let min_ready = spec["minReadySeconds"].as_i64().unwrap_or(0);
    let now = one.server.clock.now();
    for pod in pods.iter().filter(|pod| !is_deleting(pod)) {
        if !is_active(pod) || !wanted.iter().any(|node| node == place(pod)) {
            if matches!(pod["status"]["phase"].as_str(), Some("Failed")) {
                let (name, node) = (pod["metadata"]["name"].as_str().unwrap_or_default(), place(pod));
                let message = format!(
                    "Found failed daemon pod {}/{name} on node {node}, will try to kill it",
                    one.text("namespace")
                );
                one.tell(true, "FailedDaemonPod", &message).await;
            }
            one.delete_pod(pod).await;
        }
    }
    for node in &wanted {
        if !pods.iter().any(|pod| place(pod) == node) {
            // It was told if it could not be; another node may have more luck.
            let _ = one.create_pod(&pod(one.object, node, &hash)).await;
        }
    }
    if spec["updateStrategy"]["type"] != "OnDelete" {
        let most = &spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"];
        let all = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
        let most = super::deployments::amount(most, all, true).max(1);
        let down = wanted.iter().filter(|node| {
            !pods
                .iter()
                .any(|pod| place(pod) == node.as_str() && is_active(pod) && is_available(pod, min_ready, now))
        });
        let mut may_go = most - i64::try_from(down.count()).unwrap_or(0);
        for pod in pods.iter().filter(|pod| is_active(pod) && revisions::of_pod(pod) != hash) {
            // What is not up anyway is replaced at once.
            let is_up = is_available(pod, min_ready, now);
            if !is_up || may_go > 0 {
                may_go -= i64::from(is_up);
                one.delete_pod(pod).await;
            }
        }
    }
    report(one, &wanted, &hash, min_ready).await;
}

/// Returns the names of the nodes that the pods shall be on.
fn nodes(one: &One<'_>, selector: &Value) -> Vec<String> {
    let page = one.server.store.list("nodes", "", None, None, 0);
    let items = page.map(|page| page.items).unwrap_or_default();
    if items.is_empty() {
        let others = (2..=one.desk.nodes).map(|number| format!("{NODE}-{number}"));
        return std::iter::once(NODE.to_owned()).chain(others).take(one.desk.nodes).collect();
    }
    let nodes = items.iter().filter_map(|stored| serde_json::from_slice::<Value>(&stored.bytes).ok());
    let fits = nodes.filter(|node| {
        let labels = &node["metadata"]["labels"];
        selector.as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value)
    });
    fits.filter_map(|node| node["metadata"]["name"].as_str().map(str::to_owned)).collect()
}

/// Returns the node that a pod is bound to.
fn place(pod: &Value) -> &str {
    let affinity = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    affinity["nodeSelectorTerms"][0]["matchFields"][0]["values"][0].as_str().unwrap_or_default()
}

fn pod(set: &Value, node: &str, hash: &str) -> Value {
    let mut pod = children::pod(&set["spec"]["template"], set, "apps/v1", "DaemonSet");
    pod["metadata"]["labels"][REVISION_HASH] = json!(hash);
    let generation = &set["metadata"]["annotations"]["deprecated.daemonset.template.generation"];
    pod["metadata"]["labels"]["pod-template-generation"] = json!(generation.as_str().unwrap_or("1"));
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}],
    });
    let mut tolerations = pod["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    tolerations.extend(
        TOLERATED.iter().map(|(key, effect)| json!({"key": key, "operator": "Exists", "effect": effect})),
    );
    pod["spec"]["tolerations"] = json!(tolerations);
    pod
}

async fn report(one: &One<'_>, wanted: &[String], hash: &str, min_ready: i64) {
    let pods = children::owned(one.server, "pods", one.object);
    let now = one.server.clock.now();
    // Of the pods of a node the oldest counts, also while it ends.
    let mut living: Vec<&Value> =
        pods.iter().filter(|pod| is_active(pod) || (is_deleting(pod) && !is_over(pod))).collect();
    living.sort_by_cached_key(|pod| pod["metadata"]["creationTimestamp"].to_string());
    let placed: Vec<&Value> = wanted
        .iter()
        .filter_map(|node| living.iter().find(|pod| place(pod) == node.as_str()).copied())
        .collect();
    let strays: Vec<&Value> =
        living.iter().filter(|pod| !wanted.iter().any(|node| node == place(pod))).copied().collect();
    let desired = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
    let available = count(&placed, |pod| is_available(pod, min_ready, now));
    one.report(json!({
        "observedGeneration": one.object["metadata"]["generation"],
        "currentNumberScheduled": count(&placed, |_| true), "desiredNumberScheduled": desired,
        "numberMisscheduled": count(&strays, |_| true), "numberReady": count(&placed, is_ready),
        "updatedNumberScheduled": nothing(count(&placed, |pod| revisions::of_pod(pod) == hash)),
        "numberAvailable": nothing(available), "numberUnavailable": nothing(desired - available),
    }))
    .await;
}
