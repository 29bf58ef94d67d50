//! kube-rs drives the sandbox: controllers, finalizers, watchers, reflectors, events, discovery, over both transports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use gitops_sandbox::{Listener, Sandbox, Security};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::events::{EventType, Recorder, Reporter};
use kube::runtime::finalizer::{self, finalizer};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{reflector, watcher};
use kube::{Client, Config, Discovery, Resource as _, ResourceExt as _};
use serde_json::json;

use crate::client::{client, config_map};

const LONG: Duration = Duration::from_secs(60);

/// Returns a client of a listener's kubeconfig.
pub(crate) async fn over_tls(listener: &Listener) -> Client {
    gitops_testkit::install_crypto();
    let kubeconfig = Kubeconfig::from_yaml(&listener.kubeconfig()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    // What a test breaks it wants to see.
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// Runs a test with a client in the process, and with one over TLS.
async fn on_both<T: Future<Output = ()>>(test: impl Fn(Client) -> T) {
    let sandbox = Sandbox::builder().ready_after(Duration::from_millis(5)).start();
    tokio::time::timeout(LONG, test(client(&sandbox))).await.unwrap();
    let sandbox = Sandbox::builder().ready_after(Duration::from_millis(5)).start();
    let listener = sandbox.listen("127.0.0.1:0".parse().unwrap(), Security::Tls).await.unwrap();
    tokio::time::timeout(LONG, test(over_tls(&listener).await)).await.unwrap();
}

fn copy_of(name: &str) -> String {
    format!("{name}-copy")
}

struct Context {
    client: Client,
    cleaned: AtomicUsize,
}

/// Keeps a copy of each ConfigMap, and removes it before the original may go.
async fn reconcile(
    object: Arc<ConfigMap>,
    context: Arc<Context>,
) -> Result<Action, finalizer::Error<kube::Error>> {
    let api: Api<ConfigMap> = Api::default_namespaced(context.client.clone());
    finalizer(&api.clone(), "example.com/copy", object, |event| async {
        match event {
            finalizer::Event::Apply(object) => {
                let copy = json!({
                    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": copy_of(&object.name_any())},
                    "data": object.data,
                });
                let parameters = PatchParams::apply("copier").force();
                api.patch(&copy_of(&object.name_any()), &parameters, &Patch::Apply(copy)).await?;
            }
            finalizer::Event::Cleanup(object) => {
                api.delete(&copy_of(&object.name_any()), &DeleteParams::default()).await?;
                context.cleaned.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(Action::await_change())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_with_a_finalizer_keeps_up() {
    on_both(async |client| {
        let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
        let context = Arc::new(Context { client, cleaned: AtomicUsize::new(0) });
        let config = watcher::Config::default().labels("copy=true");
        let controller = Controller::new(api.clone(), config)
            .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(10)), Arc::clone(&context))
            .for_each(|_| std::future::ready(()));
        let flow = async {
            let mut object = config_map("a", "1");
            object.labels_mut().insert("copy".to_owned(), "true".to_owned());
            api.create(&PostParams::default(), &object).await.unwrap();
            let holds = |value: &'static str| {
                move |copy: Option<&ConfigMap>| {
                    let data = copy.and_then(|copy| copy.data.as_ref());
                    data.is_some_and(|data| data.get("k").is_some_and(|found| found == value))
                }
            };
            await_condition(api.clone(), "a-copy", holds("1")).await.unwrap();
            let patch = json!({"data": {"k": "2"}});
            api.patch("a", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
            let copy = await_condition(api.clone(), "a-copy", holds("2")).await.unwrap().unwrap();
            let (original, copy) = (api.get("a").await.unwrap().uid().unwrap(), copy.uid().unwrap());
            api.delete("a", &DeleteParams::default()).await.unwrap();
            await_condition(api.clone(), "a", conditions::is_deleted(&original)).await.unwrap();
            await_condition(api.clone(), "a-copy", conditions::is_deleted(&copy)).await.unwrap();
            assert_eq!(context.cleaned.load(Ordering::Relaxed), 1);
        };
        tokio::select! {
            () = controller => panic!("the controller ended"),
            () = flow => {}
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reflectors_hold_what_is_stored_in_either_mode() {
    on_both(async |client| {
        let api: Api<ConfigMap> = Api::default_namespaced(client);
        for name in ["a", "b", "c"] {
            api.create(&PostParams::default(), &config_map(name, "1")).await.unwrap();
        }
        let marked = watcher::Config::default().fields("metadata.name!=kube-root-ca.crt");
        for config in [marked.clone().page_size(2), marked.streaming_lists()] {
            let (store, writer) = reflector::store::<ConfigMap>();
            let mut stream = reflector(writer, watcher(api.clone(), config)).boxed();
            while !matches!(stream.try_next().await.unwrap(), Some(watcher::Event::InitDone)) {}
            assert_eq!(store.len(), 3);
            api.delete("b", &DeleteParams::default()).await.unwrap();
            while !matches!(stream.try_next().await.unwrap(), Some(watcher::Event::Delete(_))) {}
            api.create(&PostParams::default(), &config_map("b", "1")).await.unwrap();
            while !matches!(stream.try_next().await.unwrap(), Some(watcher::Event::Apply(_))) {}
            let mut names: Vec<String> = store.state().iter().map(|object| object.name_any()).collect();
            names.sort();
            assert_eq!(names, ["a", "b", "c"]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_counts_what_happens_again() {
    on_both(async |client| {
        let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
        let object = api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
        let reporter = Reporter { controller: "painter".to_owned(), instance: Some("painter-1".to_owned()) };
        let recorder = Recorder::new(client.clone(), reporter);
        let event = kube::runtime::events::Event {
            type_: EventType::Warning,
            reason: "Faded".to_owned(),
            note: Some("the color faded".to_owned()),
            action: "Painting".to_owned(),
            secondary: None,
        };
        let mut reference = object.object_ref(&());
        reference.api_version = Some("v1".to_owned());
        reference.kind = Some("ConfigMap".to_owned());
        for _ in 0..3 {
            recorder.publish(&event, &reference).await.unwrap();
        }
        let events: Api<Event> = Api::default_namespaced(client);
        let found = events.list(&ListParams::default().fields("reason=Faded")).await.unwrap().items;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].series.as_ref().map(|series| series.count), Some(3), "{found:?}");
    })
    .await;
}

/// Takes a lease unless somebody holds it, by optimistic concurrency alone.
async fn take(api: &Api<Lease>, who: &str) -> bool {
    let mut lease = api.get("lock").await.unwrap();
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.is_some() {
        return false;
    }
    spec.holder_identity = Some(who.to_owned());
    match api.replace("lock", &PostParams::default(), &lease).await {
        Ok(_) => true,
        Err(kube::Error::Api(status)) => {
            assert_eq!(status.code, 409, "{status:?}");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_takes_a_lease() {
    on_both(async |client| {
        let api: Api<Lease> = Api::default_namespaced(client);
        let lease = serde_json::from_value(json!({"metadata": {"name": "lock"}, "spec": {}})).unwrap();
        api.create(&PostParams::default(), &lease).await.unwrap();
        let names: Vec<String> = (0..8).map(|number| format!("n{number}")).collect();
        let taken = futures::future::join_all(names.iter().map(|name| take(&api, name))).await;
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
        let holder = api.get("lock").await.unwrap().spec.unwrap().holder_identity.unwrap();
        assert!(taken[names.iter().position(|name| *name == holder).unwrap()]);
    })
    .await;
}

fn definition() -> CustomResourceDefinition {
    serde_json::from_value(json!({
        "metadata": {"name": "boats.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {
                "openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {"sails": {"type": "integer", "default": 1}}},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                }},
            }}],
        },
    }))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_finds_custom_kinds_in_both_forms() {
    on_both(async |client| {
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        definitions.create(&PostParams::default(), &definition()).await.unwrap();
        await_condition(definitions, "boats.example.com", conditions::is_crd_established()).await.unwrap();
        for (name, discovery) in [
            ("one", Discovery::new(client.clone()).run().await.unwrap()),
            ("two", Discovery::new(client.clone()).run_aggregated().await.unwrap()),
        ] {
            assert!(discovery.has_group("apps"));
            let group = discovery.get("example.com").unwrap();
            let (resource, capabilities) = group.recommended_kind("Boat").unwrap();
            assert_eq!((resource.plural.as_str(), resource.version.as_str()), ("boats", "v1"));
            assert!(capabilities.supports_operation("watch"));
            let boats: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &resource);
            let boat = DynamicObject::new(name, &resource).data(json!({"spec": {}}));
            let created = boats.create(&PostParams::default(), &boat).await.unwrap();
            assert_eq!(created.data["spec"]["sails"], 1);
            let status = json!({"status": {"afloat": true}});
            let patched =
                boats.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
            assert_eq!(patched.data["status"]["afloat"], true);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_patch_does_what_it_is_named_for() {
    on_both(async |client| {
        let api: Api<Namespace> = Api::all(client);
        let parameters = PatchParams { field_manager: Some("me".to_owned()), ..PatchParams::default() };
        let merge = json!({"metadata": {"labels": {"a": "1", "b": "1"}}});
        api.patch("default", &parameters, &Patch::Merge(merge)).await.unwrap();
        let strategic = json!({"metadata": {"labels": {"a": null, "c": "1"}}});
        api.patch("default", &parameters, &Patch::Strategic(strategic)).await.unwrap();
        let operations = json!([
            {"op": "test", "path": "/metadata/labels/b", "value": "1"},
            {"op": "replace", "path": "/metadata/labels/b", "value": "2"},
        ]);
        let operations: Patch<()> = Patch::Json(serde_json::from_value(operations).unwrap());
        api.patch("default", &parameters, &operations).await.unwrap();
        let refused = api.patch("default", &parameters, &operations).await.unwrap_err();
        assert!(matches!(refused, kube::Error::Api(status) if status.code == 422));
        let apply = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", "labels": {"d": "1"}}});
        let applied = api.patch("default", &PatchParams::apply("me").force(), &Patch::Apply(apply)).await.unwrap();
        let mut labels = applied.metadata.labels.unwrap_or_default();
        labels.remove("kubernetes.io/metadata.name");
        assert_eq!(json!(labels), json!({"b": "2", "c": "1", "d": "1"}));
    })
    .await;
}
