//! A cluster starts, answers, keeps users apart, tells what it was asked, and comes back: whichever it is.

use std::time::Duration;

use gitops_testkit::{Cluster, require_cluster, require_own_cluster};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"a": "1"}})).unwrap()
}

#[tokio::test]
async fn two_tests_share_one_server_and_have_a_namespace_each() {
    let Some(cluster) = require_cluster().await else { return };
    let (one, two) = (cluster.namespace().await.unwrap(), cluster.namespace().await.unwrap());
    assert_ne!(one, two);
    let again = require_cluster().await.unwrap();
    assert_eq!(cluster.url(), again.url());
}

#[test]
fn clients_of_one_runtime_do_not_depend_on_that_of_another() {
    for _ in 0..3 {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let Some(cluster) = require_cluster().await else { return };
            let namespaces: Api<Namespace> = Api::all(cluster.client().unwrap());
            namespaces.get("default").await.unwrap();
        });
    }
}

#[tokio::test]
async fn the_admin_may_do_what_the_guest_may_not() {
    let Some(cluster) = require_cluster().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let secrets = |user| Api::<Secret>::namespaced(cluster.client_as(user).unwrap(), &namespace);
    secrets("admin").list(&ListParams::default()).await.unwrap();
    let refused = secrets("guest").list(&ListParams::default()).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused}");
    assert!(cluster.client_as("nobody").is_err());
}

#[tokio::test]
async fn kubeconfigs_are_read_by_others() {
    let Some(cluster) = require_cluster().await else { return };
    for (path, name) in [(cluster.kubeconfig(), "admin"), (cluster.kubeconfig_as("guest").unwrap(), "guest")]
    {
        let file = kube::config::Kubeconfig::read_from(path).unwrap();
        let config = kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default())
            .await
            .unwrap();
        let client = kube::Client::try_from(config).unwrap();
        let answer = client.request_text(http::Request::get("/version").body(vec![]).unwrap()).await.unwrap();
        assert!(answer.contains("gitVersion"), "{name}: {answer}");
    }
}

#[tokio::test]
async fn the_audit_log_tells_a_write_from_a_dry_run() {
    let Some(cluster) = require_cluster().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().unwrap(), &namespace);
    let mark = cluster.audit_mark().await.unwrap();
    let apply = PatchParams::apply("test");
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}});
    maps.patch("a", &apply.clone().dry_run(), &Patch::Apply(&object)).await.unwrap();
    let entries = cluster.audit_since(mark).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.is_in(&namespace) && entry.is_dry_run()).count(), 1);
    assert_eq!(entries.iter().filter(|entry| entry.is_in(&namespace) && entry.is_write()).count(), 0);
    maps.patch("a", &apply, &Patch::Apply(&object)).await.unwrap();
    let entries = cluster.audit_since(mark).await.unwrap();
    let writes: Vec<_> = entries.iter().filter(|entry| entry.is_in(&namespace) && entry.is_write()).collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(writes[0].verb, "patch");
    assert_eq!(writes[0].response_status.as_ref().unwrap().code, 201);
}

#[tokio::test]
async fn an_installed_kind_is_served_at_once() {
    let Some(cluster) = require_cluster().await else { return };
    let definition = json!({
        "metadata": {"name": "widgets.testkit.example.org"},
        "spec": {
            "group": "testkit.example.org", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    });
    let definition = serde_json::from_value(definition).unwrap();
    cluster.install(std::slice::from_ref(&definition)).await.unwrap();
    cluster.install(&[definition]).await.expect("a second test may do the same");
    let namespace = cluster.namespace().await.unwrap();
    let path = format!("/apis/testkit.example.org/v1/namespaces/{namespace}/widgets");
    let body = json!({"apiVersion": "testkit.example.org/v1", "kind": "Widget", "metadata": {"name": "a"}});
    let request = http::Request::post(path).body(serde_json::to_vec(&body).unwrap()).unwrap();
    cluster.client().unwrap().request_text(request).await.unwrap();
}

#[tokio::test]
async fn with_controllers_namespaces_finish() {
    let Some(cluster) = require_cluster().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let client = cluster.client().unwrap();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    Api::namespaced(client, &namespace).create(&PostParams::default(), &config_map("a")).await.unwrap();
    let uid = namespaces
        .delete(&namespace, &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .unwrap()
        .metadata
        .uid
        .unwrap();
    let gone = kube::runtime::wait::await_condition(
        namespaces,
        &namespace,
        kube::runtime::conditions::is_deleted(&uid),
    );
    tokio::time::timeout(Duration::from_secs(60), gone)
        .await
        .expect("the namespace goes within a minute")
        .unwrap();
}

#[tokio::test]
async fn an_api_server_comes_back_where_it_was_with_what_it_had() {
    let Some(cluster) = require_own_cluster(Cluster::builder().user("ada", &["team"])).await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let client = cluster.client().unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    maps.create(&PostParams::default(), &config_map("a")).await.unwrap();
    assert!(cluster.client_as("ada").is_ok());
    // A watch that is open breaks with the server.
    let parameters = kube::api::WatchParams::default();
    let mut watch = std::pin::pin!(maps.watch(&parameters, "0").await.unwrap());
    assert!(futures::StreamExt::next(&mut watch).await.unwrap().is_ok());

    cluster.api_server().kill().unwrap();
    assert!(!cluster.api_server().is_running());
    assert!(cluster.api_server().kill().is_err());
    assert!(maps.get("a").await.is_err());
    let rest =
        async { while futures::StreamExt::next(&mut watch).await.is_some_and(|event| event.is_ok()) {} };
    tokio::time::timeout(Duration::from_secs(30), rest).await.expect("the watch ends");

    cluster.api_server().start().await.unwrap();
    cluster.api_server().start().await.expect("it runs already");
    maps.get("a").await.unwrap();
    cluster.api_server().restart().await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().unwrap(), &namespace);
    maps.get("a").await.unwrap();
}

/// Server-side apply of an object that is not there creates it; who comes a moment later changes it, and is not told that
/// it exists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appliers_that_create_the_same_object_at_once_all_succeed() {
    let Some(cluster) = require_cluster().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let client = cluster.client().unwrap();
    let apply = |round: usize, who: usize| {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("m{round}")},
            "data": {format!("k{who}"): "v"},
        });
        let parameters = PatchParams::apply(&format!("applier-{who}"));
        tokio::spawn(
            async move { maps.patch(&format!("m{round}"), &parameters, &Patch::Apply(&object)).await },
        )
    };
    for round in 0..10 {
        for task in (0..8).map(|who| apply(round, who)).collect::<Vec<_>>() {
            task.await.unwrap().unwrap();
        }
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
        assert_eq!(maps.get(&format!("m{round}")).await.unwrap().data.unwrap().len(), 8);
    }
}
