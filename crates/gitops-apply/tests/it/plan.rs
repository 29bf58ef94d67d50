//! Plans: what they show, and that they write nothing.

use gitops_apply::{ApplyError, Intent};
use serde_json::json;

use crate::ground::Ground;

const TWO: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS}
data: {k: '1'}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: $NS}
stringData: {password: hunter2}
";

#[tokio::test]
async fn a_plan_writes_nothing() {
    let Some(ground) = Ground::new().await else { return };
    let applier = ground.applier();
    let manifests = ground.manifests(TWO);
    let (plan, writes) = ground.writes(applier.plan(&manifests)).await;
    assert_eq!(writes, Vec::<String>::new());
    let plan = plan.unwrap();
    assert!(plan.objects.iter().all(|object| object.intent == Intent::Create));
    assert!(!ground.exists("a").await);
}

#[tokio::test]
async fn an_unchanged_set_makes_no_write() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(TWO).await.unwrap();
    let (report, writes) = ground.writes(ground.apply(TWO)).await;
    assert_eq!(writes, Vec::<String>::new());
    let ns = &ground.namespace;
    assert_eq!(
        report.unwrap().changes.to_string(),
        format!("ConfigMap/{ns}/a unchanged\nSecret/{ns}/s unchanged")
    );
}

#[tokio::test]
async fn a_plan_shows_what_changes_and_no_secret() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(TWO).await.unwrap();
    let changed = TWO.replace("k: '1'", "k: '2'").replace("hunter2", "correct-horse");
    let plan = ground.applier().plan(&ground.manifests(&changed)).await.unwrap();
    let ns = &ground.namespace;
    let want = format!(
        "plan: 2 to configure\nstage workloads:\n  ~ ConfigMap/{ns}/a\n      ~ /data/k: \"1\" -> \"2\"\n  \
         ~ Secret/{ns}/s\n      ~ /data/password: \"*** (before)\" -> \"*** (after)\""
    );
    assert_eq!(plan.to_string(), want);
    let all = format!("{plan:#}{plan:?}{}", serde_json::to_string(&plan).unwrap());
    for secret in ["hunter2", "correct-horse", "aHVudGVyMg==", "Y29ycmVjdC1ob3JzZQ=="] {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }
}

#[tokio::test]
async fn a_plan_says_what_left_the_set() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(TWO).await.unwrap();
    let plan = ground.applier().plan(&ground.manifests(TWO.split("---").next().unwrap())).await.unwrap();
    assert!(!plan.is_unchanged());
    let ns = &ground.namespace;
    assert_eq!(plan.to_string(), format!("plan: 1 to delete, 1 unchanged\nleft the set:\n  - Secret/{ns}/s"));
}

#[tokio::test]
async fn drift_made_by_hand_is_seen_and_corrected() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(TWO).await.unwrap();
    ground.meddle("a", json!({"data": {"k": "theirs"}})).await;
    let report = ground.apply(TWO).await.unwrap();
    assert_eq!(
        report.changes.only_changed().to_string(),
        format!("ConfigMap/{}/a configured", ground.namespace)
    );
    assert_eq!(ground.config_map("a").await.unwrap()["data"]["k"], "1");
}

#[tokio::test]
async fn a_field_that_others_added_is_no_drift() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(TWO).await.unwrap();
    ground.meddle("a", json!({"data": {"own": "theirs"}, "metadata": {"labels": {"own": "theirs"}}})).await;
    let (report, writes) = ground.writes(ground.apply(TWO)).await;
    assert_eq!((report.unwrap().changes.only_changed().len(), writes.len()), (0, 0));
    assert_eq!(ground.config_map("a").await.unwrap()["data"]["own"], "theirs");
}

#[tokio::test]
async fn a_field_that_leaves_the_set_leaves_the_object() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(&TWO.replace("k: '1'", "k: '1', gone: x")).await.unwrap();
    ground.apply(TWO).await.unwrap();
    assert_eq!(ground.config_map("a").await.unwrap()["data"], json!({"k": "1"}));
}

#[tokio::test]
async fn an_object_that_is_twice_in_the_set_is_refused() {
    let Some(ground) = Ground::new().await else { return };
    let yaml =
        format!("{TWO}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: $NS}}\n");
    let error = ground.apply(&yaml).await.unwrap_err();
    assert!(matches!(error, ApplyError::Duplicate { .. }), "{error}");
    assert!(error.to_string().contains("a is in the set twice (test.yaml:2, test.yaml:"), "{error}");
    assert!(!ground.exists("a").await);
}

#[tokio::test]
async fn an_object_costs_one_dry_run() {
    let Some(ground) = Ground::new().await else { return };
    let yaml: String = (0..10)
        .map(|n| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{n}, namespace: $NS}}\n"))
        .collect();
    let applier = ground.applier();
    ground.apply_by(&applier, &yaml).await.unwrap();
    let (report, requests) = ground.requests(ground.apply_by(&applier, &yaml)).await;
    assert_eq!(report.unwrap().changes.len(), 10);
    // A dry run for each object, one list of them, and the inventory.
    let ours = |entry: &&gitops_testkit::AuditEntry| entry.user.username.starts_with("admin");
    assert_eq!(requests.iter().filter(ours).filter(|entry| entry.is_dry_run()).count(), 10);
    assert_eq!(requests.iter().filter(ours).count(), 12);
}
