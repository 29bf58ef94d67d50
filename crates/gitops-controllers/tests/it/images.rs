//! Images become decisions, from a real registry.

use gitops_api::image_v1::{ImagePolicy, ImageRepository};
use gitops_manifest::{ParseOptions, parse_objects};
use gitops_testkit::{Cluster, RegistryFault, require_cluster, require_own_cluster, require_registry};
use gitops_testkit::{Registry, RegistryBuilder};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::rig::{Conditioned, Rig};

/// As users of Flux write them.
const DOCUMENTS: &str = r"
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: test-app, namespace: flux-system}
spec: {image: ghcr.io/example/test-app, interval: 1m0s}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: test-app, namespace: flux-system}
spec:
  imageRepositoryRef: {name: test-app}
  filterTags: {pattern: '^main-[a-fA-F0-9]+-(?P<ts>.*)', extract: '$ts'}
  policy: {numerical: {order: asc}}
";

/// A rig and a registry of this kind.
async fn both(registry: RegistryBuilder) -> Option<(Rig, Registry)> {
    let (cluster, program) = (require_cluster().await?, require_registry()?);
    let registry = registry.start(&program).await.unwrap();
    Some((Rig::on(cluster).await?, registry))
}

impl Rig {
    async fn until_latest(&self, policy: &str, tag: &str) -> ImagePolicy {
        let is_latest = |p: &ImagePolicy| {
            let latest = p.status.as_ref().and_then(|s| s.latest_ref.as_ref());
            latest.is_some_and(|latest| latest.tag == tag)
        };
        self.until(policy, &format!("at {tag}"), is_latest).await
    }

    async fn until_scanned(&self, name: &str) -> ImageRepository {
        let is_ready = |r: &ImageRepository| r.ready().is_some_and(|c| c.status == "True");
        self.until(name, "scanned", is_ready).await
    }
}

#[tokio::test]
async fn the_documents_of_flux_users_work_unchanged() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::start(&program).await.unwrap();
    let tags = ["main-0b9c1d2-1606334201", "main-1F2e3d4-1606364286", "dev-5a6b7c8-1606999999", "latest"];
    registry.push_tags("example/test-app", tags).await.unwrap();
    let Some(cluster) = require_own_cluster(Cluster::builder()).await else { return };
    let system: Namespace = serde_json::from_value(json!({"metadata": {"name": "flux-system"}})).unwrap();
    Api::all(cluster.client().unwrap()).create(&PostParams::default(), &system).await.unwrap();
    let Some(rig) = Rig::watching(cluster, "flux-system".to_owned(), None).await else { return };

    let text = DOCUMENTS.replace("ghcr.io", registry.host());
    let objects = parse_objects("documents.yaml", text.as_bytes(), &ParseOptions::kubectl()).unwrap();
    rig.apply_object::<ImageRepository>(objects[0].value().clone()).await;
    rig.apply_object::<ImagePolicy>(objects[1].value().clone()).await;
    let policy = rig.until_latest("test-app", "main-1F2e3d4-1606364286").await;
    let image = registry.image("example/test-app");
    let says = |text: String| format!("Latest image tag for {image} resolved to {text}");
    assert_eq!(policy.ready().unwrap().message, says("main-1F2e3d4-1606364286".to_owned()));
    let told = [says("main-1F2e3d4".to_owned())];
    rig.until_told("ImagePolicy", "test-app", "Normal", "Succeeded", &[&told[0]]).await;

    registry.push("example/test-app", "main-9a8b7c6-1606394400").await.unwrap();
    rig.request::<ImageRepository>("test-app").await;
    let newer = rig.until_latest("test-app", "main-9a8b7c6-1606394400").await;
    let previous = format!("main-9a8b7c6-1606394400 (previously {image}:main-1F2e3d4-1606364286)");
    assert_eq!(newer.ready().unwrap().message, says(previous));

    // The same tags again: the scan is noted, and nobody decides or writes anything else.
    rig.request::<ImageRepository>("test-app").await;
    rig.until("test-app", "handled", |r: &ImageRepository| {
        let asked =
            r.metadata.annotations.as_ref().and_then(|a| a.get(gitops_api::annotations::REQUESTED_AT));
        r.status.as_ref().and_then(|s| s.last_handled_reconcile_at.as_ref()) == asked
    })
    .await;
    let now = rig.api::<ImagePolicy>().get("test-app").await.unwrap();
    assert_eq!(now.metadata.resource_version, newer.metadata.resource_version);
}

#[tokio::test]
async fn credentials_come_from_a_secret_or_a_service_account() {
    let Some((rig, registry)) = both(Registry::builder().with_tokens()).await else { return };
    registry.push("team/app", "1.0.0").await.unwrap();
    let spec = |other: Value| {
        let mut spec = json!({"image": registry.image("team/app"), "interval": "10m"});
        spec.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        spec
    };
    let docker = |config: String| json!({".dockerconfigjson": config});
    rig.apply_secret("pull", "kubernetes.io/dockerconfigjson", docker(registry.docker_config())).await;
    let wrong = registry.docker_config().replace("lovelace", "byron");
    rig.apply_secret("wrong", "kubernetes.io/dockerconfigjson", docker(wrong)).await;
    rig.apply_object::<ServiceAccount>(json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "puller"},
        "imagePullSecrets": [{"name": "pull"}],
    }))
    .await;

    rig.apply::<ImageRepository>("by-secret", spec(json!({"secretRef": {"name": "pull"}}))).await;
    rig.apply::<ImageRepository>("by-account", spec(json!({"serviceAccountName": "puller"}))).await;
    for name in ["by-secret", "by-account"] {
        let scanned = rig.until_scanned(name).await;
        assert_eq!(scanned.status.unwrap().last_scan_result.unwrap().latest_tags, ["1.0.0"], "{name}");
    }

    rig.apply::<ImageRepository>("refused", spec(json!({"secretRef": {"name": "wrong"}}))).await;
    let ready = rig.until_failed::<ImageRepository>("refused", "ReadOperationFailed", &["scan failed"]).await;
    assert!(!ready.message.contains("byron"), "{}", ready.message);
    rig.apply::<ImageRepository>("refused", spec(json!({"secretRef": {"name": "pull"}}))).await;
    rig.until_scanned("refused").await;

    let missing = ["failed to configure authentication options: secrets \"nope\" not found"];
    rig.apply::<ImageRepository>("missing", spec(json!({"secretRef": {"name": "nope"}}))).await;
    rig.until_failed::<ImageRepository>("missing", "AuthenticationFailed", &missing).await;
}

#[tokio::test]
async fn a_registry_with_an_authority_of_its_own_is_trusted_when_it_is_named() {
    let Some((rig, registry)) = both(Registry::builder().with_tls()).await else { return };
    registry.push("team/app", "1.0.0").await.unwrap();
    let spec = json!({"image": registry.image("team/app"), "interval": "10m"});
    rig.apply::<ImageRepository>("app", spec.clone()).await;
    rig.until_failed::<ImageRepository>("app", "ReadOperationFailed", &["certificate"]).await;
    rig.apply_secret("authority", "Opaque", json!({"ca.crt": registry.ca_pem().unwrap()})).await;
    let mut named = spec;
    named["certSecretRef"] = json!({"name": "authority"});
    rig.apply::<ImageRepository>("app", named).await;
    rig.until_scanned("app").await;
}

#[tokio::test]
async fn a_failed_scan_keeps_tags_and_choice_and_recovers_by_itself() {
    let Some((rig, registry)) = both(Registry::builder()).await else { return };
    registry.push("team/app", "1.0.0").await.unwrap();
    rig.apply::<ImageRepository>("app", json!({"image": registry.image("team/app"), "interval": "10m"}))
        .await;
    let policy = json!({"imageRepositoryRef": {"name": "app"}, "policy": {"semver": {"range": "1.x"}}});
    rig.apply::<ImagePolicy>("app", policy).await;
    rig.until_latest("app", "1.0.0").await;

    registry.push("team/app", "1.1.0").await.unwrap();
    // The client tries a few times before it gives up.
    registry.fail_next(100, RegistryFault::Status(500));
    rig.request::<ImageRepository>("app").await;
    rig.until_told("ImageRepository", "app", "Warning", "ReadOperationFailed", &["scan failed"]).await;
    let during = rig.api::<ImagePolicy>().get("app").await.unwrap();
    assert_eq!(during.ready().unwrap().status, "True");
    registry.heal();
    rig.until_latest("app", "1.1.0").await;
    rig.until_scanned("app").await;
}

#[tokio::test]
async fn a_policy_of_another_namespace_needs_to_be_let_in() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::start(&program).await.unwrap();
    registry.push("team/app", "1.0.0").await.unwrap();
    let Some(cluster) = require_own_cluster(Cluster::builder()).await else { return };
    let (own, other) = (cluster.namespace().await.unwrap(), cluster.namespace().await.unwrap());
    let Some(rig) = Rig::watching(cluster, own, None).await else { return };
    let repositories: Api<ImageRepository> = Api::namespaced(rig.client.clone(), &other);
    let apply = async |more: Value| {
        let mut object = json!({"apiVersion": "image.toolkit.fluxcd.io/v1", "kind": "ImageRepository",
            "metadata": {"name": "app"}, "spec": {"image": registry.image("team/app"), "interval": "10m"}});
        object["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let params = PatchParams::apply("test").force();
        repositories.patch("app", &params, &Patch::Apply(&object)).await.unwrap();
    };
    let access =
        |team: &str| json!({"accessFrom": {"namespaceSelectors": [{"matchLabels": {"team": team}}]}});
    let labels = json!({"metadata": {"labels": {"team": "blue"}}});
    let namespaces: Api<Namespace> = Api::all(rig.client.clone());
    namespaces.patch(&rig.namespace, &PatchParams::default(), &Patch::Merge(labels)).await.unwrap();

    apply(json!({})).await;
    let policy = json!({"imageRepositoryRef": {"name": "app", "namespace": other},
        "policy": {"semver": {"range": "1.x"}}});
    rig.apply::<ImagePolicy>("app", policy).await;
    rig.until_failed::<ImagePolicy>("app", "AccessDenied", &["access denied", "accessFrom"]).await;
    apply(access("red")).await;
    rig.until_failed::<ImagePolicy>("app", "AccessDenied", &["labels of namespace"]).await;
    apply(access("blue")).await;
    rig.until_latest("app", "1.0.0").await;
}
