//! What Flux's form and its ignored fields leave in the cluster.

use gitops_apply::{ApplyOptions, IgnoreRule, Selector};
use serde_json::{Value, json};

use crate::ground::Ground;

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: $NS}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'example.org/web:1', ports: [{containerPort: 80}]}]}
";

impl Ground {
    async fn owned_fields(&self) -> Value {
        let live = self.api("apps/v1", "Deployment", "deployments").get("web").await.unwrap();
        let live = serde_json::to_value(live).unwrap();
        let entries = live["metadata"]["managedFields"].as_array().unwrap();
        let own = entries.iter().find(|entry| entry["manager"] == "kustomize-controller").unwrap();
        own["fieldsV1"]["f:spec"].clone()
    }
}

#[tokio::test]
async fn flux_s_form_owns_the_empty_structs_of_go_s_types() {
    let Some(ground) = Ground::new().await else { return };
    let flux = ground.applier_with(ApplyOptions::flux());
    ground.apply_by(&flux, DEPLOYMENT).await.unwrap();
    let owned = ground.owned_fields().await;
    assert_eq!(owned["f:strategy"], json!({}));
    let container = r#"k:{"name":"web"}"#;
    let container = &owned["f:template"]["f:spec"]["f:containers"][container];
    assert_eq!(container["f:resources"], json!({}));
    assert!(container["f:ports"][r#"k:{"containerPort":80,"protocol":"TCP"}"#].is_object(), "{container}");
    let (again, writes) = ground.writes(ground.apply_by(&flux, DEPLOYMENT)).await;
    assert_eq!((again.unwrap().changes.only_changed().len(), writes.len()), (0, 0));
}

#[tokio::test]
async fn an_object_as_written_owns_what_is_written() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(DEPLOYMENT).await.unwrap();
    let owned = ground.owned_fields().await;
    assert_eq!(owned.get("f:strategy"), None);
}

#[tokio::test]
async fn an_ignored_field_is_left_to_others() {
    let Some(ground) = Ground::new().await else { return };
    let mut told = ApplyOptions::flux();
    let selector = Selector { kind: "ConfigMap".to_owned(), ..Selector::default() };
    told.ignore = vec![IgnoreRule { paths: vec!["/data/theirs".to_owned()], selector: Some(selector) }];
    let applier = ground.applier_with(told);
    let yaml = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {theirs: '1', ours: '1'}}";
    ground.apply_by(&applier, yaml).await.unwrap();
    ground.meddle("a", json!({"data": {"theirs": "9"}})).await;
    let (report, writes) = ground.writes(ground.apply_by(&applier, yaml)).await;
    assert_eq!((report.unwrap().changes.only_changed().len(), writes.len()), (0, 0));
    ground.apply_by(&applier, &yaml.replace("ours: '1'", "ours: '2'")).await.unwrap();
    assert_eq!(ground.config_map("a").await.unwrap()["data"], json!({"theirs": "9", "ours": "2"}));
}
