//! What can be done to the servers of a real control plane, one by one.

use std::time::Duration;

use gitops_testkit::{ControlPlane, TestkitError, require_assets};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use serde_json::json;

/// One server of its own, because the others must not be disturbed; all that can happen to it in one go, because
/// each start costs seconds.
#[tokio::test]
async fn servers_are_paused_killed_and_restarted_one_by_one() {
    let Some(assets) = require_assets() else { return };
    let cluster = ControlPlane::builder().assets(assets).user("ada", &["team"]).start().await.unwrap();
    assert!(cluster.controller_manager().is_none());
    let folder = cluster.folder().to_owned();
    let namespace = cluster.namespace().await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().unwrap(), &namespace);
    let map = serde_json::from_value(json!({"metadata": {"name": "a"}, "data": {"a": "1"}})).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    assert!(cluster.config_as("ada").is_ok());

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
