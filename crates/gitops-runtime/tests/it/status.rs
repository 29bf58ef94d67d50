//! A status is written when it changed, and never onto another object of the same name.

use std::sync::Arc;

use gitops_runtime::status::StatusWriter;
use gitops_testkit::require_bare_cluster;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimStatus};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

#[tokio::test]
async fn an_equal_status_is_not_written_and_a_namesake_is_refused() {
    let Some(cluster) = require_bare_cluster().await else { return };
    let (client, namespace) = (cluster.client().unwrap(), cluster.namespace().await.unwrap());
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &namespace);
    let claim: PersistentVolumeClaim = serde_json::from_value(json!({
        "metadata": {"name": "a"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }))
    .unwrap();
    let first = api.create(&PostParams::default(), &claim).await.unwrap();
    let before = first.status.clone().unwrap();
    let writer = StatusWriter::new(client, "test");
    assert!(writer.write(&first, &before, &before).await.unwrap().is_none());

    let after = PersistentVolumeClaimStatus { phase: Some("Bound".to_owned()), ..before.clone() };
    let written = writer.write(&first, &before, &after).await.unwrap().unwrap();
    assert_eq!(written.status.as_ref().unwrap().phase.as_deref(), Some("Bound"));
    let freshest = writer.freshest(Arc::new(first.clone()));
    assert_eq!(freshest.resource_version(), written.resource_version());

    // No controller holds the claim back here but its own finalizer.
    api.patch("a", &Default::default(), &kube::api::Patch::Merge(json!({"metadata": {"finalizers": null}})))
        .await
        .unwrap();
    api.delete("a", &DeleteParams::default()).await.unwrap();
    api.create(&PostParams::default(), &claim).await.unwrap();
    match writer.write(&first, &before, &after).await.unwrap_err() {
        kube::Error::Api(status) => assert!(status.message.contains("uid"), "{status:?}"),
        other => panic!("{other:?}"),
    }
}
