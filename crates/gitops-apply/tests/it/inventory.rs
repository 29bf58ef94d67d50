//! The inventory is ahead of the cluster, never behind.

use futures::FutureExt;
use futures::future::BoxFuture;
use gitops_apply::{ApplyError, ConfigMapInventory, Inventory, InventoryError, InventoryStore};
use serde_json::json;

use crate::ground::Ground;

const SET: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS}
";

#[tokio::test]
async fn a_claim_is_durable_before_anything_is_written() {
    let Some(ground) = Ground::new().await else { return };
    let applier = ground.applier();
    let plan = applier.plan(&ground.manifests(SET)).await.unwrap();
    applier.claim(&plan).await.unwrap();
    assert!(!ground.exists("a").await);
    let kept = ground.inventory().load().await.unwrap();
    assert_eq!(
        kept.iter().map(|entry| entry.id.to_string()).collect::<Vec<_>>(),
        [format!("{}_a__ConfigMap", ground.namespace)]
    );
    assert!(kept.iter().all(|entry| entry.uid.is_none()));
}

#[tokio::test]
async fn a_crash_between_write_and_commit_leaves_no_orphan() {
    let Some(ground) = Ground::new().await else { return };
    let applier = ground.applier();
    let plan = applier.plan(&ground.manifests(SET)).await.unwrap();
    applier.claim(&plan).await.unwrap();
    applier.execute(&plan).await.unwrap();
    assert!(ground.exists("a").await);
    // No commit: the process died here. Meanwhile the object left the repository.
    ground.apply("").await.unwrap();
    assert!(!ground.exists("a").await);
}

#[tokio::test]
async fn the_committed_inventory_holds_the_uids() {
    let Some(ground) = Ground::new().await else { return };
    let report = ground.apply(SET).await.unwrap();
    let live = ground.config_map("a").await.unwrap();
    let kept = ground.inventory().load().await.unwrap();
    assert_eq!(kept, report.inventory);
    assert_eq!(kept.iter().next().unwrap().uid.as_deref(), live["metadata"]["uid"].as_str());
}

#[tokio::test]
async fn a_damaged_inventory_is_never_read_as_empty() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(SET).await.unwrap();
    for damaged in [json!({"inventory": "[{"}), json!({"inventory": null, "other": "x"})] {
        ground.meddle("app-inventory", json!({"data": damaged})).await;
        let (error, writes) = ground.writes(ground.apply("")).await;
        let error = error.unwrap_err();
        let is_damaged =
            matches!(&error, ApplyError::Inventory { source: InventoryError::Damaged { .. }, .. });
        assert!(is_damaged, "{error}");
        assert_eq!(writes, Vec::<String>::new());
        assert!(ground.exists("a").await);
    }
}

struct Refusing;

impl InventoryStore for Refusing {
    fn load(&self) -> BoxFuture<'_, Result<Inventory, InventoryError>> {
        async { Ok(Inventory::new()) }.boxed()
    }

    fn claim<'a>(&'a self, _: &'a Inventory) -> BoxFuture<'a, Result<(), InventoryError>> {
        async { Err(InventoryError::Contended { store: "test".to_owned() }) }.boxed()
    }

    fn commit<'a>(&'a self, inventory: &'a Inventory) -> BoxFuture<'a, Result<(), InventoryError>> {
        self.claim(inventory)
    }
}

#[tokio::test]
async fn without_a_claim_nothing_is_written() {
    let Some(ground) = Ground::new().await else { return };
    let applier = ground.applier().inventory(Refusing);
    let (result, writes) = ground.writes(ground.apply_by(&applier, SET)).await;
    assert!(matches!(result, Err(ApplyError::Inventory { .. })));
    assert_eq!(writes, Vec::<String>::new());
    assert!(!ground.exists("a").await);
}

#[tokio::test]
async fn an_inventory_borrows_the_applier_s_client() {
    let Some(ground) = Ground::new().await else { return };
    let store = ConfigMapInventory::new("lent").in_namespace(&ground.namespace);
    assert!(store.load().await.unwrap_err().to_string().contains("is not accessible"));
    ground.apply_by(&ground.applier().inventory(store), SET).await.unwrap();
    assert!(ground.exists("lent").await);
}
