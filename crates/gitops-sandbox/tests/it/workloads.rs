//! Controllers: garbage, namespaces, workloads.

use std::time::Duration;

use futures::TryStreamExt as _;
use gitops_sandbox::{Clock, Sandbox, Workload};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;

use crate::client::{client, config_map, deployment};

const LONG: Duration = Duration::from_secs(60);

async fn wait_until(api: Api<Deployment>, name: &str, reason: &str) {
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut seen = std::pin::pin!(watcher(api, config).applied_objects());
    let reached = async {
        while let Some(object) = seen.try_next().await.unwrap() {
            let conditions = object.status.and_then(|status| status.conditions).unwrap_or_default();
            if conditions.iter().any(|condition| condition.reason.as_deref() == Some(reason)) {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, reached).await.unwrap();
}

#[tokio::test]
async fn a_deployment_becomes_available() {
    let sandbox = Sandbox::builder().ready_after(Duration::from_millis(1)).start();
    let api: Api<Deployment> = Api::default_namespaced(client(&sandbox));
    api.create(&PostParams::default(), &deployment("app")).await.unwrap();
    wait_until(api, "app", "NewReplicaSetAvailable").await;
}

/// A Deployment that must make progress within a second.
fn impatient(name: &str) -> Deployment {
    let mut impatient = deployment(name);
    impatient.spec.progress_deadline_seconds = Some(1);
    impatient
}

#[tokio::test]
async fn a_scripted_deployment_crashes() {
    let sandbox = Sandbox::builder().ready_after(Duration::from_millis(1)).start();
    sandbox.script("Deployment", "default", "app", Workload::Crash);
    let api: Api<Deployment> = Api::default_namespaced(client(&sandbox));
    api.create(&PostParams::default(), &impatient("app")).await.unwrap();
    wait_until(api, "app", "ProgressDeadlineExceeded").await;
}

#[tokio::test]
async fn a_restored_deployment_goes_on_becoming_available() {
    let before = Sandbox::builder().workloads(Workload::Never).start();
    let api: Api<Deployment> = Api::default_namespaced(client(&before));
    api.create(&PostParams::default(), &deployment("app")).await.unwrap();
    let sandbox = Sandbox::builder().ready_after(Duration::from_millis(1)).start();
    sandbox.restore(&before.snapshot());
    wait_until(Api::default_namespaced(client(&sandbox)), "app", "NewReplicaSetAvailable").await;
}

#[tokio::test]
async fn what_has_no_owner_left_is_collected() {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let owner = api.create(&PostParams::default(), &config_map("owner", "1")).await.unwrap();
    let uid = owner.metadata.uid.unwrap();
    let mut kid = config_map("kid", "1");
    let reference = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}]);
    kid.metadata.owner_references = Some(serde_json::from_value(reference).unwrap());
    let kid = api.create(&PostParams::default(), &kid).await.unwrap();
    let uid = kid.metadata.uid.unwrap();
    let gone = await_condition(api.clone(), "kid", conditions::is_deleted(&uid));
    api.delete("owner", &DeleteParams::default()).await.unwrap();
    tokio::time::timeout(LONG, gone).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_namespace_ends_when_it_is_empty() {
    let sandbox = Sandbox::start();
    let client = client(&sandbox);
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let object = serde_json::from_value(json!({"metadata": {"name": "apps"}})).unwrap();
    let created = namespaces.create(&PostParams::default(), &object).await.unwrap();
    let api: Api<ConfigMap> = Api::namespaced(client, "apps");
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let uid = created.metadata.uid.unwrap();
    let gone = await_condition(namespaces.clone(), "apps", conditions::is_deleted(&uid));
    namespaces.delete("apps", &DeleteParams::default()).await.unwrap();
    tokio::time::timeout(LONG, gone).await.unwrap().unwrap();
    assert!(api.list(&kube::api::ListParams::default()).await.unwrap().items.is_empty());
}

/// Waits until a list of objects is as it should be; every change of one of them is looked at.
async fn wait_for<K>(api: &Api<K>, fits: impl Fn(&[K]) -> bool)
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned + kube::Resource + Send + 'static,
{
    let events = watcher(api.clone(), watcher::Config::default());
    let mut events = std::pin::pin!(events);
    let reached = async {
        while events.try_next().await.unwrap().is_some() {
            if fits(&api.list(&kube::api::ListParams::default()).await.unwrap().items) {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, reached).await.unwrap();
}

fn quick() -> Sandbox {
    Sandbox::builder().ready_after(Duration::from_millis(1)).start()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn job(name: &str, spec: serde_json::Value) -> Job {
    let mut spec = spec;
    spec["template"]["spec"] =
        json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1"}]});
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
}

#[tokio::test]
async fn a_new_template_makes_a_new_replica_set_and_empties_the_old_one() {
    let sandbox = quick();
    let client = client(&sandbox);
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &deployment("app")).await.unwrap();
    wait_until(api.clone(), "app", "NewReplicaSetAvailable").await;
    let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}}});
    api.patch("app", &PatchParams::default(), &Patch::Merge(&change)).await.unwrap();
    let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
    wait_for(&sets, |sets| {
        let replicas = |revision: &str| {
            let of = |set: &&ReplicaSet| {
                set.metadata.annotations.as_ref().is_some_and(|annotations| {
                    annotations.get("deployment.kubernetes.io/revision").is_some_and(|of| of == revision)
                })
            };
            let status = sets.iter().find(of).and_then(|set| set.status.as_ref());
            status.map(|status| (status.replicas, status.ready_replicas.unwrap_or(0)))
        };
        sets.len() == 2
            && replicas("1") == Some((0, 0))
            && replicas("2").is_some_and(|(all, ready)| all == ready && all > 0)
    })
    .await;
    let rolled = api.get("app").await.unwrap();
    assert_eq!(rolled.metadata.annotations.unwrap()["deployment.kubernetes.io/revision"], "2");
}

#[tokio::test]
async fn a_deleted_pod_is_made_anew() {
    let sandbox = quick();
    let client = client(&sandbox);
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &deployment("app")).await.unwrap();
    wait_until(api, "app", "NewReplicaSetAvailable").await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    let first =
        pods.list(&kube::api::ListParams::default()).await.unwrap().items[0].metadata.name.clone().unwrap();
    let count = pods.list(&kube::api::ListParams::default()).await.unwrap().items.len();
    pods.delete(&first, &DeleteParams::default()).await.unwrap();
    wait_for(&pods, |pods| {
        let is_gone = pods.iter().all(|pod| pod.metadata.name.as_ref() != Some(&first));
        is_gone && pods.len() == count && pods.iter().all(is_ready)
    })
    .await;
}

#[tokio::test]
async fn an_annotation_says_what_becomes_of_a_workload() {
    let sandbox = quick();
    let client = client(&sandbox);
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    let mut crashing = impatient("app");
    let annotations = [("sandbox.gitops.dev/workload".to_owned(), "crash".to_owned())];
    crashing.metadata.annotations = Some(annotations.into());
    api.create(&PostParams::default(), &crashing).await.unwrap();
    wait_until(api, "app", "ProgressDeadlineExceeded").await;
}

#[tokio::test]
async fn a_job_succeeds_and_a_crashing_one_fails_after_its_retries() {
    let clock = Clock::standing_at("2024-01-01T00:00:00Z".parse().unwrap());
    let sandbox = Sandbox::builder().clock(clock.clone()).ready_after(Duration::ZERO).start();
    sandbox.script("Job", "default", "bad", Workload::Crash);
    let client = client(&sandbox);
    let api: Api<Job> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &job("good", json!({"completions": 3, "parallelism": 2})))
        .await
        .unwrap();
    api.create(&PostParams::default(), &job("bad", json!({"backoffLimit": 1}))).await.unwrap();
    let ended = |jobs: &[Job], name: &str, condition: &str| {
        let found = jobs.iter().find(|job| job.metadata.name.as_deref() == Some(name));
        let status = found.and_then(|job| job.status.clone()).unwrap_or_default();
        let is = status
            .conditions
            .unwrap_or_default()
            .iter()
            .any(|of| of.type_ == condition && of.status == "True");
        is.then_some((status.succeeded.unwrap_or(0), status.failed.unwrap_or(0)))
    };
    let failed = |jobs: &[Job], count: i32| {
        let found = jobs.iter().find(|job| job.metadata.name.as_deref() == Some("bad"));
        found.and_then(|job| job.status.as_ref()?.failed) == Some(count)
    };
    wait_for(&api, |jobs| ended(jobs, "good", "Complete") == Some((3, 0)) && failed(jobs, 1)).await;
    // The second try comes ten seconds later.
    clock.advance(Duration::from_secs(10));
    wait_for(&api, |jobs| ended(jobs, "bad", "Failed") == Some((0, 2))).await;
}

#[tokio::test]
async fn pods_of_a_stateful_set_come_one_after_the_other_with_their_claims() {
    let sandbox = quick();
    let client = client(&sandbox);
    let sets: Api<StatefulSet> = Api::default_namespaced(client.clone());
    let set = json!({
        "metadata": {"name": "db"},
        "spec": {
            "replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": "db:1"}]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }],
        },
    });
    sets.create(&PostParams::default(), &serde_json::from_value(set).unwrap()).await.unwrap();
    wait_for(&sets, |sets| {
        let status = sets.first().and_then(|set| set.status.clone()).unwrap_or_default();
        status.ready_replicas == Some(2) && status.current_revision == status.update_revision
    })
    .await;
    let claims: Api<PersistentVolumeClaim> = Api::default_namespaced(client);
    wait_for(&claims, |claims| {
        let bound = |claim: &PersistentVolumeClaim| {
            claim.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Bound"))
        };
        let names: Vec<_> = claims.iter().filter_map(|claim| claim.metadata.name.as_deref()).collect();
        names == ["data-db-0", "data-db-1"] && claims.iter().all(bound)
    })
    .await;
}

#[tokio::test]
async fn workloads_wait_for_the_servers_clock() {
    let clock = Clock::standing_at("2024-01-01T00:00:00Z".parse().unwrap());
    let sandbox = Sandbox::builder().clock(clock.clone()).ready_after(Duration::from_secs(60)).start();
    let client = client(&sandbox);
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &deployment("app")).await.unwrap();
    wait_until(api.clone(), "app", "MinimumReplicasUnavailable").await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    wait_for(&pods, |pods| !pods.is_empty()).await;
    assert!(
        pods.list(&kube::api::ListParams::default()).await.unwrap().items.iter().all(|pod| !is_ready(pod))
    );
    clock.advance(Duration::from_secs(60));
    wait_until(api, "app", "NewReplicaSetAvailable").await;
}

#[tokio::test]
async fn without_controllers_nothing_is_made() {
    let sandbox = Sandbox::builder().without_controllers().start();
    let client = client(&sandbox);
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &deployment("app")).await.unwrap();
    let before = sandbox.revision();
    let sets: Api<ReplicaSet> = Api::default_namespaced(client);
    assert!(sets.list(&kube::api::ListParams::default()).await.unwrap().items.is_empty());
    assert_eq!(sandbox.revision(), before);
}
