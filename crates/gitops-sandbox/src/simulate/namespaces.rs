//! The life of namespaces: what each has from its start, and its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{ask, current, path_of};
use crate::server::Server;
use crate::store::{Change, Event, Key};

const NAMESPACES: &str = "namespaces";
const ROOT_CA: &str = "kube-root-ca.crt";

/// Does what events ask for.
pub(super) async fn follow(server: &Arc<Server>, events: &[Arc<Event>]) {
    let mut due: Vec<String> = Vec::new();
    let mut ending = false;
    for event in events {
        if &*event.key.resource == NAMESPACES {
            let Some(object) = current(event) else { continue };
            if object["metadata"]["deletionTimestamp"].is_null() {
                furnish(server, &event.key.path).await;
            } else {
                due.push(event.key.path.to_string());
            }
        } else if let (Change::Delete(_), Some((namespace, name))) =
            (&event.change, event.key.path.split_once('/'))
        {
            let given = matches!(
                (&*event.key.resource, name),
                ("serviceaccounts", "default") | ("configmaps", ROOT_CA)
            );
            if given && is_active(server, namespace) {
                furnish(server, namespace).await;
            }
            ending = true;
            due.push(namespace.to_owned());
        } else if let Some((namespace, _)) = event.key.path.split_once('/') {
            due.push(namespace.to_owned());
        }
    }
    let _ = ending;
    due.sort();
    due.dedup();
    for namespace in due {
        end(server, &namespace).await;
    }
}

/// Looks at all namespaces.
pub(super) async fn check_all(server: &Arc<Server>) {
    let Ok(page) = server.store.list(NAMESPACES, "", None, None, 0) else { return };
    for stored in page.items {
        let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if object["metadata"]["deletionTimestamp"].is_null() {
            furnish(server, name).await;
        } else {
            end(server, name).await;
        }
    }
}

fn read(server: &Server, name: &str) -> Option<Value> {
    let stored = server.store.get(&Key::new(&NAMESPACES.into(), "", name))?;
    serde_json::from_slice(&stored.bytes).ok()
}

fn is_active(server: &Server, name: &str) -> bool {
    read(server, name).is_some_and(|object| object["metadata"]["deletionTimestamp"].is_null())
}

/// Gives a namespace what every one has.
async fn furnish(server: &Arc<Server>, namespace: &str) {
    let account = Key::new(&"serviceaccounts".into(), namespace, "default");
    if server.store.get(&account).is_none() {
        let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        ask(server, "POST", &path, "application/json", &object).await;
    }
    let bundle = Key::new(&"configmaps".into(), namespace, ROOT_CA);
    if server.store.get(&bundle).is_none() {
        let about = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": ROOT_CA, "annotations": {"kubernetes.io/description": about}},
            "data": {"ca.crt": ""},
        });
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        ask(server, "POST", &path, "application/json", &object).await;
    }
}

/// Goes on with the end of a namespace.
async fn end(server: &Arc<Server>, namespace: &str) {
    let Some(object) = read(server, namespace) else { return };
    let finalizers = object["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
    if object["metadata"]["deletionTimestamp"].is_null() || !finalizers.iter().any(|f| f == "kubernetes") {
        return;
    }
    let mut remaining: BTreeMap<String, usize> = BTreeMap::new();
    let mut held_by: BTreeMap<String, usize> = BTreeMap::new();
    for kind in server.kinds.stored().iter().filter(|kind| kind.namespaced) {
        let Ok(page) = server.store.list(&kind.resource, namespace, None, None, 0) else { continue };
        for stored in page.items {
            let item: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
            let name = item["metadata"]["name"].as_str().unwrap_or_default();
            let key = Key::new(&kind.resource, namespace, name);
            if item["metadata"]["deletionTimestamp"].is_null()
                && let Some((_, path)) = path_of(server, &key)
            {
                let options = json!({"propagationPolicy": "Background"});
                ask(server, "DELETE", &path, "application/json", &options).await;
            }
            if let Some(stored) = server.store.get(&key) {
                let left: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
                *remaining.entry(kind.resource.to_string()).or_default() += 1;
                for finalizer in
                    left["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str)
                {
                    *held_by.entry(finalizer.to_owned()).or_default() += 1;
                }
            }
        }
    }
    let path = format!("/api/v1/namespaces/{namespace}");
    if remaining.is_empty() {
        let mut last = object.clone();
        last["apiVersion"] = json!("v1");
        last["kind"] = json!("Namespace");
        let kept: Vec<&Value> = finalizers.iter().filter(|finalizer| *finalizer != "kubernetes").collect();
        last["spec"]["finalizers"] = json!(kept);
        if let Some(metadata) = last["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        ask(server, "PUT", &format!("{path}/finalize"), "application/json", &last).await;
        return;
    }
    let status = json!({"status": {"conditions": conditions(server, &object, &remaining, &held_by)}});
    ask(server, "PATCH", &format!("{path}/status"), "application/merge-patch+json", &status).await;
}

fn conditions(
    server: &Server,
    object: &Value,
    remaining: &BTreeMap<String, usize>,
    held_by: &BTreeMap<String, usize>,
) -> Value {
    let list = |counts: &BTreeMap<String, usize>, link: &str| {
        let parts: Vec<String> =
            counts.iter().map(|(name, count)| format!("{name}{link}{count} resource instances")).collect();
        parts.join(", ")
    };
    let left = format!("Some resources are remaining: {}", list(remaining, ". has "));
    let held = format!("Some content in the namespace has finalizers remaining: {}", list(held_by, " in "));
    let content = if remaining.is_empty() {
        ("False", "ContentRemoved", "All content successfully removed".to_owned())
    } else {
        ("True", "SomeResourcesRemain", left)
    };
    let finalizers = if held_by.is_empty() {
        ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished".to_owned())
    } else {
        ("True", "SomeFinalizersRemain", held)
    };
    let deleted = "All content successfully deleted, may be waiting on finalization".to_owned();
    let all = [
        (
            "NamespaceDeletionDiscoveryFailure",
            ("False", "ResourcesDiscovered", "All resources successfully discovered".to_owned()),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            ("False", "ParsedGroupVersions", "All legacy kube types successfully parsed".to_owned()),
        ),
        ("NamespaceDeletionContentFailure", ("False", "ContentDeleted", deleted)),
        ("NamespaceContentRemaining", content),
        ("NamespaceFinalizersRemaining", finalizers),
    ];
    let known = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let conditions = all.into_iter().map(|(name, (status, reason, message))| {
        let before = known.iter().find(|known| known["type"] == name && known["status"] == status);
        let time = before.map_or_else(|| json!(server.clock.stamp()), |before| before["lastTransitionTime"].clone());
        json!({"type": name, "status": status, "lastTransitionTime": time, "reason": reason, "message": message})
    });
    conditions.collect()
}
