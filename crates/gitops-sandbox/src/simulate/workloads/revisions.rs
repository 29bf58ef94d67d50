//! The revisions of StatefulSets and DaemonSets (`pkg/controller/history`): their templates, one after the other.

use serde_json::{Value, json};

use super::One;
use super::children::{self, reference};
use super::hash;
use crate::store::Key;

const RESOURCE: &str = "controllerrevisions.apps";
pub(super) const REVISION_HASH: &str = "controller-revision-hash";

/// Keeps the template of a set as its newest revision; gives its hash.
pub(super) async fn keep(one: &One<'_>, kind: &str) -> String {
    let template = &one.object["spec"]["template"];
    let mut data = json!({"spec": {"template": template}});
    data["spec"]["template"]["$patch"] = json!("replace");
    let collisions = one.object["status"]["collisionCount"].as_i64();
    let is_stateful = kind == "StatefulSet";
    let hash = if is_stateful {
        hash::of_revision(&data, collisions.unwrap_or(0))
    } else {
        hash::of_template(template, collisions)
    };
    let name = format!("{}-{hash}", one.text("name"));
    let known = children::owned(one.server, RESOURCE, one.object);
    let newest = known.iter().filter_map(|of| of["revision"].as_i64()).max().unwrap_or(0);
    match known.iter().find(|of| of["metadata"]["name"] == name.as_str()) {
        Some(of) if of["revision"].as_i64() == Some(newest) => {}
        Some(_) => {
            let key = Key::new(&RESOURCE.into(), one.text("namespace"), &name);
            one.patch(&key, &json!({"revision": newest + 1})).await;
        }
        None => {
            let mut metadata = json!({
                "name": name, "labels": template["metadata"]["labels"],
                "ownerReferences": reference(one.object, "apps/v1", kind),
            });
            let label = if is_stateful { "controller.kubernetes.io/hash" } else { REVISION_HASH };
            metadata["labels"][label] = json!(hash);
            if !is_stateful && one.object["metadata"]["annotations"].is_object() {
                metadata["annotations"] = one.object["metadata"]["annotations"].clone();
            }
            let object = json!({
                "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata,
                "revision": newest + 1, "data": data,
            });
            // One that cannot be kept is kept when the set is looked at again.
            let _ = one.create("/apis/apps/v1", "controllerrevisions", &object).await;
            forget(one, known, &name).await;
        }
    }
    hash
}

/// Deletes the oldest revisions that nobody uses, beyond those that the set shall keep.
async fn forget(one: &One<'_>, mut known: Vec<Value>, newest: &str) {
    let limit = one.object["spec"]["revisionHistoryLimit"].as_u64().unwrap_or(10);
    let pods = children::owned(one.server, "pods", one.object);
    let status = &one.object["status"];
    known.retain(|revision| {
        let name = &revision["metadata"]["name"];
        let hash = &revision["metadata"]["labels"][REVISION_HASH];
        let used = pods.iter().map(of_pod).any(|of| *name == of || *hash == of);
        *name != newest && *name != status["currentRevision"] && *name != status["updateRevision"] && !used
    });
    known.sort_by_key(|revision| revision["revision"].as_i64());
    let surplus = known.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    for revision in &known[..surplus] {
        one.delete(RESOURCE, revision).await;
    }
}

/// Returns the template that a revision keeps.
pub(super) fn template(one: &One<'_>, revision: &str) -> Option<Value> {
    let stored = one.server.store.get(&Key::new(&RESOURCE.into(), one.text("namespace"), revision))?;
    let mut object: Value = serde_json::from_slice(&stored.bytes).ok()?;
    let mut template = object["data"]["spec"]["template"].take();
    template.as_object_mut()?.remove("$patch");
    Some(template)
}

pub(super) fn of_pod(pod: &Value) -> &str {
    pod["metadata"]["labels"][REVISION_HASH].as_str().unwrap_or_default()
}
