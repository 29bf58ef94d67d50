//! A namespace with controllers of its own, a Git repository, and waiting for what they make of it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use gitops_api::image_v1::{ImagePolicy, ImageRepository};
use gitops_api::kustomize_v1::Kustomization;
use gitops_api::notification_v1::Receiver;
use gitops_api::source_v1::GitRepository;
use gitops_api::{Condition, CustomResourceDefinition};
use gitops_apply::client_for;
use gitops_controllers::{ControllerOptions, Controllers, Kind, Shared};
use gitops_image::DiskTagStore;
use gitops_runtime::events::Delivery;
use gitops_source::artifact::{LocalStore, StoreOptions, serve};
use gitops_testkit::{Cluster, GitServer, Repository, require_cluster};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long anything may take; the waits themselves end with the event.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Rig {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) git: GitServer,
    pub(crate) repository: Repository,
    /// Where webhooks are taken, `http://host:port`.
    pub(crate) hooks: String,
    stop: CancellationToken,
    _storage: TempDir,
}

/// What must not change while something fails.
#[derive(Debug, PartialEq)]
pub(crate) struct LastGood {
    artifact: Option<String>,
    pub(crate) applied: Option<String>,
    inventory: Value,
    pub(crate) objects: Vec<(String, Option<String>)>,
}

impl Rig {
    /// Starts controllers for a fresh namespace, or returns nothing where no control plane can be had.
    pub(crate) async fn start() -> Option<Self> {
        Self::on(require_cluster().await?).await
    }

    /// The same on a given cluster.
    pub(crate) async fn on(cluster: Arc<Cluster>) -> Option<Self> {
        let namespace = cluster.namespace().await.unwrap();
        let watched = Some(namespace.clone());
        Self::watching(cluster, namespace, watched).await
    }

    /// The same in a namespace that is there, with controllers for one namespace, or for all of a cluster of its own.
    pub(crate) async fn watching(
        cluster: Arc<Cluster>,
        namespace: String,
        watched: Option<String>,
    ) -> Option<Self> {
        let definitions: Vec<CustomResourceDefinition> = gitops_api::crds()
            .into_iter()
            .filter(|d| Kind::ALL.iter().any(|kind| kind.name() == d.spec.names.kind))
            .collect();
        cluster.install(&definitions).await.unwrap();
        let client = cluster.client().unwrap();
        let git = GitServer::start().await.unwrap();
        let repository = git.repository("app").unwrap();
        let storage = TempDir::new().unwrap();
        let stop = CancellationToken::new();
        let hooks = controllers(&cluster, watched, &storage, &stop).await;
        Some(Self { cluster, client, namespace, git, repository, hooks, stop, _storage: storage })
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Server-side applies an object's specification.
    pub(crate) async fn apply<K>(&self, name: &str, spec: Value)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let object = json!({
            "apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name}, "spec": spec,
        });
        let params = PatchParams::apply("test").force();
        self.api::<K>().patch(name, &params, &Patch::Apply(&object)).await.unwrap();
    }

    /// Server-side applies any object of the namespace.
    pub(crate) async fn apply_object<K>(&self, object: Value)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let params = PatchParams::apply("test").force();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.api::<K>().patch(&name, &params, &Patch::Apply(&object)).await.unwrap();
    }

    /// Makes or changes a Secret.
    pub(crate) async fn apply_secret(&self, name: &str, kind: &str, data: Value) {
        self.apply_object::<Secret>(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": data,
        }))
        .await;
    }

    /// Applies the two objects that every case starts from: a source of the branch `main`, and a path of it.
    pub(crate) async fn apply_both(&self) {
        self.apply::<GitRepository>(
            "app",
            json!({
                "interval": "10m", "url": self.git.url("app"), "ref": {"branch": "main"},
            }),
        )
        .await;
        self.apply::<Kustomization>("app", self.kustomization(json!({}))).await;
    }

    /// A Kustomization of the repository, with what a case says otherwise.
    pub(crate) fn kustomization(&self, other: Value) -> Value {
        let mut spec = json!({
            "interval": "10m", "retryInterval": "10m", "path": "./", "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": "app"},
        });
        spec.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        spec
    }

    /// Commits files, an absent content deleting one, and asks the source to look.
    pub(crate) async fn push(&self, files: &[(&str, Option<&str>)]) {
        let mut change = self.repository.change("main");
        for (path, content) in files {
            change = match content {
                Some(content) => change.file(path, content),
                None => change.delete(path),
            };
        }
        change.commit().unwrap();
        self.request::<GitRepository>("app").await;
    }

    /// Commits files before anybody looks.
    pub(crate) fn push_first(&self, files: &[(&str, &str)]) {
        self.repository.commit("main", files).unwrap();
    }

    /// Makes a ServiceAccount that may do nothing.
    pub(crate) async fn create_account(&self, name: &str) {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        let account: ServiceAccount = serde_json::from_value(account).unwrap();
        self.api().create(&PostParams::default(), &account).await.unwrap();
    }

    /// Lets a ServiceAccount do anything in the namespace.
    pub(crate) async fn allow_account(&self, name: &str) {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": self.namespace}],
        });
        let binding: RoleBinding = serde_json::from_value(binding).unwrap();
        self.api().create(&PostParams::default(), &binding).await.unwrap();
    }

    /// Asks for a reconciliation, as `flux reconcile` does.
    pub(crate) async fn request<K>(&self, name: &str)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let token = jiff::Timestamp::now().to_string();
        let patch = json!({"metadata": {"annotations": {gitops_api::annotations::REQUESTED_AT: token}}});
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }

    /// A ConfigMap of the namespace as YAML.
    pub(crate) fn config_map(&self, name: &str, value: &str) -> String {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {}\ndata:\n  k: \"{value}\"\n",
            self.namespace
        )
    }

    /// Waits until an object is as asked for, and returns it.
    pub(crate) async fn until<K>(&self, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> K
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + 'static,
    {
        let condition = |object: Option<&K>| object.is_some_and(&wanted);
        let waiting = tokio::time::timeout(PATIENCE, await_condition(self.api::<K>(), name, condition)).await;
        match waiting {
            Ok(found) => found.unwrap().unwrap(),
            Err(_) => {
                let now = self.api::<K>().get_opt(name).await.unwrap();
                panic!("{name} did not become {what}; it is {now:#?}")
            }
        }
    }

    /// Waits until the Kustomization has applied the newest commit.
    pub(crate) async fn until_applied(&self) -> Kustomization {
        let head = self.repository.rev_parse("main").unwrap();
        self.until("app", "applied", move |k: &Kustomization| {
            let status = k.status.clone().unwrap_or_default();
            let applied = status.last_applied_revision.is_some_and(|r| r.ends_with(&head));
            applied && condition(&status.conditions, "Ready").is_some_and(|c| c.status == "True")
        })
        .await
    }

    /// Waits until the object is not ready, with this reason and a message that holds these texts, and checks that the same
    /// was told as an event.
    pub(crate) async fn until_failed<K>(&self, name: &str, reason: &str, texts: &[&str]) -> Condition
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + 'static,
        K: Conditioned,
    {
        let wanted = format!("not ready with {reason} and {texts:?}");
        let fits = |c: &Condition| {
            c.status == "False" && c.reason == reason && texts.iter().all(|t| c.message.contains(t))
        };
        let found = self.until(name, &wanted, |k: &K| k.ready().is_some_and(|c| fits(&c))).await;
        self.until_told(&K::kind(&()), name, "Warning", reason, texts).await;
        found.ready().unwrap()
    }

    /// Waits until an event was written.
    pub(crate) async fn until_told(&self, kind: &str, name: &str, type_: &str, reason: &str, texts: &[&str]) {
        let fits = |e: &Event| {
            e.involved_object.kind.as_deref() == Some(kind)
                && e.involved_object.name.as_deref() == Some(name)
                && e.type_.as_deref() == Some(type_)
                && e.reason.as_deref() == Some(reason)
                && texts.iter().all(|t| e.message.as_deref().unwrap_or_default().contains(t))
        };
        let api = self.api::<Event>();
        let mut events = std::pin::pin!(kube::runtime::WatchStreamExt::applied_objects(
            kube::runtime::watcher(api, kube::runtime::watcher::Config::default(),)
        ));
        let told = async {
            while let Some(event) = futures::StreamExt::next(&mut events).await {
                if event.is_ok_and(|e| fits(&e)) {
                    return;
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, told).await;
        assert!(waited.is_ok(), "no {type_} {reason} event about {kind}/{name} with {texts:?}");
    }

    /// What is there now: artifact, applied revision, inventory, and the ConfigMaps with their versions.
    pub(crate) async fn last_good(&self) -> LastGood {
        let source = self.api::<GitRepository>().get("app").await.unwrap();
        let status = self.api::<Kustomization>().get("app").await.unwrap().status.unwrap_or_default();
        let maps = self.api::<ConfigMap>().list(&ListParams::default()).await.unwrap();
        let objects = maps.into_iter().filter(|m| m.name_any() != "kube-root-ca.crt");
        LastGood {
            artifact: source.status.and_then(|s| s.artifact).map(|a| a.digest),
            applied: status.last_applied_revision,
            inventory: serde_json::to_value(status.inventory).unwrap(),
            objects: objects.map(|m| (m.name_any(), m.resource_version())).collect(),
        }
    }

    pub(crate) async fn config_map_value(&self, name: &str) -> Option<String> {
        let map = self.api::<ConfigMap>().get_opt(name).await.unwrap()?;
        map.data.unwrap_or_default().get("k").cloned()
    }
}

impl LastGood {
    /// What a bad commit must leave: not the artifact, which is the new commit's.
    pub(crate) fn but_artifact(self) -> Self {
        Self { artifact: None, ..self }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Kinds with conditions.
pub(crate) trait Conditioned {
    fn ready(&self) -> Option<Condition>;
}

macro_rules! conditioned {
    ($($kind:ty),*) => {$(
        impl Conditioned for $kind {
            fn ready(&self) -> Option<Condition> {
                condition(&self.status.as_ref()?.conditions, "Ready").cloned()
            }
        }
    )*};
}

conditioned!(GitRepository, Kustomization, ImageRepository, ImagePolicy, Receiver);

pub(crate) fn condition<'a>(list: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    list.iter().find(|c| c.type_ == type_)
}

/// Starts controllers for a namespace or all, which tell their own notification part; returns where webhooks are taken.
async fn controllers(
    cluster: &Cluster,
    namespace: Option<String>,
    storage: &TempDir,
    stop: &CancellationToken,
) -> String {
    let listen = || tokio::net::TcpListener::bind("127.0.0.1:0");
    let listener = listen().await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let store = LocalStore::new(storage.path().join("artifacts"), &address, StoreOptions::default()).unwrap();
    tokio::spawn(serve(listener, store.root().to_owned(), stop.clone().cancelled_owned()));
    let config = cluster.config().unwrap();
    let mut options = ControllerOptions::default();
    options.namespace = namespace;
    options.requeue_dependency = Duration::from_secs(600);
    options.backoff.min = Duration::from_millis(100);
    options.backoff.max = Duration::from_secs(1);
    let shared = Shared {
        client: client_for(config.clone()).unwrap(),
        config,
        options,
        metrics: Arc::default(),
        stop: stop.clone(),
    };
    let (events, webhooks) = (listen().await.unwrap(), listen().await.unwrap());
    let hooks = format!("http://{}", webhooks.local_addr().unwrap());
    let delivery = Delivery::to(&format!("http://{}/", events.local_addr().unwrap()));
    let controllers = Controllers::new(shared, Arc::new(store), storage.path().join("git"))
        .tags(Arc::new(DiskTagStore::new(storage.path().join("tags")).unwrap()))
        .events_to(delivery)
        .events_at(events)
        .webhooks_at(webhooks);
    tokio::spawn(controllers.run());
    hooks
}
