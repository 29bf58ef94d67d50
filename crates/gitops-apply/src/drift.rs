//! Whether the cluster differs from what an apply would leave.

use serde_json::{Map, Value};

/// Returns whether a live object differs from the result of a dry run in a way that an apply repairs.
///
/// Labels, annotations and everything outside `metadata` and `status` must be equal; owner references, finalizers
/// and managed fields never count (fluxcd/pkg `ssa/manager_diff.go`).
#[must_use]
pub fn drifted(live: &Value, dry_run: &Value) -> bool {
    ["labels", "annotations"].iter().any(|key| metadata(live, key) != metadata(dry_run, key))
        || body(live) != body(dry_run)
}

fn metadata<'a>(object: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    crate::fields::metadata_map(object, key).filter(|map| !map.is_empty())
}

fn body(object: &Value) -> Vec<(&String, Value)> {
    let is_autoscaler = crate::fields::kind(object) == "HorizontalPodAutoscaler";
    object
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"))
        .map(|(key, value)| {
            (
                key,
                if is_autoscaler && key == "spec" { without_repeated_metrics(value) } else { value.clone() },
            )
        })
        .collect()
}

/// Drops repeated and empty entries of an autoscaler's metrics, which the API server's dry run piles up
/// (fluxcd/pkg `ssa/normalize/normalize.go`).
#[must_use]
pub fn without_repeated_metrics(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(metrics) = spec.get_mut("metrics").and_then(Value::as_array_mut) {
        let mut kept: Vec<Value> = Vec::with_capacity(metrics.len());
        for metric in metrics.drain(..) {
            let empty = metric.as_object().is_some_and(Map::is_empty);
            if !empty && !kept.contains(&metric) {
                kept.push(metric);
            }
        }
        *metrics = kept;
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn drift_is_what_an_apply_repairs() {
        #[track_caller]
        fn check(live: Value, dry_run: Value, want: bool) {
            assert_eq!(drifted(&live, &dry_run), want, "{live} against {dry_run}");
        }
        check(json!({"data": {"a": "1"}}), json!({"data": {"a": "1"}}), false);
        check(json!({"data": {"a": "1"}}), json!({"data": {"a": "2"}}), true);
        check(json!({"metadata": {"labels": {"a": "1"}}}), json!({"metadata": {}}), true);
        check(json!({"metadata": {"labels": {}}}), json!({"metadata": {}}), false);
        check(json!({"metadata": {"finalizers": ["x"], "generation": 2}}), json!({"metadata": {}}), false);
        check(json!({"status": {"phase": "a"}}), json!({"status": {"phase": "b"}}), false);
        let metric = json!({"type": "Resource"});
        check(
            json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": [metric]}}),
            json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": [metric, metric, {}]}}),
            false,
        );
    }
}
