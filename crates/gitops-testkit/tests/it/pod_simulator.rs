//! Workloads come up, end or crash as the simulator is told.

use std::time::Duration;

use gitops_testkit::{PodBehaviour, require_cluster};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, PostParams};
use kube::runtime::wait::{Condition, await_condition};
use serde::de::DeserializeOwned;
use serde_json::json;

async fn becomes<K>(api: &Api<K>, name: &str, what: &str, holds: impl Condition<K>)
where
    K: Clone + std::fmt::Debug + Send + DeserializeOwned + kube::Resource + 'static,
{
    let waiting = await_condition(api.clone(), name, holds);
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap_or_else(|_| panic!("{name} is never {what}"))
        .unwrap();
}

fn crashes(pod: Option<&Pod>) -> bool {
    let status = pod.and_then(|pod| pod.status.as_ref()?.container_statuses.as_ref()?.first());
    let waiting = status.and_then(|container| container.state.as_ref()?.waiting.as_ref());
    waiting.is_some_and(|waiting| waiting.reason.as_deref() == Some("CrashLoopBackOff"))
}

#[tokio::test]
async fn deployments_become_available_jobs_complete_and_broken_pods_crash() {
    let Some(cluster) = require_cluster().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let client = cluster.client().unwrap();
    let simulator = cluster.simulate_pods(&namespace);
    let template = |labels: serde_json::Value, restart: &str| json!({"metadata": {"labels": labels}, "spec": {"restartPolicy": restart, "containers": [{"name": "c", "image": "example.org/c:1"}]}});

    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
    let web = json!({
        "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template(json!({"app": "web"}), "Always")},
    });
    deployments.create(&PostParams::default(), &serde_json::from_value(web).unwrap()).await.unwrap();
    let available = |wanted: i32| {
        move |deployment: Option<&Deployment>| {
            deployment
                .and_then(|d| d.status.as_ref())
                .is_some_and(|status| status.available_replicas.unwrap_or(0) == wanted)
        }
    };
    becomes(&deployments, "web", "available", available(2)).await;

    let jobs: Api<Job> = Api::namespaced(client.clone(), &namespace);
    let job = json!({"metadata": {"name": "once"}, "spec": {"template": template(json!({}), "Never")}});
    jobs.create(&PostParams::default(), &serde_json::from_value(job).unwrap()).await.unwrap();
    becomes(&jobs, "once", "complete", kube::runtime::conditions::is_job_completed()).await;

    simulator.behave("web-", PodBehaviour::Crash).unwrap();
    becomes(&deployments, "web", "unavailable", available(0)).await;
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    let crashing = pods.list(&ListParams::default().labels("app=web")).await.unwrap().items;
    assert_eq!(crashing.len(), 2);
    assert!(crashing.iter().all(|pod| crashes(Some(pod))), "{crashing:?}");
    simulator.behave("web-", PodBehaviour::Ready).unwrap();
    becomes(&deployments, "web", "available again", available(2)).await;
}

#[tokio::test]
async fn a_pod_crashes_and_recovers() {
    let Some(cluster) = require_cluster().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let simulator = cluster.simulate_pods(&namespace);
    simulator.behave("broken", PodBehaviour::Crash).unwrap();
    let pods: Api<Pod> = Api::namespaced(cluster.client().unwrap(), &namespace);
    let pod = json!({"metadata": {"name": "broken"}, "spec": {"containers": [{"name": "c", "image": "example.org/c:1"}]}});
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    becomes(&pods, "broken", "crashing", crashes).await;
    simulator.behave("broken", PodBehaviour::Ready).unwrap();
    becomes(&pods, "broken", "running", kube::runtime::conditions::is_pod_running()).await;
}
