//! A commit becomes cluster state, and what depends on it follows at once.

use gitops_api::kustomize_v1::Kustomization;
use serde_json::json;

use crate::rig::{Conditioned, Rig};

#[tokio::test]
async fn a_commit_is_applied_changed_and_pruned() {
    let Some(rig) = Rig::start().await else { return };
    rig.push_first(&[("a.yaml", &rig.config_map("a", "1")), ("b.yaml", &rig.config_map("b", "1"))]);
    rig.apply_both().await;
    rig.until_applied().await;
    assert_eq!(rig.config_map_value("a").await.as_deref(), Some("1"));

    let changed = rig.config_map("a", "2");
    rig.push(&[("a.yaml", Some(&changed)), ("b.yaml", None)]).await;
    rig.until_applied().await;
    assert_eq!(rig.config_map_value("a").await.as_deref(), Some("2"));
    assert_eq!(rig.config_map_value("b").await, None);
}

#[tokio::test]
async fn an_unchanged_set_is_not_written_again() {
    let Some(rig) = Rig::start().await else { return };
    rig.push_first(&[("a.yaml", &rig.config_map("a", "1"))]);
    rig.apply_both().await;
    rig.until_applied().await;

    let mark = rig.cluster.audit_mark().await.unwrap();
    rig.request::<Kustomization>("app").await;
    rig.until("app", "handled", |k: &Kustomization| {
        let asked =
            k.metadata.annotations.as_ref().and_then(|a| a.get(gitops_api::annotations::REQUESTED_AT));
        k.status.as_ref().and_then(|s| s.last_handled_reconcile_at.as_ref()) == asked
    })
    .await;
    let writes = rig.cluster.audit_since(mark).await.unwrap();
    let of_maps = writes.iter().filter(|e| e.is_write() && !e.is_dry_run() && e.is_in(&rig.namespace));
    let of_maps = of_maps.filter(|e| e.request_uri.contains("/configmaps/"));
    assert_eq!(of_maps.count(), 0);
}

#[tokio::test]
async fn a_dependant_wakes_when_its_dependency_becomes_ready() {
    let Some(rig) = Rig::start().await else { return };
    rig.push_first(&[("two/b.yaml", &rig.config_map("b", "1"))]);
    rig.apply_both().await;
    // `one` has no folder yet, so `two` waits; the look-again interval of the rig is ten minutes.
    rig.apply::<Kustomization>("one", rig.kustomization(json!({"path": "./one"}))).await;
    let depends = json!({"path": "./two", "dependsOn": [{"name": "one"}]});
    rig.apply::<Kustomization>("two", rig.kustomization(depends)).await;
    rig.until("two", "waiting", |k: &Kustomization| {
        k.ready().is_some_and(|c| c.reason == "DependencyNotReady")
    })
    .await;
    let first = rig.config_map("a", "1");
    rig.push(&[("one/a.yaml", Some(&first))]).await;
    rig.until("two", "ready", |k: &Kustomization| k.ready().is_some_and(|c| c.status == "True")).await;
}
