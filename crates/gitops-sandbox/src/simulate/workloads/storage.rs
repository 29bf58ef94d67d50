//! Claims that get their storage, and services that get their address.

use serde_json::{Value, json};

use super::{One, Workload, Workloads, patch_status, wanted};

const PROTECTIONS: [&str; 2] = ["kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"];
/// An address that is nobody's (RFC 5737).
const ADDRESS: &str = "192.0.2.1";

/// Begins what shall become of a claim or a service; it ends on the server's clock.
pub(super) fn begin(one: &One<'_>, workloads: &mut Workloads) {
    if status(one.kind(), one.object).is_none() {
        return;
    }
    let Some(Workload::ReadyAfter(after)) = workloads.begins(one) else { return };
    let (server, key, usual) = (std::sync::Arc::downgrade(one.server), one.key.clone(), workloads.usual);
    let (clock, kind) = (one.server.clock.clone(), one.kind());
    let moment = one.moment(after);
    tokio::spawn(async move {
        clock.reach(moment).await;
        let Some(server) = server.upgrade() else { return };
        let Some(stored) = server.store.get(&key) else { return };
        let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        let stays = wanted(&server, &object, kind, usual) == Workload::ReadyAfter(after);
        if let (true, Some(status)) = (stays, status(kind, &object)) {
            patch_status(&server, &key, &json!({"status": status}), "").await;
        }
    });
}

/// Returns the status that an object shall get; nothing if it needs none.
fn status(kind: &str, object: &Value) -> Option<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    if kind == "Service" {
        let due = spec["type"] == "LoadBalancer" && status["loadBalancer"]["ingress"].is_null();
        return due.then(|| json!({"loadBalancer": {"ingress": [{"ip": ADDRESS, "ipMode": "VIP"}]}}));
    }
    (status["phase"] == "Pending").then(|| {
        json!({
            "phase": "Bound", "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
        })
    })
}

/// Lets go of storage that is to be deleted.
pub(super) async fn release(one: &One<'_>) {
    let finalizers = one.object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let kept: Vec<&Value> =
        finalizers.iter().filter(|name| !PROTECTIONS.iter().any(|own| *name == own)).collect();
    if kept.len() < finalizers.len() {
        one.patch(one.key, &json!({"metadata": {"finalizers": kept}})).await;
    }
}
