//! Controllers: garbage, namespaces, workloads.

use std::time::Duration;

use futures::TryStreamExt as _;
use gitops_sandbox::{Sandbox, Workload};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;

use crate::client::{client, config_map, deployment};

const LONG: Duration = Duration::from_secs(20);

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

#[tokio::test]
async fn a_scripted_deployment_crashes() {
    let sandbox = Sandbox::builder().ready_after(Duration::from_millis(1)).start();
    sandbox.script("Deployment", "default", "app", Workload::Crash);
    let api: Api<Deployment> = Api::default_namespaced(client(&sandbox));
    api.create(&PostParams::default(), &deployment("app")).await.unwrap();
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
