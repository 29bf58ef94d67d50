//! The API server goes away in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gitops_apply::{
    Action, Applier, ApplyOptions, ConfigMapInventory, FieldManager, InventoryStore, OwnerLabels, Progress,
    client_for,
};
use gitops_manifest::{Manifests, ParseOptions, parse_objects};
use gitops_testkit::{Cluster, require_own_cluster};

use crate::ground::OWNER;

fn set(namespace: &str, count: usize) -> Manifests {
    let yaml: String = (0..count)
        .map(|n| {
            format!(
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{n}, namespace: {namespace}}}\n"
            )
        })
        .collect();
    parse_objects("test.yaml", yaml.as_bytes(), &ParseOptions::default()).unwrap().into()
}

fn applier(cluster: &Cluster, namespace: &str, retries: u32) -> Applier {
    let mut options = ApplyOptions::default();
    options.concurrency = 2;
    options.calls.retries = retries;
    options.calls.deadline = Duration::from_secs(10);
    let client = client_for(cluster.config().unwrap()).unwrap();
    Applier::new(client, FieldManager::new("kustomize-controller"))
        .owner(OwnerLabels::new(OWNER, "app", namespace))
        .options(options)
        .inventory(ConfigMapInventory::new("app-inventory").in_namespace(namespace))
}

/// Stops the API server when the first object has been written, so the rest meets a dead one.
async fn interrupted(cluster: &Cluster, applier: Applier, manifests: &Manifests) -> (Vec<String>, bool) {
    let (told, mut first) = tokio::sync::mpsc::unbounded_channel();
    let once = Arc::new(AtomicBool::new(false));
    let applier = applier.on_progress(move |step| {
        if matches!(step, Progress::Applied { .. }) && !once.swap(true, Ordering::SeqCst) {
            let _ = told.send(());
        }
    });
    let plan = applier.plan(manifests).await.unwrap();
    let applying = applier.apply(plan).into_future();
    let killing = async {
        first.recv().await.unwrap();
        cluster.api_server().kill().unwrap();
    };
    let (result, ()) = tokio::join!(applying, killing);
    match result {
        Ok(report) => (report.changes.changes().iter().map(ToString::to_string).collect(), true),
        Err(error) => (error.to_string().lines().map(str::to_owned).collect(), false),
    }
}

#[tokio::test]
async fn an_apply_that_lost_its_server_is_finished_by_the_next() {
    let Some(cluster) = require_own_cluster(Cluster::builder()).await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let manifests = set(&namespace, 60);
    let (lines, finished) = interrupted(&cluster, applier(&cluster, &namespace, 0), &manifests).await;
    assert!(!finished, "the server was gone before the set was written");
    assert!(lines.iter().all(|line| line.contains("apply failed")), "{lines:?}");
    cluster.api_server().start().await.unwrap();
    let again = applier(&cluster, &namespace, 6);
    // Everything that may have been written is claimed, so nothing can be orphaned.
    let store = ConfigMapInventory::new("app-inventory").in_namespace(&namespace);
    let store = store.with_client(client_for(cluster.config().unwrap()).unwrap());
    assert_eq!(store.load().await.unwrap().len(), 60);
    let plan = again.plan(&manifests).await.unwrap();
    let report = again.apply(plan).await.unwrap();
    assert!(report.changes.count(Action::Unchanged) >= 1, "{}", report.changes);
    assert!(report.changes.count(Action::Created) >= 1, "{}", report.changes);
    assert_eq!(report.inventory.len(), 60);
}

#[tokio::test]
async fn an_apply_survives_a_restart_of_its_server() {
    let Some(cluster) = require_own_cluster(Cluster::builder()).await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let manifests = set(&namespace, 60);
    let applying = interrupted(&cluster, applier(&cluster, &namespace, 12), &manifests);
    let restarting = async {
        while cluster.api_server().is_running() {
            tokio::task::yield_now().await;
        }
        cluster.api_server().start().await.unwrap();
    };
    let ((lines, finished), ()) = tokio::join!(applying, restarting);
    assert!(finished, "{lines:?}");
    assert_eq!(lines.len(), 60);
}
