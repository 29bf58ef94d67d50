//! What tests can do to a sandbox: faults, snapshots, the log of requests, strict mode.

use std::time::Duration;

use gitops_sandbox::{Clock, Fault, Matching, Sandbox};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};

use crate::client::{client, config_map};

#[tokio::test]
async fn a_lost_reply_leaves_what_was_written() {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    sandbox.inject(Fault::lost_reply().on(Matching::any().method("POST").path("/configmaps")));
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap_err();
    assert_eq!(api.get("a").await.unwrap().data.unwrap()["k"], "1");
}

#[tokio::test]
async fn a_status_fault_happens_as_often_as_asked() {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let fault = Fault::status(403, "Forbidden", "not today").on(Matching::any().method("POST"));
    sandbox.inject(fault.times(2));
    for _ in 0..2 {
        let error = api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap_err();
        assert!(matches!(error, kube::Error::Api(status) if status.code == 403));
    }
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
}

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let sandbox = Sandbox::builder().without_controllers().start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let snapshot = sandbox.snapshot();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    sandbox.save(&path).unwrap();
    api.delete("a", &kube::api::DeleteParams::default()).await.unwrap();
    sandbox.restore(&snapshot);
    assert_eq!(api.get("a").await.unwrap().data.unwrap()["k"], "1");
    let other = Sandbox::builder().without_controllers().start();
    other.load(&path).unwrap();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&other));
    assert_eq!(api.get("a").await.unwrap().data.unwrap()["k"], "1");
}

#[tokio::test]
async fn the_log_tells_what_was_asked() {
    let sandbox = Sandbox::builder().without_controllers().start();
    sandbox.log_requests();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let asked = sandbox.take_requests();
    let asked: Vec<_> =
        asked.iter().map(|asked| (asked.method.as_str(), asked.path.as_str(), asked.status)).collect();
    assert_eq!(asked, [("POST", "/api/v1/namespaces/default/configmaps", 201)]);
    assert!(sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_delay_waits_for_the_servers_clock() {
    let clock = Clock::standing_at("2026-01-02T03:04:05Z".parse().unwrap());
    let sandbox = Sandbox::builder().clock(clock.clone()).start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    sandbox.inject(Fault::delay(Duration::from_secs(3600)).on(Matching::any().method("POST")));
    let name = config_map("a", "1");
    let create = tokio::spawn(async move { api.create(&PostParams::default(), &name).await });
    while !create.is_finished() {
        clock.advance(Duration::from_secs(600));
        tokio::task::yield_now().await;
    }
    let created = create.await.unwrap().unwrap();
    assert!(
        created.metadata.creation_timestamp.unwrap().0.as_second() >= clock.now().as_second() - 3600 * 24
    );
}
