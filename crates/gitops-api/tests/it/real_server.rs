//! A real API server takes the definitions, fills in their defaults and refuses what they refuse.

use gitops_api::kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use gitops_api::kube::core::{ApiResource, GroupVersionKind};
use gitops_api::kube::runtime::{conditions::is_crd_established, wait::await_condition};
use gitops_api::kube::{Client, Error};
use gitops_api::kustomize_v1::Kustomization;
use gitops_api::source_v1::{GitRepository, GitRepositorySpec};
use gitops_api::{CustomResourceDefinition, GoDuration, crd_yaml, crds};
use gitops_testkit::require_bare_cluster;
use serde_json::{Value, json};

/// Installs the definitions from their printed form.
async fn install(client: &Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in crds() {
        let printed: CustomResourceDefinition = serde_saphyr::from_str(&crd_yaml(&crd)).unwrap();
        let name = printed.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(&printed)).await.unwrap();
        await_condition(api.clone(), &name, is_crd_established()).await.unwrap();
    }
}

struct Cluster {
    client: Client,
    namespace: String,
}

impl Cluster {
    async fn start() -> Option<Self> {
        let cluster = require_bare_cluster().await?;
        let client = cluster.client().unwrap();
        install(&client).await;
        Some(Self { client, namespace: cluster.namespace().await.unwrap() })
    }

    /// Creates an object of a kind with this spec, or without one for null.
    async fn create(&self, name: &str, kind: &str, spec: Value) -> Result<DynamicObject, Error> {
        let (version, kind) = kind.rsplit_once('/').unwrap();
        let (group, version) = version.split_once('/').unwrap();
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let mut object = DynamicObject::new(name, &resource);
        if !spec.is_null() {
            object.data = json!({ "spec": spec });
        }
        api.create(&PostParams::default(), &object).await
    }

    /// Checks that an object with this spec is refused in these words.
    async fn check(&self, kind: &str, spec: Value, refused: &str) {
        match self.create("checked", kind, spec.clone()).await {
            Err(Error::Api(status)) => {
                assert_eq!(status.code, 422, "{spec}: {status:?}");
                assert!(status.message.contains(refused), "{spec}: {}", status.message);
            }
            answer => panic!("{kind} {spec}: {answer:?}"),
        }
    }
}

const GIT: &str = "source.toolkit.fluxcd.io/v1/GitRepository";
const KUSTOMIZATION: &str = "kustomize.toolkit.fluxcd.io/v1/Kustomization";
const POLICY: &str = "image.toolkit.fluxcd.io/v1/ImagePolicy";
const PROVIDER: &str = "notification.toolkit.fluxcd.io/v1beta3/Provider";
const RECEIVER: &str = "notification.toolkit.fluxcd.io/v1/Receiver";

#[tokio::test]
async fn invalid_objects_are_refused() {
    let Some(cluster) = Cluster::start().await else { return };
    let git = |changes: Value| merged(json!({"url": "https://example.com/app", "interval": "1m"}), changes);
    let app = |changes: Value| {
        let source = json!({"kind": "GitRepository", "name": "app"});
        merged(json!({"interval": "1m", "prune": true, "sourceRef": source}), changes)
    };
    cluster.check(GIT, json!({"url": "https://example.com/app"}), "spec.interval: Required").await;
    cluster.check(GIT, git(json!({"url": "git@example.com:app"})), "spec.url").await;
    cluster.check(GIT, git(json!({"interval": "1d"})), "spec.interval").await;
    cluster.check(GIT, git(json!({"timeout": "1h"})), "spec.timeout").await;
    cluster.check(GIT, git(json!({"provider": "other"})), "Unsupported value: \"other\"").await;
    cluster.check(GIT, git(json!({"ref": 1})), "spec.ref").await;
    let account = json!({"serviceAccountName": "sa"});
    cluster.check(GIT, git(account), "can only be set when provider is 'azure' or 'aws'").await;
    cluster.check(KUSTOMIZATION, app(json!({"targetNamespace": ""})), "targetNamespace").await;
    cluster.check(KUSTOMIZATION, app(json!({"sourceRef": {"kind": "X", "name": "a"}})), "Unsupported").await;
    cluster.check(KUSTOMIZATION, app(json!({"kubeConfig": {}})), "exactly one of spec.kubeConfig").await;
    let policy =
        json!({"imageRepositoryRef": {"name": "a"}, "policy": {}, "digestReflectionPolicy": "Always"});
    cluster.check(POLICY, policy, "spec.interval must be set").await;
    let provider = json!({"type": "slack", "commitStatusExpr": "x"});
    cluster.check(PROVIDER, provider, "commitStatusExpr is only supported").await;
    let receiver = json!({"type": "github", "resources": []});
    cluster.check(RECEIVER, receiver, "secretRef is required").await;
}

#[tokio::test]
async fn defaults_are_filled_in() {
    let Some(cluster) = Cluster::start().await else { return };
    let api: Api<GitRepository> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let spec = GitRepositorySpec {
        url: "https://example.com/app".to_owned(),
        interval: GoDuration::from_secs(90),
        ..GitRepositorySpec::default()
    };
    let created = api.create(&PostParams::default(), &GitRepository::new("app", spec.clone())).await.unwrap();
    assert_eq!(created.status.unwrap().observed_generation, Some(-1));
    assert_eq!(created.spec, GitRepositorySpec { timeout: Some(GoDuration::from_secs(60)), ..spec });
}

/// The pattern takes a duration that nobody can read, and a definition without a mandatory spec takes an
/// object without one: neither stops the list of its kind.
#[tokio::test]
async fn poison_objects_do_not_stop_a_list() {
    let Some(cluster) = Cluster::start().await else { return };
    let source = json!({"kind": "GitRepository", "name": "app"});
    let spec = json!({"interval": "99999999999999999999h", "prune": true, "sourceRef": source});
    cluster.create("endless", KUSTOMIZATION, spec).await.unwrap();
    cluster.create("hollow", KUSTOMIZATION, Value::Null).await.unwrap();
    let api: Api<Kustomization> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let list = api.list(&ListParams::default()).await.unwrap();
    let told: Vec<_> =
        list.items.iter().map(|app| app.spec.interval.get().unwrap_err().to_string()).collect();
    assert_eq!(
        told,
        [
            "'99999999999999999999h' is no duration: it is longer than 292 years; write for example 1m30s",
            "'' is no duration: it is empty; write for example 1m30s",
        ]
    );
}

fn merged(mut base: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}
