//! The revisions of StatefulSets and DaemonSets (`pkg/controller/history`): their templates, one after the other.

use serde_json::{Value, json};

use super::One;
use super::children::{self, hash, reference};

pub(super) const REVISION_HASH: &str = "controller-revision-hash";

/// Keeps the template of a set as its newest revision; gives its hash.
pub(super) async fn keep(one: &One<'_>, kind: &str) -> String {
    let template = &one.object["spec"]["template"];
    let hash = hash(template);
    let name = format!("{}-{hash}", one.text("name"));
    let known = children::owned(one.server, "controllerrevisions.apps", one.object);
    let newest = known.iter().filter_map(|of| of["revision"].as_i64()).max().unwrap_or(0);
    match known.iter().find(|of| of["metadata"]["name"] == name.as_str()) {
        Some(of) if of["revision"].as_i64() == Some(newest) => {}
        Some(of) => {
            let key =
                crate::store::Key::new(&"controllerrevisions.apps".into(), one.text("namespace"), &name);
            let _ = of;
            one.patch(&key, &json!({"revision": newest + 1})).await;
        }
        None => {
            let mut labels = template["metadata"]["labels"].clone();
            let label = if kind == "StatefulSet" { "controller.kubernetes.io/hash" } else { REVISION_HASH };
            labels[label] = json!(hash);
            let mut data = json!({"spec": {"template": template}});
            data["spec"]["template"]["$patch"] = json!("replace");
            let object = json!({
                "apiVersion": "apps/v1", "kind": "ControllerRevision",
                "metadata": {
                    "name": name, "labels": labels, "ownerReferences": reference(one.object, "apps/v1", kind),
                },
                "revision": newest + 1, "data": data,
            });
            one.create("/apis/apps/v1", "controllerrevisions", &object).await;
        }
    }
    hash
}

pub(super) fn of_pod(pod: &Value) -> &str {
    pod["metadata"]["labels"][REVISION_HASH].as_str().unwrap_or_default()
}
