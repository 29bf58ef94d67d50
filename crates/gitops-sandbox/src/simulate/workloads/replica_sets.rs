//! ReplicaSets: as many pods as were asked for (`pkg/controller/replicaset`).

use std::time::Duration;

use serde_json::{Value, json};

use super::children::{self, available_in, count, is_active, is_available, is_deleting, is_ready};
use super::{One, nothing};

/// How long a controller waits at most before it tries again (client-go's `DefaultTypedControllerRateLimiter`).
const LONGEST_WAIT: u64 = 1000;

pub(super) async fn reconcile(one: &One<'_>) {
    let spec = &one.object["spec"];
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let pods = children::owned(one.server, "pods", one.object);
    let mut active: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    let have = i64::try_from(active.len()).unwrap_or(i64::MAX);
    let mut failure = None;
    if have < wanted {
        let pod = children::pod(&spec["template"], one.object, "apps/v1", "ReplicaSet");
        for _ in have..wanted {
            if let Err(why) = one.create_pod(&pod).await {
                // What one of them is refused for, the others are too.
                failure = Some(why);
                break;
            }
        }
    }
    if have > wanted {
        // Those that are not ready go first, then the newest.
        active.sort_by_key(|pod| {
            let created = pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
            (is_ready(pod), std::cmp::Reverse(created))
        });
        let surplus = usize::try_from(have - wanted).unwrap_or(0);
        for pod in active.iter().take(surplus) {
            one.delete_pod(pod).await;
        }
    }
    let pods = children::owned(one.server, "pods", one.object);
    let active: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    let now = one.server.clock.now();
    let min_ready = spec["minReadySeconds"].as_i64().unwrap_or(0);
    let replicas = count(&active, |_| true);
    let labels = &spec["template"]["metadata"]["labels"];
    let labelled = count(&active, |pod| {
        let of = &pod["metadata"]["labels"];
        labels.as_object().into_iter().flatten().all(|(key, value)| of[key] == *value)
    });
    let all: Vec<&Value> = pods.iter().collect();
    one.report(json!({
        "observedGeneration": one.object["metadata"]["generation"], "replicas": replicas,
        "fullyLabeledReplicas": nothing(labelled), "readyReplicas": nothing(count(&active, is_ready)),
        "availableReplicas": nothing(count(&active, |pod| is_available(pod, min_ready, now))),
        "terminatingReplicas": count(&all, is_deleting), "conditions": conditions(one, failure.as_deref()),
    }))
    .await;
    let soon =
        active.iter().filter_map(|pod| available_in(pod, min_ready, now)).filter(|wait| *wait > 0).min();
    if let Some(seconds) = soon.and_then(|seconds| u64::try_from(seconds).ok()) {
        one.look_again(Duration::from_secs(seconds));
    }
}

/// Returns the conditions: that pods could not be made, as long as that is so. Then it is tried again, ever later.
fn conditions(one: &One<'_>, failure: Option<&str>) -> Value {
    let known = one.object["status"]["conditions"].as_array();
    let known = known.and_then(|all| all.iter().find(|of| of["type"] == "ReplicaFailure"));
    let Some(message) = failure else { return Value::Null };
    let since = known.and_then(|known| known["lastTransitionTime"].as_str()).map(str::to_owned);
    let since = since.unwrap_or_else(|| one.server.clock.stamp());
    let waited = since
        .parse()
        .ok()
        .map_or(0, |since: jiff::Timestamp| one.server.clock.now().as_second() - since.as_second());
    let wait = u64::try_from(waited).unwrap_or(0).clamp(1, LONGEST_WAIT);
    one.look_again(Duration::from_secs(wait));
    json!([{
        "type": "ReplicaFailure", "status": "True", "lastTransitionTime": since, "reason": "FailedCreate",
        "message": message,
    }])
}
