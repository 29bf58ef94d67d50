//! The control plane starts, answers, keeps users apart, survives what is done to its servers.

use std::time::Duration;

use gitops_testkit::{ControlPlane, TestkitError, require_assets, require_control_plane};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"a": "1"}})).unwrap()
}

#[tokio::test]
async fn two_tests_share_one_server_and_have_a_namespace_each() {
    let Some(cluster) = require_control_plane().await else { return };
    let (one, two) = (cluster.namespace().await.unwrap(), cluster.namespace().await.unwrap());
    assert_ne!(one, two);
    let again = require_control_plane().await.unwrap();
    assert_eq!(cluster.url(), again.url());
    assert_eq!(cluster.api_server().process_id(), again.api_server().process_id());
}

#[test]
fn clients_of_one_runtime_do_not_depend_on_that_of_another() {
    let Some(_) = require_assets() else { return };
    for _ in 0..3 {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let cluster = require_control_plane().await.unwrap();
            let namespaces: Api<Namespace> = Api::all(cluster.client().unwrap());
            namespaces.get("default").await.unwrap();
        });
    }
}

#[tokio::test]
async fn the_admin_may_do_what_the_guest_may_not() {
    let Some(cluster) = require_control_plane().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let secrets = |user| Api::<Secret>::namespaced(cluster.client_as(user).unwrap(), &namespace);
    secrets("admin").list(&ListParams::default()).await.unwrap();
    let refused = secrets("guest").list(&ListParams::default()).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused}");
    assert!(cluster.client_as("nobody").is_err());
}

#[tokio::test]
async fn kubeconfigs_are_read_by_others() {
    let Some(cluster) = require_control_plane().await else { return };
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
    let Some(cluster) = require_control_plane().await else { return };
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
    let Some(cluster) = require_control_plane().await else { return };
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
async fn with_a_controller_manager_namespaces_finish() {
    let Some(cluster) = require_control_plane().await else { return };
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

/// One server of its own, because the others must not be disturbed; all that can happen to it in one go, because
/// each start costs seconds.
#[tokio::test]
async fn servers_are_paused_killed_and_restarted_one_by_one() {
    let Some(assets) = require_assets() else { return };
    let cluster = ControlPlane::builder().assets(assets).user("ada", &["team"]).start().await.unwrap();
    assert!(cluster.controller_manager().is_none());
    let folder = cluster.folder().to_owned();
    let namespace = cluster.namespace().await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client_as("admin").unwrap(), &namespace);
    maps.create(&PostParams::default(), &config_map("a")).await.unwrap();
    assert!(cluster.client_as("ada").is_ok());

    cluster.api_server().pause().unwrap();
    assert!(cluster.api_server().is_running());
    let silent = tokio::time::timeout(Duration::from_millis(500), maps.get("a")).await;
    assert!(silent.is_err(), "a paused server does not answer");
    cluster.api_server().resume().unwrap();
    maps.get("a").await.unwrap();

    let before = cluster.api_server().process_id();
    cluster.api_server().restart().await.unwrap();
    assert_ne!(cluster.api_server().process_id(), before);
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().unwrap(), &namespace);
    maps.get("a").await.unwrap();

    cluster.etcd().kill().unwrap();
    assert!(!cluster.etcd().is_running());
    assert!(cluster.etcd().kill().is_err());
    cluster.etcd().start().await.unwrap();
    // The API server finds its way back to etcd by itself, and says so.
    cluster.api_server().start().await.unwrap();
    maps.get("a").await.expect("what etcd held is still there");

    cluster.api_server().pause().unwrap();
    cluster.api_server().stop().await.expect("a paused server can be stopped");
    assert!(maps.get("a").await.is_err());
    drop(cluster);
    assert!(!folder.exists(), "the folder goes with the control plane");
}

/// A port that is taken is tried again elsewhere; where it cannot be, the error quotes the server.
#[tokio::test]
async fn a_server_that_does_not_start_is_an_error_with_its_own_words() {
    let Some(assets) = require_assets() else { return };
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("--listen-client-urls=http://{}", held.local_addr().unwrap());
    let error = ControlPlane::builder().assets(assets).etcd_flag(&taken).start().await.unwrap_err();
    assert!(matches!(&error, TestkitError::Exited { server: "etcd", .. }), "{error}");
    assert!(error.to_string().contains("address already in use"), "{error}");
}
