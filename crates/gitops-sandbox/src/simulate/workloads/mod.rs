//! The controllers of workloads, and the kubelets of a cluster that has none.
//!
//! Each controller does what kube-controller-manager does, and says it in the same words: Deployments make
//! ReplicaSets, those make pods, and the state of the pods goes back up as the status of their owners. Only the
//! state of a pod is made up: it becomes ready after a while, crashes, or stays as it is.

mod children;
mod daemon_sets;
mod deployments;
mod jobs;
mod pods;
mod replica_sets;
mod revisions;
mod stateful_sets;
mod storage;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use super::{ask, current, path_of};
use crate::server::Server;
use crate::store::{Change, Event, Key};

/// What becomes of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Workload {
    /// Its pods become ready, and those of a Job succeed, after this time.
    ReadyAfter(Duration),
    /// Its pods are made, but nothing happens to them.
    Never,
    /// Its pods crash: a Deployment makes no progress, a Job fails.
    Crash,
}

/// Says what becomes of an object: `10s`, `never` or `crash`. What a test has said of it counts more.
pub(super) const ANNOTATION: &str = "sandbox.gitops.dev/workload";

const MERGE: &str = "application/merge-patch+json";

/// The kinds that live, by where they are stored.
fn kind_of(resource: &str) -> Option<&'static str> {
    Some(match resource {
        "deployments.apps" => "Deployment",
        "statefulsets.apps" => "StatefulSet",
        "daemonsets.apps" => "DaemonSet",
        "replicasets.apps" => "ReplicaSet",
        "jobs.batch" => "Job",
        "pods" => "Pod",
        "persistentvolumeclaims" => "PersistentVolumeClaim",
        "persistentvolumes" => "PersistentVolume",
        "services" => "Service",
        _ => return None,
    })
}

/// Where objects of a kind are stored that own others.
fn resource_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Deployment" => "deployments.apps",
        "StatefulSet" => "statefulsets.apps",
        "DaemonSet" => "daemonsets.apps",
        "ReplicaSet" => "replicasets.apps",
        "Job" => "jobs.batch",
        _ => return None,
    })
}

/// What the controllers know, and what they have to do.
pub(super) struct Workloads {
    usual: Workload,
    due: BTreeSet<Key>,
    /// What was last begun with a pod, a claim or a service, by its uid.
    begun: HashMap<String, Workload>,
    /// Where what is to be looked at later comes back.
    later: mpsc::UnboundedSender<Key>,
}

impl Workloads {
    pub(super) fn new(usual: Workload, later: mpsc::UnboundedSender<Key>) -> Self {
        Self { usual, due: BTreeSet::new(), begun: HashMap::new(), later }
    }

    /// Takes up what happened to an object: it and its owner must be looked at.
    pub(super) fn follow(&mut self, event: &Event) {
        if kind_of(&event.key.resource).is_none() {
            if &*event.key.resource == "nodes" {
                // Daemon sets follow the nodes; they are looked at when their own time comes.
                self.due.insert(event.key.clone());
            }
            return;
        }
        let object = match &event.change {
            Change::Put(_) => {
                self.due.insert(event.key.clone());
                current(event).unwrap_or_default()
            }
            Change::Delete(stored) => {
                let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
                self.begun.remove(object["metadata"]["uid"].as_str().unwrap_or_default());
                object
            }
        };
        if let Some(owner) = children::owner_key(&object) {
            self.due.insert(owner);
        }
    }

    /// Looks at something again.
    pub(super) fn again(&mut self, key: Key) {
        self.due.insert(key);
    }

    /// Forgets what was begun: what was is no longer.
    pub(super) fn forget(&mut self) {
        self.begun.clear();
    }

    /// Looks at everything, because something else was said of some, or because much was missed.
    pub(super) fn check_all(&mut self, server: &Arc<Server>) {
        let (_, objects) = server.store.dump();
        self.due
            .extend(objects.into_iter().map(|(key, _)| key).filter(|key| kind_of(&key.resource).is_some()));
    }

    /// Does what is due.
    pub(super) async fn work(&mut self, server: &Arc<Server>) {
        while let Some(key) = self.due.pop_first() {
            if &*key.resource == "nodes" {
                let (_, objects) = server.store.dump();
                let sets = objects.into_iter().map(|(key, _)| key);
                self.due.extend(sets.filter(|key| &*key.resource == "daemonsets.apps"));
                continue;
            }
            let (Some(kind), Some(stored)) = (kind_of(&key.resource), server.store.get(&key)) else {
                continue;
            };
            let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
            let deleting = object["metadata"]["deletionTimestamp"].is_string();
            let one = One { server, key: &key, object: &object };
            match kind {
                "PersistentVolumeClaim" | "PersistentVolume" if deleting => storage::release(&one).await,
                _ if deleting => {}
                "Deployment" => deployments::reconcile(&one, self).await,
                "ReplicaSet" => replica_sets::reconcile(&one, self).await,
                "StatefulSet" => stateful_sets::reconcile(&one).await,
                "DaemonSet" => daemon_sets::reconcile(&one).await,
                "Job" => jobs::reconcile(&one, self).await,
                "Pod" => pods::begin(&one, self),
                "PersistentVolumeClaim" | "Service" => storage::begin(&one, self),
                _ => {}
            }
        }
    }

    /// Looks at something again when this much time has passed.
    fn look_again(&self, one: &One<'_>, after: Duration) {
        let (clock, later, key) = (one.server.clock.clone(), self.later.clone(), one.key.clone());
        let now = clock.now();
        let moment = now.saturating_add(after).unwrap_or(now);
        tokio::spawn(async move {
            clock.reach(moment).await;
            // The controllers may have ended.
            let _ = later.send(key);
        });
    }

    /// Returns what shall become of an object, unless that was begun already.
    fn begins(&mut self, one: &One<'_>) -> Option<Workload> {
        let workload = wanted(one.server, one.object, one.kind(), self.usual);
        let uid = one.object["metadata"]["uid"].as_str().unwrap_or_default();
        if self.begun.insert(uid.to_owned(), workload) == Some(workload) {
            return None;
        }
        Some(workload)
    }
}

/// One object that is looked at.
struct One<'o> {
    server: &'o Arc<Server>,
    key: &'o Key,
    object: &'o Value,
}

impl One<'_> {
    fn kind(&self) -> &'static str {
        kind_of(&self.key.resource).unwrap_or_default()
    }

    fn text(&self, name: &str) -> &str {
        self.object["metadata"][name].as_str().unwrap_or_default()
    }

    /// Returns when something happens to the object that does so this long after its creation.
    ///
    /// The stamps of objects count whole seconds: on the real clock it is this long from now.
    fn moment(&self, after: Duration) -> jiff::Timestamp {
        let clock = &self.server.clock;
        let created = self.text("creationTimestamp").parse().ok().filter(|_| clock.is_virtual());
        let start: jiff::Timestamp = created.unwrap_or_else(|| clock.now());
        start.saturating_add(after).unwrap_or(start)
    }

    /// Writes the status; fields that are null are taken out.
    async fn report(&self, status: Value) {
        patch_status(self.server, self.key, &serde_json::json!({"status": status}), "").await;
    }

    async fn patch(&self, key: &Key, change: &Value) {
        if let Some((_, path)) = path_of(self.server, key) {
            ask(self.server, "PATCH", &path, MERGE, change).await;
        }
    }

    async fn create(&self, group: &str, plural: &str, object: &Value) {
        let path = format!("{group}/namespaces/{}/{plural}", self.text("namespace"));
        ask(self.server, "POST", &path, "application/json", object).await;
    }

    async fn delete(&self, resource: &str, object: &Value) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key = Key::new(&resource.into(), self.text("namespace"), name);
        if let Some((_, path)) = path_of(self.server, &key) {
            let options = serde_json::json!({
                "propagationPolicy": "Background", "preconditions": {"uid": object["metadata"]["uid"]},
            });
            ask(self.server, "DELETE", &path, "application/json", &options).await;
        }
    }
}

async fn patch_status(server: &Arc<Server>, key: &Key, change: &Value, query: &str) {
    if let Some((_, path)) = path_of(server, key) {
        ask(server, "PATCH", &format!("{path}/status{query}"), MERGE, change).await;
    }
}

/// Returns what shall become of an object: what was said of it or of what owns it, or its annotation does.
fn wanted(server: &Server, object: &Value, kind: &str, usual: Workload) -> Workload {
    let mut kind = kind.to_owned();
    let mut object = object.clone();
    loop {
        let metadata = &object["metadata"];
        let text = |name: &str| metadata[name].as_str().unwrap_or_default();
        if let Some(workload) = server.script.get(&kind, text("namespace"), text("name")) {
            return workload;
        }
        if let Some(workload) = metadata["annotations"][ANNOTATION].as_str().and_then(parse) {
            return workload;
        }
        let Some(key) = children::owner_key(&object) else { return usual };
        let owner = server.store.get(&key).and_then(|stored| serde_json::from_slice(&stored.bytes).ok());
        let Some(owner) = owner else { return usual };
        kind = kind_of(&key.resource).unwrap_or_default().to_owned();
        object = owner;
    }
}

/// Reads what an annotation says.
fn parse(text: &str) -> Option<Workload> {
    match text {
        "never" => Some(Workload::Never),
        "crash" => Some(Workload::Crash),
        text => {
            let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
            let number: u64 = digits.parse().ok()?;
            let unit = match unit {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => return None,
            };
            Some(Workload::ReadyAfter(Duration::from_millis(number.checked_mul(unit)?)))
        }
    }
}

/// Counts that are zero are not written.
fn nothing(count: i64) -> Value {
    if count == 0 { Value::Null } else { serde_json::json!(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, want: Option<Workload>) {
        assert_eq!(parse(input), want, "{input}");
    }

    #[test]
    fn an_annotation_says_what_becomes_of_an_object() {
        check("never", Some(Workload::Never));
        check("crash", Some(Workload::Crash));
        check("10s", Some(Workload::ReadyAfter(Duration::from_secs(10))));
        check("250ms", Some(Workload::ReadyAfter(Duration::from_millis(250))));
        check("2m", Some(Workload::ReadyAfter(Duration::from_secs(120))));
        check("soon", None);
        check("10", None);
        check("", None);
        check("99999999999999999999h", None);
    }
}
