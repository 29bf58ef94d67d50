//! Deleting what left the set, and nothing else.

use gitops_apply::{Action, ApplyError, ApplyOptions, InventoryStore, PruneOrder, Spared};
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::ground::{Ground, OWNER};

const BOTH: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b, namespace: $NS}
";
const ONE: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS}
";

#[tokio::test]
async fn what_leaves_the_set_is_deleted() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(BOTH).await.unwrap();
    let report = ground.apply(ONE).await.unwrap();
    assert_eq!(report.pruned.changes.to_string(), format!("ConfigMap/{}/b deleted", ground.namespace));
    assert!(ground.exists("a").await && !ground.exists("b").await);
    assert_eq!(ground.inventory().load().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_object_of_another_owner_stays() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(BOTH).await.unwrap();
    ground.meddle("b", json!({"metadata": {"labels": {format!("{OWNER}/name"): "somebody-else"}}})).await;
    let report = ground.apply(ONE).await.unwrap();
    assert_eq!(report.pruned.changes.to_string(), format!("ConfigMap/{}/b skipped", ground.namespace));
    assert_eq!(report.pruned.spared[0].1, Spared::OtherOwner);
    assert!(ground.exists("b").await);
    assert_eq!(ground.inventory().load().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_object_of_the_same_name_stays() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(BOTH).await.unwrap();
    let live = ground.config_maps().get("b").await.unwrap();
    ground.config_maps().delete("b", &DeleteParams::default()).await.unwrap();
    let mut again = live.clone();
    (again.metadata.uid, again.metadata.resource_version, again.metadata.managed_fields) = (None, None, None);
    ground.config_maps().create(&PostParams::default(), &again).await.unwrap();
    let report = ground.apply(ONE).await.unwrap();
    assert_eq!(report.pruned.spared[0].1, Spared::Replaced);
    assert!(ground.exists("b").await);
}

#[tokio::test]
async fn what_has_gone_counts_as_deleted() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(BOTH).await.unwrap();
    ground.config_maps().delete("b", &DeleteParams::default()).await.unwrap();
    let report = ground.apply(ONE).await.unwrap();
    assert_eq!(report.pruned.changes.count(Action::Deleted), 1);
}

#[tokio::test]
async fn switches_protect_what_left_the_set() {
    let Some(ground) = Ground::new().await else { return };
    for (number, switch) in ["prune: disabled", "reconcile: Disabled", "ssa: ignore"].into_iter().enumerate()
    {
        let name = format!("kept{number}");
        let (key, value) = switch.split_once(": ").unwrap();
        let extra =
            format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: $NS}}\n");
        ground.apply(&format!("{ONE}{extra}")).await.unwrap();
        ground.meddle(&name, json!({"metadata": {"annotations": {format!("{OWNER}/{key}"): value}}})).await;
        let report = ground.apply(ONE).await.unwrap();
        assert_eq!(report.pruned.spared[0].1, Spared::Switch, "{switch}");
        assert!(ground.exists(&name).await, "{switch}");
    }
}

#[tokio::test]
async fn a_refused_deletion_stays_in_the_inventory_until_it_succeeds() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(BOTH).await.unwrap();
    let guest = gitops_apply::client_for(ground.cluster.config_as("guest").unwrap()).unwrap();
    let stale = ground.inventory().load().await.unwrap().iter().collect::<Vec<_>>();
    let refused = gitops_apply::Applier::new(guest, gitops_apply::FieldManager::new("kustomize-controller"))
        .owner(gitops_apply::OwnerLabels::new(OWNER, "app", &ground.namespace))
        .prune(&stale)
        .await;
    assert_eq!((refused.failures.len(), refused.changes.count(Action::Unknown)), (2, 2));
    assert_eq!(refused.survivors().count(), 2);
    assert!(refused.failures[0].to_string().contains("delete failed"), "{}", refused.failures[0]);
    assert!(ground.exists("b").await);
    let deleted = ground.applier().prune(&stale).await;
    let left =
        ground.applier().wait_for_termination(&deleted.deleted(), std::time::Duration::from_secs(20)).await;
    assert_eq!(left.unwrap(), []);
    assert!(!ground.exists("b").await);
}

#[tokio::test]
async fn an_empty_set_must_be_asked_for() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(BOTH).await.unwrap();
    let careful = ground.applier_with(ApplyOptions::default());
    let error = ground.apply_by(&careful, "").await.unwrap_err();
    assert!(matches!(error, ApplyError::EmptySet { inventoried: 2 }), "{error}");
    assert!(ground.exists("a").await);
    let report = ground.apply("").await.unwrap();
    let ns = &ground.namespace;
    assert_eq!(report.to_string(), format!("ConfigMap/{ns}/b deleted\nConfigMap/{ns}/a deleted"));
}

#[tokio::test]
async fn without_pruning_objects_stay_and_leave_the_inventory() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(BOTH).await.unwrap();
    let applier = ground.applier();
    let plan = applier.plan(&ground.manifests(ONE)).await.unwrap();
    applier.apply(plan).prune(PruneOrder::Never).await.unwrap();
    assert!(ground.exists("b").await);
    assert_eq!(ground.inventory().load().await.unwrap().len(), 1);
}

#[tokio::test]
async fn namespaces_go_after_what_is_in_them() {
    let Some(ground) = Ground::new().await else { return };
    let yaml = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS-x}
---
apiVersion: v1
kind: Namespace
metadata: {name: $NS-x}
";
    let report = ground.apply(yaml).await.unwrap();
    let ns = &ground.namespace;
    assert_eq!(report.changes.to_string(), format!("Namespace/{ns}-x created\nConfigMap/{ns}-x/a created"));
    let report = ground.apply("").await.unwrap();
    assert_eq!(
        report.pruned.changes.to_string(),
        format!("ConfigMap/{ns}-x/a deleted\nNamespace/{ns}-x deleted")
    );
    let left = ground
        .applier()
        .wait_for_termination(&report.pruned.deleted(), std::time::Duration::from_secs(30))
        .await;
    assert_eq!(left.unwrap(), []);
}
