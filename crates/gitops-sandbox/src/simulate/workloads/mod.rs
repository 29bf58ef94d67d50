//! The controllers of workloads, and the kubelets of a cluster that has none.
//!
//! Each controller does what kube-controller-manager does, and says it in the same words: Deployments make
//! ReplicaSets, those make pods, and the state of the pods goes back up as the status of their owners. Only the
//! state of a pod is made up: it becomes ready after a while, crashes, or stays as it is.

mod addresses;
mod children;
mod daemon_sets;
mod deployments;
mod endpoints;
mod hash;
mod jobs;
mod pods;
mod replica_sets;
mod revisions;
mod stateful_sets;
mod storage;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use self::addresses::Addresses;
use self::endpoints::Triggers;
use super::agenda::{Agenda, Task};
use super::events::{Happened, Recorder};
use super::{ask, current, path_of};
use crate::server::Server;
use crate::store::{Change, Event, Key};

/// What becomes of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Workload {
    /// Its pods become ready, and those of a Job succeed, after this time.
    ReadyAfter(Duration),
    /// Its pods are made, but nothing happens to them.
    Never,
    /// Its pods crash: a Deployment makes no progress until its `progressDeadlineSeconds` are over, a Job tries again
    /// as often as its `backoffLimit` allows, each time later.
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
    desk: Desk,
    due: BTreeSet<Key>,
    /// What was last begun with a pod, a claim or a service, by its uid.
    begun: HashMap<String, Workload>,
}

/// What all controllers share.
struct Desk {
    usual: Workload,
    /// How many nodes there are while the cluster names none.
    nodes: usize,
    agenda: Agenda,
    recorder: Recorder,
    addresses: Addresses,
    triggers: Triggers,
}

impl Workloads {
    pub(super) fn new(usual: Workload, nodes: usize) -> Self {
        let desk = Desk {
            usual,
            nodes,
            agenda: Agenda::default(),
            recorder: Recorder::default(),
            addresses: Addresses::default(),
            triggers: Triggers::default(),
        };
        Self { desk, due: BTreeSet::new(), begun: HashMap::new() }
    }

    /// Takes up what happened: what changed and its owners must be looked at.
    pub(super) fn follow(&mut self, server: &Server, events: &[Arc<Event>]) {
        let mut moved = Vec::new();
        for event in events {
            self.follow_one(event, &mut moved);
        }
        self.due.extend(endpoints::services_of(server, &moved));
    }

    /// `moved` gets the namespaces and labels of pods that something happened to.
    fn follow_one(&mut self, event: &Event, moved: &mut Vec<(String, Value)>) {
        if kind_of(&event.key.resource).is_none() {
            if &*event.key.resource == "nodes" {
                // Daemon sets follow the nodes; they are looked at when their own time comes.
                self.due.insert(event.key.clone());
            }
            if let (Change::Delete(_), Some(service)) = (&event.change, endpoints::service_of(event)) {
                // Somebody took away what belongs to a service.
                self.due.insert(service);
            }
            return;
        }
        let object = match &event.change {
            Change::Put(_) => current(event).unwrap_or_default(),
            Change::Delete(stored) => {
                let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
                self.begun.remove(object["metadata"]["uid"].as_str().unwrap_or_default());
                object
            }
        };
        let is_there = matches!(&event.change, Change::Put(_));
        // With a service its endpoints go.
        if is_there || &*event.key.resource == "services" {
            self.due.insert(event.key.clone());
        }
        if &*event.key.resource == "pods" {
            self.desk.addresses.follow(&object, is_there);
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            moved.push((namespace.to_owned(), object["metadata"]["labels"].clone()));
            let before = event.before.as_ref().map(|stored| stored.bytes.as_ref());
            let before: Option<Value> = before.and_then(|bytes| serde_json::from_slice(bytes).ok());
            if let Some(before) =
                before.filter(|before| before["metadata"]["labels"] != object["metadata"]["labels"])
            {
                moved.push((namespace.to_owned(), before["metadata"]["labels"].clone()));
            }
            self.due.extend(storage::claims_of(&object));
        }
        if let Some(owner) = children::owner_key(&object) {
            self.due.insert(owner);
        }
    }

    /// Forgets what was: something else is there now.
    pub(super) fn begin_anew(&mut self, server: &Arc<Server>) {
        self.begun.clear();
        self.desk.agenda.clear();
        self.desk.recorder.clear();
        self.desk.triggers.clear();
        self.desk.addresses.begin_anew(server);
        self.check_all(server);
    }

    /// Looks at everything, because something else was said of some, or because much was missed.
    pub(super) fn check_all(&mut self, server: &Arc<Server>) {
        let (_, objects) = server.store.dump();
        self.due
            .extend(objects.into_iter().map(|(key, _)| key).filter(|key| kind_of(&key.resource).is_some()));
    }

    /// Returns when there is something to do, if nothing happens before.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.desk.agenda.next()
    }

    /// Does what is due.
    pub(super) async fn work(&mut self, server: &Arc<Server>) {
        loop {
            while let Some(key) = self.pick(server) {
                self.look_at(server, key).await;
                // Nothing here waits for anything: without this a long day's work could not be stopped, and a runtime
                // that ends would wait for it.
                tokio::task::coop::consume_budget().await;
            }
            match self.desk.agenda.take(server.clock.now()) {
                Some(Task::Look(key)) => {
                    self.due.insert(key);
                }
                Some(Task::Become(key, uid, workload)) => self.become_so(server, &key, &uid, workload).await,
                Some(Task::Expire(event)) => self.desk.recorder.expire(server, &event).await,
                None => return,
            }
        }
    }

    /// Takes the next object to look at: the first, or the one that the schedule draws.
    fn pick(&mut self, server: &Server) -> Option<Key> {
        match server.powers.draw(self.due.len()) {
            0 => self.due.pop_first(),
            place => {
                let key = self.due.iter().nth(place)?.clone();
                self.due.take(&key)
            }
        }
    }

    async fn look_at(&mut self, server: &Arc<Server>, key: Key) {
        if &*key.resource == "nodes" {
            let (_, objects) = server.store.dump();
            let sets = objects.into_iter().map(|(key, _)| key);
            self.due.extend(sets.filter(|key| &*key.resource == "daemonsets.apps"));
            return;
        }
        let Some(kind) = kind_of(&key.resource) else { return };
        let Some(stored) = server.store.get(&key) else {
            if kind == "Service" {
                endpoints::end(server, &self.desk.triggers, &key).await;
            }
            return;
        };
        let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        let deleting = object["metadata"]["deletionTimestamp"].is_string();
        let one = One { server, key: &key, object: &object, desk: &self.desk };
        match kind {
            "PersistentVolumeClaim" | "PersistentVolume" if deleting => storage::release(&one).await,
            _ if deleting => {}
            "Deployment" => deployments::reconcile(&one).await,
            "ReplicaSet" => replica_sets::reconcile(&one).await,
            "StatefulSet" => stateful_sets::reconcile(&one).await,
            "DaemonSet" => daemon_sets::reconcile(&one).await,
            "Job" => jobs::reconcile(&one).await,
            "Pod" => pods::begin(&one, &mut self.begun),
            "PersistentVolumeClaim" => storage::begin(&one, &mut self.begun).await,
            "Service" => {
                endpoints::reconcile(&one).await;
                storage::begin(&one, &mut self.begun).await;
            }
            _ => {}
        }
    }

    /// Lets become of an object what shall, if it is still there and nothing else was said of it.
    async fn become_so(&mut self, server: &Arc<Server>, key: &Key, uid: &str, workload: Workload) {
        let Some(stored) = server.store.get(key) else { return };
        let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        let one = One { server, key, object: &object, desk: &self.desk };
        let is_it = object["metadata"]["uid"] == uid && object["metadata"]["deletionTimestamp"].is_null();
        if !is_it || wanted(server, &object, one.kind(), self.desk.usual) != workload {
            return;
        }
        match one.kind() {
            "Pod" => pods::become_so(&one, workload).await,
            _ => storage::become_so(&one, workload).await,
        }
    }
}

/// Returns what shall become of an object, unless that was begun already.
fn begins(one: &One<'_>, begun: &mut HashMap<String, Workload>) -> Option<Workload> {
    let workload = one.wanted();
    let uid = one.text("uid").to_owned();
    (begun.insert(uid, workload) != Some(workload)).then_some(workload)
}

/// One object that is looked at.
struct One<'o> {
    server: &'o Arc<Server>,
    key: &'o Key,
    object: &'o Value,
    desk: &'o Desk,
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
    fn moment(&self, after: Duration) -> Timestamp {
        let clock = &self.server.clock;
        let created = self.text("creationTimestamp").parse().ok().filter(|_| clock.is_virtual());
        let start: Timestamp = created.unwrap_or_else(|| clock.now());
        start.saturating_add(after).unwrap_or(start)
    }

    /// Returns what shall become of it.
    fn wanted(&self) -> Workload {
        wanted(self.server, self.object, self.kind(), self.desk.usual)
    }

    /// Looks at it again when this much time has passed.
    fn look_again(&self, after: Duration) {
        let now = self.server.clock.now();
        self.desk.agenda.add(now.saturating_add(after).unwrap_or(now), Task::Look(self.key.clone()));
    }

    /// Lets become of it what shall, at that time.
    fn becomes(&self, time: Timestamp, workload: Workload) {
        self.desk.agenda.add(time, Task::Become(self.key.clone(), self.text("uid").to_owned(), workload));
    }

    /// Writes an event about it.
    async fn tell(&self, is_warning: bool, reason: &str, message: &str) {
        self.tell_part("", is_warning, reason, message).await;
    }

    /// Writes an event about a part of it.
    async fn tell_part(&self, part: &str, is_warning: bool, reason: &str, message: &str) {
        let (by, api_version) = teller(self.kind());
        let (object, kind) = (self.object, self.kind());
        let happened = Happened { by, api_version, kind, object, part, is_warning, reason, message };
        self.desk.recorder.write(self.server, &self.desk.agenda, happened).await;
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

    /// Creates an object beside it.
    ///
    /// # Errors
    /// Gives the text of the refusal.
    async fn create(&self, group: &str, plural: &str, object: &Value) -> Result<Value, String> {
        let path = format!("{group}/namespaces/{}/{plural}", self.text("namespace"));
        let (code, answer) = ask(self.server, "POST", &path, "application/json", object).await;
        if code == 201 { Ok(answer) } else { Err(answer["message"].as_str().unwrap_or_default().to_owned()) }
    }

    /// Creates one of its pods, and tells so as ReplicaSets, DaemonSets and Jobs do.
    ///
    /// # Errors
    /// Gives the text of the refusal.
    async fn create_pod(&self, pod: &Value) -> Result<(), String> {
        match self.create("/api/v1", "pods", pod).await {
            Ok(pod) => {
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                self.tell(false, "SuccessfulCreate", &format!("Created pod: {name}")).await;
                Ok(())
            }
            Err(why) => {
                self.tell(true, "FailedCreate", &format!("Error creating: {why}")).await;
                Err(why)
            }
        }
    }

    /// Deletes one of its pods, and tells so as ReplicaSets, DaemonSets and Jobs do.
    async fn delete_pod(&self, pod: &Value) {
        if self.delete("pods", pod).await {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            self.tell(false, "SuccessfulDelete", &format!("Deleted pod: {name}")).await;
        }
    }

    /// Deletes an object beside it; true when that was done.
    async fn delete(&self, resource: &str, object: &Value) -> bool {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key = Key::new(&resource.into(), self.text("namespace"), name);
        let Some((_, path)) = path_of(self.server, &key) else { return false };
        let options = serde_json::json!({
            "propagationPolicy": "Background", "preconditions": {"uid": object["metadata"]["uid"]},
        });
        matches!(ask(self.server, "DELETE", &path, "application/json", &options).await.0, 200 | 202)
    }
}

/// Returns the controller that tells of objects of a kind, and their version.
fn teller(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "Deployment" => ("deployment-controller", "apps/v1"),
        "ReplicaSet" => ("replicaset-controller", "apps/v1"),
        "StatefulSet" => ("statefulset-controller", "apps/v1"),
        "DaemonSet" => ("daemonset-controller", "apps/v1"),
        "Job" => ("job-controller", "batch/v1"),
        "PersistentVolumeClaim" => ("persistentvolume-controller", "v1"),
        "Service" => ("service-controller", "v1"),
        _ => ("kubelet", "v1"),
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
