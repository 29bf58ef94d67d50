//! What belongs to whom: owners, pods and their state.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::server::Server;
use crate::store::Key;

/// Returns the reference to what controls an object.
pub(super) fn controller(object: &Value) -> Option<&Value> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)
}

/// Returns where what controls an object is stored, if it is a workload.
pub(super) fn owner_key(object: &Value) -> Option<Key> {
    let owner = controller(object)?;
    let resource = super::resource_of(owner["kind"].as_str()?)?;
    let namespace = object["metadata"]["namespace"].as_str()?;
    Some(Key::new(&resource.into(), namespace, owner["name"].as_str()?))
}

/// Returns a reference to an owner.
pub(super) fn reference(owner: &Value, api_version: &str, kind: &str) -> Value {
    json!([{
        "apiVersion": api_version, "kind": kind, "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }])
}

/// Returns the objects that an owner controls, by name.
pub(super) fn owned(server: &Server, resource: &str, owner: &Value) -> Vec<Value> {
    let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
    let namespace = owner["metadata"]["namespace"].as_str().unwrap_or_default();
    let page = server.store.list(resource, namespace, None, None, 0);
    let items = page.map(|page| page.items).unwrap_or_default();
    let named =
        items.iter().filter(|stored| std::str::from_utf8(&stored.bytes).is_ok_and(|text| text.contains(uid)));
    let objects = named.filter_map(|stored| serde_json::from_slice::<Value>(&stored.bytes).ok());
    objects.filter(|object| controller(object).is_some_and(|of| of["uid"] == uid)).collect()
}

/// Makes a pod of a template.
pub(super) fn pod(template: &Value, owner: &Value, api_version: &str, kind: &str) -> Value {
    let name = owner["metadata"]["name"].as_str().unwrap_or_default();
    let mut metadata = json!({
        "generateName": format!("{name}-"), "ownerReferences": reference(owner, api_version, kind),
    });
    for field in ["labels", "annotations", "finalizers"] {
        if !template["metadata"][field].is_null() {
            metadata[field] = template["metadata"][field].clone();
        }
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

pub(super) fn condition<'p>(pod: &'p Value, name: &str) -> Option<&'p Value> {
    pod["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == name)
}

pub(super) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// Whether a pod has come to its end.
pub(super) fn is_over(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Whether a pod is neither over nor on its way out.
pub(super) fn is_active(pod: &Value) -> bool {
    !is_deleting(pod) && !is_over(pod)
}

pub(super) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// Returns after how many seconds a ready pod is available; nothing if it is not ready.
pub(super) fn available_in(pod: &Value, min_ready: i64, now: Timestamp) -> Option<i64> {
    let ready = condition(pod, "Ready").filter(|ready| ready["status"] == "True")?;
    let since: Option<Timestamp> = ready["lastTransitionTime"].as_str().and_then(|text| text.parse().ok());
    Some(since.map_or(0, |since| (since.as_second() + min_ready - now.as_second()).max(0)))
}

pub(super) fn is_available(pod: &Value, min_ready: i64, now: Timestamp) -> bool {
    available_in(pod, min_ready, now) == Some(0)
}

pub(super) fn count(pods: &[&Value], fits: impl Fn(&Value) -> bool) -> i64 {
    i64::try_from(pods.iter().filter(|pod| fits(pod)).count()).unwrap_or(i64::MAX)
}
