//! A shared watch tells each change once, also across a lost connection.

use std::sync::Arc;

use futures::StreamExt;
use gitops_runtime::informer::Informer;
use gitops_testkit::require_bare_cluster;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher;
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn each_change_is_told_once_with_what_was_before() {
    let Some(cluster) = require_bare_cluster().await else { return };
    let (client, namespace) = (cluster.client().unwrap(), cluster.namespace().await.unwrap());
    let api: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let informer: Arc<Informer<ConfigMap>> = Arc::default();
    let mut changes = Box::pin(informer.subscribe());
    let stop = CancellationToken::new();
    let watching = tokio::spawn({
        let (informer, api, stop) = (informer.clone(), api.clone(), stop.clone());
        async move { informer.run(api, watcher::Config::default(), stop).await }
    });

    let mut object = ConfigMap::default();
    object.metadata.name = Some("a".to_owned());
    api.create(&PostParams::default(), &object).await.unwrap();
    let created = changes.next().await.unwrap();
    assert!(created.before.is_none());
    assert!(created.after.unwrap().managed_fields().is_empty());

    let patch = Patch::Merge(json!({"data": {"k": "1"}}));
    api.patch("a", &PatchParams::default(), &patch).await.unwrap();
    let changed = changes.next().await.unwrap();
    assert!(changed.before.unwrap().data.is_none());
    assert_eq!(changed.after.unwrap().data.as_ref().unwrap()["k"], "1");
    assert_eq!(informer.get(&namespace, "a").unwrap().data.as_ref().unwrap()["k"], "1");

    api.delete("a", &DeleteParams::default()).await.unwrap();
    let deleted = changes.next().await.unwrap();
    assert!(deleted.before.is_some() && deleted.after.is_none());
    stop.cancel();
    watching.await.unwrap();
}
