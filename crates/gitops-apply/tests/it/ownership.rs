//! Field managers, switches, force.

use gitops_apply::{ApplyError, ApplyOptions};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::ground::{Ground, OWNER, options};

const MAP: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS}
data: {k: new}
";

impl Ground {
    /// Makes a ConfigMap as a client that does not apply, with kubectl's annotation.
    async fn create_as(&self, manager: &str) {
        let object = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
            "data": {"k": "old", "extra": "x"},
        }))
        .unwrap();
        let params = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
        self.config_maps().create(&params, &object).await.unwrap();
    }

    async fn managers(&self, name: &str) -> Vec<String> {
        let object = self.config_map(name).await.unwrap();
        let entries = object["metadata"]["managedFields"].as_array().unwrap().clone();
        entries
            .iter()
            .map(|entry| {
                format!("{} {}", entry["manager"].as_str().unwrap(), entry["operation"].as_str().unwrap())
            })
            .collect()
    }

    async fn data(&self, name: &str) -> Value {
        self.config_map(name).await.unwrap()["data"].clone()
    }
}

#[tokio::test]
async fn an_object_of_kubectl_is_taken_over() {
    let Some(ground) = Ground::new().await else { return };
    ground.create_as("kubectl-client-side-apply").await;
    let report = ground.apply(MAP).await.unwrap();
    assert_eq!(report.changes.to_string(), format!("ConfigMap/{}/a configured", ground.namespace));
    assert_eq!(ground.data("a").await, json!({"k": "new"}));
    assert_eq!(ground.managers("a").await, ["kustomize-controller Apply"]);
    let annotations = ground.config_map("a").await.unwrap()["metadata"]["annotations"].clone();
    assert_eq!(annotations, Value::Null);
}

#[tokio::test]
async fn a_plan_takes_nothing_over() {
    let Some(ground) = Ground::new().await else { return };
    ground.create_as("kubectl-client-side-apply").await;
    let applier = ground.applier();
    let manifests = ground.manifests(MAP);
    let (_, writes) = ground.writes(applier.plan(&manifests)).await;
    assert_eq!(writes, Vec::<String>::new());
    assert_eq!(ground.managers("a").await, ["kubectl-client-side-apply Update"]);
}

#[tokio::test]
async fn fields_of_other_managers_stay() {
    let Some(ground) = Ground::new().await else { return };
    ground.create_as("helm").await;
    ground.apply(MAP).await.unwrap();
    assert_eq!(ground.data("a").await, json!({"k": "new", "extra": "x"}));
}

#[tokio::test]
async fn merge_keeps_what_kubectl_added() {
    let Some(ground) = Ground::new().await else { return };
    ground.create_as("kubectl-client-side-apply").await;
    let merged =
        MAP.replace("namespace: $NS", &format!("namespace: $NS, annotations: {{{OWNER}/ssa: merge}}"));
    ground.apply(&merged).await.unwrap();
    assert_eq!(ground.data("a").await, json!({"k": "new", "extra": "x"}));
    let mut managers = ground.managers("a").await;
    managers.sort();
    assert_eq!(managers, ["kubectl-client-side-apply Update", "kustomize-controller Apply"]);
}

#[tokio::test]
async fn further_managers_are_taken_over_when_told() {
    let Some(ground) = Ground::new().await else { return };
    ground.create_as("terraform-provider").await;
    let mut told: ApplyOptions = options();
    told.take_over = vec!["terraform".to_owned()];
    ground.apply_by(&ground.applier_with(told), MAP).await.unwrap();
    assert_eq!(ground.data("a").await, json!({"k": "new"}));
}

#[tokio::test]
async fn switches_leave_objects_alone_and_keep_them_in_the_inventory() {
    let Some(ground) = Ground::new().await else { return };
    ground.create_as("somebody").await;
    for switch in ["ssa: Ignore", "ssa: IfNotPresent", "reconcile: disabled"] {
        let yaml = MAP.replace("namespace: $NS", &format!("namespace: $NS, labels: {{{OWNER}/{switch}}}"));
        let report = ground.apply(&yaml).await.unwrap();
        assert_eq!(
            report.changes.to_string(),
            format!("ConfigMap/{}/a skipped", ground.namespace),
            "{switch}"
        );
        assert_eq!(report.inventory.len(), 1, "{switch}");
        assert_eq!(ground.data("a").await["k"], "old", "{switch}");
    }
}

const FIXED: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS}
immutable: true
data: {k: '1'}
";

#[tokio::test]
async fn an_immutable_change_is_refused_without_force() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(FIXED).await.unwrap();
    let error = ground.apply(&FIXED.replace("'1'", "'2'")).await.unwrap_err();
    let want = format!(
        "ConfigMap/{}/a dry-run failed (Invalid): ConfigMap \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
        ground.namespace
    );
    assert_eq!(error.to_string(), want);
    assert_eq!(ground.data("a").await, json!({"k": "1"}));
}

#[tokio::test]
async fn force_makes_an_immutable_object_again() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(FIXED).await.unwrap();
    let before = ground.config_map("a").await.unwrap()["metadata"]["uid"].clone();
    let mut told = options();
    told.force = true;
    let report = ground.apply_by(&ground.applier_with(told), &FIXED.replace("'1'", "'2'")).await.unwrap();
    assert_eq!(report.changes.to_string(), format!("ConfigMap/{}/a created", ground.namespace));
    let after = ground.config_map("a").await.unwrap();
    assert_eq!(after["data"], json!({"k": "2"}));
    assert_ne!(after["metadata"]["uid"], before);
    assert_eq!(report.inventory.iter().next().unwrap().uid.as_deref(), after["metadata"]["uid"].as_str());
}

#[tokio::test]
async fn force_on_the_object_is_enough() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(FIXED).await.unwrap();
    let forced =
        FIXED.replace("namespace: $NS", &format!("namespace: $NS, annotations: {{{OWNER}/force: enabled}}"));
    ground.apply(&forced.replace("'1'", "'2'")).await.unwrap();
    assert_eq!(ground.data("a").await, json!({"k": "2"}));
}

#[tokio::test]
async fn force_deletes_nothing_that_merely_became_invalid() {
    let Some(ground) = Ground::new().await else { return };
    let service = "
apiVersion: v1
kind: Service
metadata: {name: s, namespace: $NS}
spec: {clusterIP: None, selector: {a: b}, ports: [{port: 80}]}
";
    let mut told = options();
    told.force = true;
    let applier = ground.applier_with(told);
    ground.apply_by(&applier, service).await.unwrap();
    let (error, writes) = ground.writes(ground.apply_by(&applier, &service.replace("80", "70000"))).await;
    assert!(matches!(error, Err(ApplyError::DryRun { .. })));
    assert_eq!(writes, Vec::<String>::new());
    ground.api("v1", "Service", "services").get("s").await.unwrap();
}

#[tokio::test]
async fn a_conflict_with_another_applier_is_won_for_our_fields_only() {
    let Some(ground) = Ground::new().await else { return };
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "theirs", "own": "theirs"}});
    ground.config_maps().patch("a", &PatchParams::apply("e2e"), &Patch::Apply(theirs)).await.unwrap();
    ground.apply(MAP).await.unwrap();
    assert_eq!(ground.data("a").await, json!({"k": "new", "own": "theirs"}));
}
