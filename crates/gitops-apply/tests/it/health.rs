//! Waiting for health.

use std::time::Duration;

use futures::StreamExt;
use gitops_api::ObjectId;
use gitops_apply::{ApplyError, HealthOptions, HealthOutcome, Progress, Update};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::stages::gadget;

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: $NS}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: example.org/web}]}
";

impl Ground {
    fn id(&self, name: &str, group: &str, kind: &str) -> ObjectId {
        ObjectId::new(Some(&self.namespace), name, group, kind)
    }

    fn gadget_id(&self) -> ObjectId {
        self.id("g", &format!("{}.example.org", self.namespace), "Gadget")
    }

    async fn set_gadget_status(&self, status: Value) {
        let api = self.api(&format!("{}.example.org/v1", self.namespace), "Gadget", "gadgets");
        api.patch_status("g", &PatchParams::default(), &Patch::Merge(json!({"status": status})))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_deployment_is_waited_for() {
    let Some(ground) = Ground::new().await else { return };
    let _pods = ground.cluster.simulate_pods(&ground.namespace);
    let applier = ground.applier();
    let plan = applier.plan(&ground.manifests(DEPLOYMENT)).await.unwrap();
    let report = applier.apply(plan).wait(Duration::from_secs(60)).await.unwrap();
    let health = report.health.unwrap();
    assert!(health.is_healthy(), "{health}");
    assert_eq!(
        health.objects[0].assessment.as_ref().unwrap().message,
        "Deployment is available. Replicas: 1"
    );
}

#[tokio::test]
async fn what_does_not_become_healthy_in_time_is_named() {
    let Some(ground) = Ground::new().await else { return };
    let applier = ground.applier();
    let yaml =
        format!("{DEPLOYMENT}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: $NS}}\n");
    let plan = applier.plan(&ground.manifests(&yaml)).await.unwrap();
    let error = applier.apply(plan).wait(Duration::from_secs(2)).await.unwrap_err();
    let want = format!("timeout waiting for: [Deployment/{}/web status: 'InProgress']", ground.namespace);
    assert_eq!(error.to_string(), want);
    assert_eq!(error.changes().unwrap().len(), 2);
}

#[tokio::test]
async fn an_absent_object_is_named() {
    let Some(ground) = Ground::new().await else { return };
    let ids = [ground.id("nope", "apps", "Deployment"), ground.id("nope", "nobody.example.org", "Mystery")];
    let health = ground.applier().health(&ids, HealthOptions::new(Duration::from_secs(1))).await.unwrap();
    let ns = &ground.namespace;
    let want = format!(
        "timeout waiting for: [Deployment/{ns}/nope status: 'NotFound', Mystery/{ns}/nope status: 'NotFound']"
    );
    assert_eq!(health.to_string(), want);
}

#[tokio::test]
async fn a_failed_object_ends_the_wait_and_a_change_of_status_is_seen() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(&gadget(&ground, "{size: 1}")).await.unwrap();
    let conditions = |status: &str, kind: &str| json!({"conditions": [{"type": kind, "status": status, "reason": "r", "message": "m"}]});
    ground.set_gadget_status(conditions("False", "Ready")).await;
    let applier = ground.applier();
    let ids = [ground.gadget_id()];
    let waiting = applier.health(&ids, HealthOptions::new(Duration::from_secs(60)));
    let failing = async {
        // Whenever it is written, the watch shows it: no order is needed between the two.
        ground.set_gadget_status(conditions("True", "Stalled")).await;
    };
    let (health, ()) = tokio::join!(waiting, failing);
    let health = health.unwrap();
    assert_eq!(health.outcome, HealthOutcome::FailedEarly);
    let want =
        format!("failed early due to stalled resources: [Gadget/{}/g status: 'Failed']", ground.namespace);
    assert_eq!(health.to_string(), want);
    let patient = HealthOptions::new(Duration::from_secs(60)).without_fail_fast();
    let (health, ()) =
        tokio::join!(applier.health(&ids, patient), ground.set_gadget_status(json!({"conditions": []})));
    assert!(health.unwrap().is_healthy());
    ground.apply("").await.unwrap();
}

#[tokio::test]
async fn a_wait_can_be_broken_off() {
    let Some(ground) = Ground::new().await else { return };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let options = HealthOptions::new(Duration::from_secs(600)).interrupted_by(async move {
        let _ = stopped.await;
    });
    let ids = [ground.id("nope", "apps", "Deployment")];
    let applier = ground.applier();
    let (health, ()) = tokio::join!(applier.health(&ids, options), async move { stop.send(()).unwrap() });
    assert_eq!(health.unwrap().outcome, HealthOutcome::Interrupted);
}

#[tokio::test]
async fn who_may_not_watch_may_still_wait() {
    let Some(ground) = Ground::new().await else { return };
    let rights = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: $NS}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: $NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: guest}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS}
";
    ground.apply(rights).await.unwrap();
    let guest = gitops_apply::client_for(ground.cluster.config_as("guest").unwrap()).unwrap();
    let applier = gitops_apply::Applier::new(guest, gitops_apply::FieldManager::new("guest"));
    let health =
        applier.health(&[ground.id("a", "", "ConfigMap")], HealthOptions::new(Duration::from_secs(30))).await;
    assert!(health.unwrap().is_healthy());
}

#[tokio::test]
async fn an_apply_is_told_step_by_step() {
    let Some(ground) = Ground::new().await else { return };
    let applier = ground.applier();
    let plan = applier
        .plan(&ground.manifests("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}}"))
        .await
        .unwrap();
    let updates: Vec<Update> =
        applier.apply(plan).wait(Duration::from_secs(30)).into_stream().collect().await;
    let told: Vec<String> = updates
        .iter()
        .map(|update| match update {
            Update::Step(step) => step.to_string(),
            Update::Finished(result) => format!("finished {}", result.is_ok()),
            _ => String::new(),
        })
        .collect();
    let ns = &ground.namespace;
    let want = [
        "inventory claims 1 objects".to_owned(),
        "stage workloads: 1 objects".to_owned(),
        format!("ConfigMap/{ns}/a created"),
        format!("ConfigMap/{ns}/a Current: Resource is always ready"),
        "inventory holds 1 objects".to_owned(),
        "finished true".to_owned(),
    ];
    assert_eq!(told, want);
    assert!(matches!(updates[0], Update::Step(Progress::Claimed { objects: 1 })));
}

#[tokio::test]
async fn what_left_the_set_stays_until_the_new_set_is_healthy() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: old, namespace: $NS}}").await.unwrap();
    let applier = ground.applier();
    let plan = applier.plan(&ground.manifests(DEPLOYMENT)).await.unwrap();
    let error = applier.apply(plan).wait(Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error, ApplyError::Unhealthy { .. }), "{error}");
    assert!(ground.exists("old").await);
    let _pods = ground.cluster.simulate_pods(&ground.namespace);
    let plan = applier.plan(&ground.manifests(DEPLOYMENT)).await.unwrap();
    applier.apply(plan).wait(Duration::from_secs(60)).await.unwrap();
    assert!(!ground.exists("old").await);
}
