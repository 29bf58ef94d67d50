//! Claims that get their storage, and services that get their address.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::children::is_active;
use super::{One, Workload, begins, patch_status};
use crate::store::Key;

const PROTECTIONS: [&str; 2] = ["kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"];
/// Who shall provide the storage of a claim, for whoever that is.
const PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
const OLD_PROVISIONER: &str = "volume.beta.kubernetes.io/storage-provisioner";
/// An address that is nobody's (RFC 5737).
const ADDRESS: &str = "192.0.2.1";

/// Begins what shall become of a claim or a service; it ends on the server's clock.
pub(super) async fn begin(one: &One<'_>, begun: &mut HashMap<String, Workload>) {
    if status(one.kind(), one.object).is_none() {
        return;
    }
    let class = class(one);
    let waits = class.as_ref().is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer");
    if waits && !is_used(one) {
        // Told once; what is begun with it then is another thing.
        if begun.insert(one.text("uid").to_owned(), Workload::Never).is_none() {
            let message = "waiting for first consumer to be created before binding";
            one.tell(false, "WaitForFirstConsumer", message).await;
        }
        return;
    }
    let Some(workload) = begins(one, begun) else { return };
    if let Workload::ReadyAfter(after) = workload {
        one.becomes(one.moment(after), workload);
    }
    if one.kind() == "Service" {
        return one.tell(false, "EnsuringLoadBalancer", "Ensuring load balancer").await;
    }
    let comes = matches!(workload, Workload::ReadyAfter(_));
    match (&class, one.object["spec"]["storageClassName"].as_str()) {
        (Some(class), _) => {
            let by = class["provisioner"].as_str().unwrap_or_default();
            let message = format!(
                "Waiting for a volume to be created either by the external provisioner '{by}' or manually by the \
                 system administrator. If volume creation is delayed, please verify that the provisioner is running \
                 and correctly registered."
            );
            let annotations = json!({PROVISIONER: by, OLD_PROVISIONER: by});
            one.patch(one.key, &json!({"metadata": {"annotations": annotations}})).await;
            one.tell(false, "ExternalProvisioning", &message).await;
        }
        // Storage comes though nobody provides it.
        _ if comes => {}
        (None, Some(name)) if !name.is_empty() => {
            let message = format!("storageclass.storage.k8s.io {name:?} not found");
            one.tell(true, "ProvisioningFailed", &message).await;
        }
        _ => {
            let message = "no persistent volumes available for this claim and no storage class is set";
            one.tell(false, "FailedBinding", message).await;
        }
    }
}

/// Gives a claim its storage, or a service its address.
pub(super) async fn become_so(one: &One<'_>, workload: Workload) {
    let (Some(status), Workload::ReadyAfter(_)) = (status(one.kind(), one.object), workload) else { return };
    patch_status(one.server, one.key, &json!({"status": status}), "").await;
    if one.kind() == "Service" {
        one.tell(false, "EnsuredLoadBalancer", "Ensured load balancer").await;
    } else {
        let message = format!("Successfully provisioned volume pvc-{}", one.text("uid"));
        one.tell(false, "ProvisioningSucceeded", &message).await;
    }
}

/// Returns the storage class of a claim, if it is there.
fn class(one: &One<'_>) -> Option<Value> {
    let name = one.object["spec"]["storageClassName"].as_str()?;
    let stored = one.server.store.get(&Key::new(&"storageclasses.storage.k8s.io".into(), "", name))?;
    serde_json::from_slice(&stored.bytes).ok()
}

/// Whether a pod uses a claim.
fn is_used(one: &One<'_>) -> bool {
    let page = one.server.store.list("pods", one.text("namespace"), None, None, 0);
    let pods = page.map(|page| page.items).unwrap_or_default();
    let mut pods = pods.iter().filter_map(|stored| serde_json::from_slice::<Value>(&stored.bytes).ok());
    pods.any(|pod| is_active(&pod) && claims_of(&pod).any(|key| key == *one.key))
}

/// Returns the claims that a pod uses.
pub(super) fn claims_of(pod: &Value) -> impl Iterator<Item = Key> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let names = volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str());
    names.map(|name| Key::new(&"persistentvolumeclaims".into(), namespace, name))
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
