//! Objects through kube's client, in the process and over TLS.

use futures::{StreamExt as _, TryStreamExt as _};
use gitops_sandbox::{Sandbox, Security};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Config, ResourceExt as _};
use serde_json::json;

pub(crate) fn client(sandbox: &Sandbox) -> Client {
    Client::new(sandbox.service(), "default")
}

pub(crate) fn config_map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"k": value}})).unwrap()
}

pub(crate) fn deployment(name: &str) -> Deployment {
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "app:1"}]},
            },
        },
    }))
    .unwrap()
}

#[tokio::test]
async fn a_second_applier_conflicts_until_it_forces() {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let config = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": value}});
    api.patch("a", &PatchParams::apply("alice"), &Patch::Apply(config("1"))).await.unwrap();
    let error = api.patch("a", &PatchParams::apply("bob"), &Patch::Apply(config("2"))).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("{error}") };
    assert_eq!(
        (status.code, status.message.as_str()),
        (409, r#"Apply failed with 1 conflict: conflict with "alice": .data.k"#),
    );
    let forced =
        api.patch("a", &PatchParams::apply("bob").force(), &Patch::Apply(config("2"))).await.unwrap();
    assert_eq!(forced.data.unwrap()["k"], "2");
}

#[tokio::test]
async fn built_in_objects_get_their_defaults_and_their_refusals() {
    let sandbox = Sandbox::start();
    let api: Api<Deployment> = Api::default_namespaced(client(&sandbox));
    let created = api.create(&PostParams::default(), &deployment("app")).await.unwrap();
    assert_eq!(created.spec.replicas, Some(1));
    let patch = json!({"spec": {"selector": {"matchLabels": {"app": "other"}}}});
    let error = api.patch("app", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("{error}") };
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    assert!(status.message.contains("field is immutable"), "{}", status.message);
}

#[tokio::test]
async fn a_watcher_sees_what_happens_and_starts_over_after_410() {
    let sandbox = Sandbox::builder().without_controllers().start();
    let client = client(&sandbox);
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let mut seen = std::pin::pin!(watcher(api.clone(), watcher::Config::default()).applied_objects());
    assert_eq!(seen.try_next().await.unwrap().unwrap().name_any(), "a");
    api.create(&PostParams::default(), &config_map("b", "1")).await.unwrap();
    assert_eq!(seen.try_next().await.unwrap().unwrap().name_any(), "b");
    // The watch breaks, and what it would go on from is gone.
    sandbox.drop_watches();
    api.create(&PostParams::default(), &config_map("c", "1")).await.unwrap();
    sandbox.compact(sandbox.revision());
    let mut names = Vec::new();
    while names.len() < 3 {
        // The error that tells of 410 comes first.
        if let Some(Ok(object)) = seen.next().await {
            names.push(object.name_any());
        }
    }
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn pages_are_one_snapshot() {
    let sandbox = Sandbox::builder().without_controllers().start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &config_map(name, "1")).await.unwrap();
    }
    let first = api.list(&ListParams::default().limit(1)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(2));
    api.delete("b", &DeleteParams::default()).await.unwrap();
    api.create(&PostParams::default(), &config_map("d", "1")).await.unwrap();
    let token = first.metadata.continue_.unwrap();
    let rest = api.list(&ListParams::default().continue_token(&token)).await.unwrap();
    let names: Vec<String> = rest.items.iter().map(kube::ResourceExt::name_any).collect();
    assert_eq!(names, ["b", "c"]);
}

#[tokio::test]
async fn kubeconfig_and_tls_reach_the_same_server() {
    gitops_testkit::install_crypto();
    let sandbox = Sandbox::start();
    let listener = sandbox.listen("127.0.0.1:0".parse().unwrap(), Security::Tls).await.unwrap();
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&listener.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default())
        .await
        .unwrap();
    let remote = Client::try_from(config).unwrap();
    let api: Api<Namespace> = Api::all(remote.clone());
    api.create(
        &PostParams::default(),
        &serde_json::from_value(json!({"metadata": {"name": "there"}})).unwrap(),
    )
    .await
    .unwrap();
    let api: Api<Namespace> = Api::all(client(&sandbox));
    assert_eq!(api.get("there").await.unwrap().name_any(), "there");
    assert_eq!(remote.apiserver_version().await.unwrap().git_version, "v1.35.4");
    let discovery = kube::Discovery::new(remote).run_aggregated().await.unwrap();
    assert!(discovery.has_group("apps"));
}

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_removed() {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let mut object = config_map("a", "1");
    object.metadata.finalizers = Some(vec!["example.com/f".to_owned()]);
    api.create(&PostParams::default(), &object).await.unwrap();
    api.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(api.get("a").await.unwrap().metadata.deletion_timestamp.is_some());
    let patch = json!([{"op": "remove", "path": "/metadata/finalizers"}]);
    let patch: Patch<()> = Patch::Json(serde_json::from_value(patch).unwrap());
    api.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert!(api.get_opt("a").await.unwrap().is_none());
}
