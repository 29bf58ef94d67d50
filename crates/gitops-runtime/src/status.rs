//! Writing a status: one patch when something changed, none otherwise.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Writes the status of objects of one kind, and remembers what it wrote.
///
/// A watch tells of our own write only a moment later; a reconciliation that starts in between would work on an old
/// status, and two writers of that kind lose a history entry or a condition. [`StatusWriter::freshest`] closes the gap:
/// it returns the newer of what the watch shows and what was written last.
pub struct StatusWriter<K> {
    client: Client,
    manager: String,
    written: Mutex<HashMap<String, Arc<K>>>,
}

impl<K> Debug for StatusWriter<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusWriter").field("manager", &self.manager).finish_non_exhaustive()
    }
}

impl<K> StatusWriter<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    /// Returns a writer with this field manager, for example `gotk-kustomize-controller`.
    pub fn new(client: Client, manager: &str) -> Self {
        Self { client, manager: manager.to_owned(), written: Mutex::default() }
    }

    /// Returns the newer of the object that a watch shows and the one last written here.
    pub fn freshest(&self, seen: Arc<K>) -> Arc<K> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.uid().and_then(|uid| written.get(&uid).cloned().map(|w| (uid, w))) {
            Some((_, ours)) if version(&*ours) > version(&*seen) => ours,
            Some((uid, _)) => {
                written.remove(&uid);
                seen
            }
            None => seen,
        }
    }

    /// Patches the status of `object` from `before` to `after`. Returns the object as the server has it now, or
    /// nothing when there was nothing to write.
    ///
    /// The patch carries the object's UID, so that it never lands on another object of the same name.
    ///
    /// # Errors
    /// The server's error; a missing object is one of them.
    pub async fn write<S: Serialize>(
        &self,
        object: &K,
        before: &S,
        after: &S,
    ) -> Result<Option<Arc<K>>, kube::Error> {
        let json = |status: &S| serde_json::to_value(status).map_err(kube::Error::SerdeError);
        let Some(change) = merge_diff(&json(before)?, &json(after)?) else { return Ok(None) };
        let patch = json!({ "metadata": { "uid": object.uid() }, "status": change });
        let api: Api<K> = Api::namespaced(self.client.clone(), &object.namespace().unwrap_or_default());
        let params = PatchParams { field_manager: Some(self.manager.clone()), ..PatchParams::default() };
        let written = Arc::new(api.patch_status(&object.name_any(), &params, &Patch::Merge(&patch)).await?);
        if let Some(uid) = written.uid() {
            self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, written.clone());
        }
        Ok(Some(written))
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, object: &K) {
        if let Some(uid) = object.uid() {
            self.written.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
        }
    }
}

/// The resource version as a number; since Kubernetes 1.35 clients may compare them.
fn version<K: Resource>(object: &K) -> u64 {
    object.meta().resource_version.as_deref().and_then(|v| v.parse().ok()).unwrap_or(0)
}

/// Returns the JSON merge patch (RFC 7386) that turns `before` into `after`, or nothing when they are equal.
///
/// ```
/// use gitops_runtime::status::merge_diff;
/// use serde_json::json;
/// let before = json!({"a": 1, "b": {"c": 1, "d": 2}, "gone": true});
/// let after = json!({"a": 1, "b": {"c": 3, "d": 2}});
/// assert_eq!(merge_diff(&before, &after), Some(json!({"b": {"c": 3}, "gone": null})));
/// assert_eq!(merge_diff(&after, &after), None);
/// ```
pub fn merge_diff(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return Some(after.clone()) };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        let change = match old.get(key) {
            Some(known) => merge_diff(known, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    Some(Value::Object(patch))
}
