//! Plays the scheduler and the kubelets of a cluster that has none: Pods get the status that real ones would give.

use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::TestkitError;

/// What becomes of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PodBehaviour {
    /// Its containers run and are ready.
    Ready,
    /// It runs, but its containers are not ready.
    Unready,
    /// Its containers end well, as those of a Job should.
    Succeed,
    /// Its containers end with exit code 1 and are not started again.
    Fail,
    /// Its containers end with exit code 1 again and again (`CrashLoopBackOff`).
    Crash,
    /// Its image cannot be had (`ImagePullBackOff`).
    Unpullable,
    /// Nothing: it stays as it is, at first `Pending`.
    Ignore,
}

/// Gives Pods a status, as long as it lives.
///
/// Unless told otherwise, the Pods of Jobs succeed and all others become ready.
///
/// ```no_run
/// # async fn f(cluster: &gitops_testkit::ControlPlane) -> Result<(), gitops_testkit::TestkitError> {
/// use gitops_testkit::{PodBehaviour, PodSimulator};
///
/// let namespace = cluster.namespace().await?;
/// let pods = PodSimulator::start(cluster.client()?, &namespace);
/// pods.behave("broken-", PodBehaviour::Crash)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PodSimulator {
    rules: Rules,
    changed: mpsc::UnboundedSender<()>,
    task: JoinHandle<()>,
}

/// Name prefixes and what becomes of such Pods; later ones count more.
type Rules = Arc<Mutex<Vec<(String, PodBehaviour)>>>;

impl PodSimulator {
    /// Watches the Pods of a namespace from now on. Must be called in a tokio runtime, and lives in it.
    #[must_use = "dropped, it stops"]
    pub fn start(client: kube::Client, namespace: &str) -> Self {
        let pods = Api::namespaced(client.clone(), namespace);
        Self::watch(client, pods)
    }

    /// Does as [`PodSimulator::start`] for all namespaces, those that come later included.
    #[must_use = "dropped, it stops"]
    pub fn start_everywhere(client: kube::Client) -> Self {
        let pods = Api::all(client.clone());
        Self::watch(client, pods)
    }

    fn watch(client: kube::Client, pods: Api<Pod>) -> Self {
        let rules = Rules::default();
        let (changed, changes) = mpsc::unbounded_channel();
        let task = tokio::spawn(run(client, pods, Arc::clone(&rules), changes));
        Self { rules, changed, task }
    }

    /// Decides what becomes of Pods whose name starts with `prefix`, those that exist included.
    ///
    /// A Pod's name starts with that of its workload.
    ///
    /// # Errors
    /// When the simulator has ended, which it does with its runtime.
    pub fn behave(&self, prefix: &str, behaviour: PodBehaviour) -> Result<(), TestkitError> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push((prefix.to_owned(), behaviour));
        self.changed.send(()).map_err(|_| TestkitError::NotRunning { server: "pod simulator" })
    }
}

impl Drop for PodSimulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows the watch and the changes of the rules; a failed request is made good by the next event or relist.
async fn run(client: kube::Client, pods: Api<Pod>, rules: Rules, mut changes: mpsc::UnboundedReceiver<()>) {
    let events = watcher(pods.clone(), watcher::Config::default()).default_backoff().applied_objects();
    let mut events = std::pin::pin!(events);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(pod)) => serve(&client, &pod, &rules).await,
                Some(Err(error)) => tracing::debug!(%error, "watching pods"),
                None => return,
            },
            change = changes.recv() => {
                if change.is_none() {
                    return;
                }
                for pod in pods.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default() {
                    serve(&client, &pod, &rules).await;
                }
            }
        }
    }
}

async fn serve(client: &kube::Client, pod: &Pod, rules: &Rules) {
    let pods: Api<Pod> =
        Api::namespaced(client.clone(), pod.metadata.namespace.as_deref().unwrap_or_default());
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let behaviour = decide(pod, &rules.lock().unwrap_or_else(PoisonError::into_inner));
    let result = match step(pod, behaviour) {
        Step::Nothing => Ok(()),
        Step::Finish => pods.delete(name, &DeleteParams::default().grace_period(0)).await.map(drop),
        Step::Report(status) => {
            let patch = Patch::Merge(json!({"status": status}));
            pods.patch_status(
                name,
                &PatchParams { field_manager: Some("kubelet".to_owned()), ..PatchParams::default() },
                &patch,
            )
            .await
            .map(drop)
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, pod = name, "simulating a pod");
    }
}

/// What a kubelet would do next with a Pod.
#[derive(Debug, PartialEq)]
enum Step {
    Nothing,
    /// The Pod is being deleted and its containers have ended.
    Finish,
    Report(Value),
}

fn decide(pod: &Pod, rules: &[(String, PodBehaviour)]) -> PodBehaviour {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let rule = rules.iter().rev().find(|(prefix, _)| name.starts_with(prefix.as_str()));
    let of_job = || pod.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "Job");
    rule.map(|(_, behaviour)| *behaviour)
        .unwrap_or_else(|| if of_job() { PodBehaviour::Succeed } else { PodBehaviour::Ready })
}

fn step(pod: &Pod, behaviour: PodBehaviour) -> Step {
    let ended = || {
        pod.status
            .as_ref()
            .and_then(|status| status.phase.as_deref())
            .is_some_and(|phase| matches!(phase, "Succeeded" | "Failed"))
    };
    if pod.metadata.deletion_timestamp.is_some() {
        // The API server itself removes a Pod that no node has, and only it knows of finalizers.
        let on_node = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
        return if on_node && pod.metadata.finalizers.is_none() { Step::Finish } else { Step::Nothing };
    }
    // A Pod that has ended stays so.
    if behaviour == PodBehaviour::Ignore || ended() {
        return Step::Nothing;
    }
    let status = report(pod, behaviour);
    if is_so(pod, &status) { Step::Nothing } else { Step::Report(status) }
}

/// Returns whether a Pod's status says already what `status` says, times aside.
fn is_so(pod: &Pod, status: &Value) -> bool {
    let now = serde_json::to_value(&pod.status).unwrap_or_default();
    let conditions = |status: &Value| -> Vec<(String, String)> {
        let text = |condition: &Value, key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        status["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|c| (text(c, "type"), text(c, "status")))
            .collect()
    };
    let states = |status: &Value| -> Vec<(String, Value)> {
        let name = |state: &Value| {
            state.as_object().and_then(|state| state.keys().next().cloned()).unwrap_or_default()
        };
        let containers = status["containerStatuses"].as_array().into_iter().flatten();
        containers
            .map(|container| (name(&container["state"]), container["state"]["waiting"]["reason"].clone()))
            .collect()
    };
    now["phase"] == status["phase"]
        && conditions(&now) == conditions(status)
        && states(&now) == states(status)
}

fn report(pod: &Pod, behaviour: PodBehaviour) -> Value {
    let now = k8s_openapi::jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ended = |code: i32, reason: &str| json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}});
    let waiting = |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
    let (phase, state, restarts) = match behaviour {
        PodBehaviour::Ready | PodBehaviour::Unready | PodBehaviour::Ignore => {
            ("Running", json!({"running": {"startedAt": now}}), 0)
        }
        PodBehaviour::Succeed => ("Succeeded", ended(0, "Completed"), 0),
        PodBehaviour::Fail => ("Failed", ended(1, "Error"), 0),
        PodBehaviour::Crash => {
            ("Running", waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container"), 5)
        }
        PodBehaviour::Unpullable => ("Pending", waiting("ImagePullBackOff", "Back-off pulling image"), 0),
    };
    let ready = behaviour == PodBehaviour::Ready;
    let containers = |init: bool| -> Vec<Value> {
        let spec = pod.spec.as_ref();
        let of = spec.map(|spec| {
            if init { spec.init_containers.clone().unwrap_or_default() } else { spec.containers.clone() }
        });
        let status = |container: k8s_openapi::api::core::v1::Container| {
            let image = container.image.unwrap_or_default();
            let state = if init { ended(0, "Completed") } else { state.clone() };
            let last = if !init && behaviour == PodBehaviour::Crash { ended(1, "Error") } else { json!({}) };
            json!({
                "name": container.name, "image": image, "imageID": image, "ready": ready || init, "started": ready,
                "restartCount": if init { 0 } else { restarts }, "state": state, "lastState": last,
            })
        };
        of.into_iter().flatten().map(status).collect()
    };
    let condition = |kind: &str, holds: bool, reason: &str| {
        let mut condition =
            json!({"type": kind, "status": if holds { "True" } else { "False" }, "lastTransitionTime": now});
        if !holds {
            condition["reason"] = json!(reason);
        }
        condition
    };
    let reason = if behaviour == PodBehaviour::Succeed { "PodCompleted" } else { "ContainersNotReady" };
    json!({
        "phase": phase,
        "hostIP": "127.0.0.1",
        "startTime": now,
        "conditions": [
            condition("Initialized", true, ""),
            condition("Ready", ready, reason),
            condition("ContainersReady", ready, reason),
            condition("PodScheduled", true, ""),
        ],
        "initContainerStatuses": containers(true),
        "containerStatuses": containers(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(value: Value) -> Pod {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_last_rule_counts_and_pods_of_jobs_succeed() {
        let rules = [("web-".to_owned(), PodBehaviour::Crash), ("web-1".to_owned(), PodBehaviour::Fail)];
        let check = |value: Value, want: PodBehaviour| assert_eq!(decide(&pod(value), &rules), want);
        check(json!({"metadata": {"name": "web-2"}}), PodBehaviour::Crash);
        check(json!({"metadata": {"name": "web-1"}}), PodBehaviour::Fail);
        check(json!({"metadata": {"name": "other"}}), PodBehaviour::Ready);
        let owner = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u"}]);
        check(json!({"metadata": {"name": "j-x", "ownerReferences": owner}}), PodBehaviour::Succeed);
    }

    #[test]
    fn a_status_is_reported_once() {
        let fresh = json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        for behaviour in
            [PodBehaviour::Ready, PodBehaviour::Unready, PodBehaviour::Crash, PodBehaviour::Unpullable]
        {
            let Step::Report(status) = step(&pod(fresh.clone()), behaviour) else {
                panic!("{behaviour:?} reports")
            };
            let mut reported = fresh.clone();
            reported["status"] = status;
            assert_eq!(step(&pod(reported.clone()), behaviour), Step::Nothing, "{behaviour:?}");
            assert!(
                matches!(step(&pod(reported), PodBehaviour::Fail), Step::Report(_)),
                "{behaviour:?} can fail later"
            );
        }
    }

    #[test]
    fn a_pod_that_ended_or_goes_is_left_alone() {
        let check = |value: Value, want: Step| assert_eq!(step(&pod(value), PodBehaviour::Ready), want);
        check(json!({"metadata": {"name": "a"}, "status": {"phase": "Succeeded"}}), Step::Nothing);
        let going = "2026-01-01T00:00:00Z";
        check(json!({"metadata": {"name": "a", "deletionTimestamp": going}}), Step::Nothing);
        let spec = json!({"nodeName": "n", "containers": []});
        check(json!({"metadata": {"name": "a", "deletionTimestamp": going}, "spec": spec}), Step::Finish);
        check(
            json!({"metadata": {"name": "a", "deletionTimestamp": going, "finalizers": ["f"]}, "spec": spec}),
            Step::Nothing,
        );
    }
}
