//! Garbage collection by owner references (`pkg/controller/garbagecollector` of Kubernetes).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{ask, path_of};
use crate::server::Server;
use crate::store::{Change, Event, Key};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
const MERGE: &str = "application/merge-patch+json";

/// Who owns whom, and what is to be looked at.
#[derive(Default)]
pub(super) struct Collector {
    /// What an object's uid is an owner of.
    dependents: HashMap<String, BTreeSet<Key>>,
    /// Objects whose owners, or whose deletion, must be looked at.
    due: BTreeSet<Key>,
}

impl Collector {
    /// Takes up an object.
    pub(super) fn learn(&mut self, key: &Key, bytes: &[u8]) {
        // Most objects have no owner, and are not read.
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        if !text.contains("\"ownerReferences\"") && !text.contains("\"deletionTimestamp\"") {
            return;
        }
        let object: Value = serde_json::from_slice(bytes).unwrap_or_default();
        for owner in owners(&object) {
            self.dependents.entry(uid(owner).to_owned()).or_default().insert(key.clone());
        }
        if owners(&object).next().is_some() || object["metadata"]["deletionTimestamp"].is_string() {
            self.due.insert(key.clone());
        }
    }

    /// Follows what happened to an object.
    pub(super) fn follow(&mut self, event: &Event) {
        match &event.change {
            Change::Put(stored) => self.learn(&event.key, &stored.bytes),
            Change::Delete(stored) => {
                self.due.remove(&event.key);
                let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
                if let Some(dependents) = self.dependents.remove(uid(&object["metadata"])) {
                    self.due.extend(dependents);
                }
                // What waits for its last dependant may end now.
                for owner in owners(&object) {
                    if let Some(key) = self.owner_key(&object, owner) {
                        self.due.insert(key);
                    }
                }
            }
        }
    }

    fn owner_key(&self, object: &Value, owner: &Value) -> Option<Key> {
        let api_version = owner["apiVersion"].as_str()?;
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let kind = owner["kind"].as_str()?.to_lowercase();
        // The plural is only known to the server: both usual forms are looked at.
        let plural = if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") };
        let resource = crate::wire::status::qualified(&plural, group);
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        Some(Key::new(&resource.as_str().into(), namespace, owner["name"].as_str()?))
    }

    pub(super) async fn check_all(&mut self, server: &Arc<Server>) {
        self.collect(server).await;
    }

    /// Deletes what has no owner left, and ends what waited for its dependants.
    pub(super) async fn collect(&mut self, server: &Arc<Server>) {
        for key in std::mem::take(&mut self.due) {
            self.look_at(server, &key).await;
        }
    }

    async fn look_at(&mut self, server: &Arc<Server>, key: &Key) {
        let Some(stored) = server.store.get(key) else { return };
        let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        let Some((_, path)) = path_of(server, key) else { return };
        if object["metadata"]["deletionTimestamp"].is_string() {
            self.finish(server, &object, &path).await;
            return;
        }
        let all: Vec<&Value> = owners(&object).collect();
        if all.is_empty() {
            return;
        }
        let mut solid = Vec::new();
        let mut waiting = false;
        for owner in &all {
            match live_owner(server, &object, owner) {
                Some(live) if is_waiting(&live) => waiting = true,
                Some(_) => solid.push((*owner).clone()),
                None => {}
            }
        }
        let found = uid(&object["metadata"]);
        if !solid.is_empty() {
            if solid.len() < all.len() {
                let patch = json!({"metadata": {"uid": found, "ownerReferences": solid}});
                ask(server, "PATCH", &path, MERGE, &patch).await;
            }
            return;
        }
        let has_dependents = self.dependents.get(found).is_some_and(|dependents| !dependents.is_empty());
        let policy = if waiting && has_dependents { "Foreground" } else { "Background" };
        let options = json!({"propagationPolicy": policy, "preconditions": {"uid": found}});
        ask(server, "DELETE", &path, "application/json", &options).await;
    }

    /// Goes on with a deletion that does something for dependants first.
    async fn finish(&mut self, server: &Arc<Server>, object: &Value, path: &str) {
        let owner = uid(&object["metadata"]).to_owned();
        let finalizers: Vec<&str> = object["metadata"]["finalizers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let dependents: Vec<Key> = self.dependents.get(&owner).into_iter().flatten().cloned().collect();
        if finalizers.contains(&ORPHAN) {
            for key in &dependents {
                let Some(dependent) = read(server, key) else { continue };
                let Some((_, path)) = path_of(server, key) else { continue };
                let kept: Vec<Value> = owners(&dependent).filter(|of| uid(of) != owner).cloned().collect();
                let kept = if kept.is_empty() { Value::Null } else { Value::Array(kept) };
                ask(server, "PATCH", &path, MERGE, &json!({"metadata": {"ownerReferences": kept}})).await;
            }
            self.dependents.remove(&owner);
            drop_finalizer(server, path, &finalizers, ORPHAN).await;
        } else if finalizers.contains(&FOREGROUND) {
            let mut blocked = false;
            for key in &dependents {
                let Some(dependent) = read(server, key) else { continue };
                let Some(of) = owners(&dependent).find(|of| uid(of) == owner) else { continue };
                blocked |= of["blockOwnerDeletion"] == true;
                if dependent["metadata"]["deletionTimestamp"].is_null() {
                    self.due.insert(key.clone());
                }
            }
            if !blocked {
                drop_finalizer(server, path, &finalizers, FOREGROUND).await;
            }
            let due = std::mem::take(&mut self.due);
            for key in due {
                // Dependants are looked at now: nothing will happen to them by itself.
                Box::pin(self.look_at(server, &key)).await;
            }
        }
    }
}

async fn drop_finalizer(server: &Arc<Server>, path: &str, finalizers: &[&str], gone: &str) {
    let kept: Vec<&&str> = finalizers.iter().filter(|finalizer| **finalizer != gone).collect();
    let kept = if kept.is_empty() { Value::Null } else { json!(kept) };
    ask(server, "PATCH", path, MERGE, &json!({"metadata": {"finalizers": kept}})).await;
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten()
}

fn uid(of: &Value) -> &str {
    of["uid"].as_str().unwrap_or_default()
}

fn read(server: &Server, key: &Key) -> Option<Value> {
    let stored = server.store.get(key)?;
    serde_json::from_slice(&stored.bytes).ok()
}

/// Returns an owner, if it is there and the one that was meant.
fn live_owner(server: &Server, object: &Value, owner: &Value) -> Option<Value> {
    let text = |name: &str| owner[name].as_str().unwrap_or_default();
    let kind = server.kinds.of(text("apiVersion"), text("kind"))?;
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let namespace = if kind.namespaced { namespace } else { "" };
    let live = read(server, &Key::new(&kind.resource, namespace, text("name")))?;
    (uid(&live["metadata"]) == uid(owner)).then_some(live)
}

fn is_waiting(owner: &Value) -> bool {
    let metadata = &owner["metadata"];
    metadata["deletionTimestamp"].is_string()
        && metadata["finalizers"]
            .as_array()
            .is_some_and(|finalizers| finalizers.iter().any(|f| f == FOREGROUND))
}
