//! The API server goes away in the middle; everything is finished when it is back.

use gitops_api::kustomize_v1::Kustomization;
use gitops_testkit::{Cluster, require_own_cluster};

use crate::rig::Rig;

#[tokio::test]
async fn an_api_server_that_restarts_loses_nothing() {
    // A cluster of its own: others must not feel the outage.
    let Some(cluster) = require_own_cluster(Cluster::builder().with_controllers()).await else { return };
    let Some(rig) = Rig::on(cluster).await else { return };
    rig.push_first(&[("a.yaml", &rig.config_map("a", "1"))]);
    rig.apply_both().await;
    rig.until_applied().await;

    let many: Vec<(String, String)> =
        (0..40).map(|n| (format!("m{n}.yaml"), rig.config_map(&format!("m{n}"), "1"))).collect();
    let files: Vec<(&str, Option<&str>)> = many.iter().map(|(p, c)| (p.as_str(), Some(c.as_str()))).collect();
    rig.push(&files).await;
    rig.until("app", "claimed", |k: &Kustomization| {
        k.status.as_ref().and_then(|s| s.inventory.as_ref()).is_some_and(|i| i.entries.len() == 41)
    })
    .await;
    rig.cluster.api_server().restart().await.unwrap();
    rig.until_applied().await;
    for n in 0..40 {
        assert_eq!(rig.config_map_value(&format!("m{n}")).await.as_deref(), Some("1"));
    }
}
