//! What clients ask of a Kubernetes API, the same of ours and of a real one.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use gitops_sandbox::SandboxService;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, WatchParams,
};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::watcher;
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use tower::Service;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many applies are on their way at once.
const AT_ONCE: usize = 8;
const MANAGER: &str = "bench";

/// Asks for the first time: how many ConfigMaps there are.
///
/// # Errors
/// Fails when the server does not answer.
pub async fn first(client: &Client) -> Outcome<usize> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    Ok(api.list(&ListParams::default()).await?.items.len())
}

/// Applies objects to a namespace, some at once, and gives how long that took.
///
/// # Errors
/// Fails when one is refused.
pub async fn apply(client: &Client, namespace: &str, objects: Vec<Value>) -> Outcome<Duration> {
    let mut queues: Vec<Vec<Value>> = vec![Vec::new(); AT_ONCE];
    for (position, object) in objects.into_iter().enumerate() {
        // The same object is always applied from the same place, one after the other.
        let of = queues.len();
        queues[position / 4 % of].push(object);
    }
    let start = Instant::now();
    let tasks = queues.into_iter().map(|queue| {
        let (client, namespace) = (client.clone(), namespace.to_owned());
        tokio::spawn(async move { apply_queue(&client, &namespace, queue).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    Ok(start.elapsed())
}

async fn apply_queue(client: &Client, namespace: &str, queue: Vec<Value>) -> Outcome<()> {
    let params = PatchParams::apply(MANAGER).force();
    let mut apis: HashMap<String, Api<DynamicObject>> = HashMap::new();
    for object in queue {
        let kind = object["kind"].as_str().unwrap_or_default();
        let api = apis.entry(kind.to_owned()).or_insert_with(|| api_of(client, namespace, &object));
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        api.patch(name, &params, &Patch::Apply(&object)).await?;
    }
    Ok(())
}

/// Requests that are written and wait to be sent, in queues of which each is sent one after the other.
pub struct Requests(Vec<Vec<Request<Full<Bytes>>>>);

/// Writes the requests that apply objects to a namespace.
///
/// # Errors
/// Fails when an object cannot be written.
pub fn requests(namespace: &str, objects: Vec<Value>) -> Outcome<Requests> {
    let mut queues = Vec::new();
    queues.resize_with(AT_ONCE, Vec::new);
    for (position, object) in objects.iter().enumerate() {
        queues[position / 4 % AT_ONCE].push(request_of(namespace, object)?);
    }
    Ok(Requests(queues))
}

/// Sends requests straight to the service of a sandbox, some at once, and gives how long that took: of the answers only the bytes
/// are read, so that what is timed is the server's work.
///
/// # Errors
/// Fails when one is refused.
pub async fn serve(service: &SandboxService, requests: Requests) -> Outcome<Duration> {
    let start = Instant::now();
    let tasks = requests.0.into_iter().map(|queue| {
        let mut service = service.clone();
        tokio::spawn(async move {
            for request in queue {
                let answer = service.call(request).await?;
                let status = answer.status();
                let body = answer.into_body().collect().await?.to_bytes();
                if !status.is_success() {
                    return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
                }
                // The service answers at once: without a pause one queue would hold its thread to the end.
                tokio::task::yield_now().await;
            }
            Outcome::Ok(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    Ok(start.elapsed())
}

/// Writes the request that applies an object.
fn request_of(namespace: &str, object: &Value) -> Outcome<Request<Full<Bytes>>> {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let plural = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("kind"))).plural;
    let root = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let uri = format!("/{root}/namespaces/{namespace}/{plural}/{name}?fieldManager={MANAGER}&force=true");
    let request = Request::patch(uri)
        .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
        .header(http::header::ACCEPT, "application/json");
    Ok(request.body(Full::new(serde_json::to_vec(object)?.into()))?)
}

fn api_of(client: &Client, namespace: &str, object: &Value) -> Api<DynamicObject> {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("kind")));
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// Changes a ConfigMap many times while many watch, and gives how long it takes until all have seen all.
///
/// # Errors
/// Fails when a write or a watch does.
pub async fn fan_out(client: &Client, namespace: &str, watchers: usize, changes: usize) -> Outcome<Duration> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let config = |value: usize| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen"}, "data": {"k": value.to_string()}});
    let params = PatchParams::apply(MANAGER).force();
    let made = api.patch("seen", &params, &Patch::Apply(config(0))).await?;
    let from = made.resource_version().unwrap_or_default();
    let tasks: Vec<_> = (0..watchers)
        .map(|_| {
            let (api, from) = (api.clone(), from.clone());
            tokio::spawn(async move {
                let watch = WatchParams::default().fields("metadata.name=seen");
                let events = api.watch(&watch, &from).await?.take(changes);
                events.try_for_each(|_| async { Ok(()) }).await
            })
        })
        .collect();
    let start = Instant::now();
    for change in 1..=changes {
        api.patch("seen", &params, &Patch::Apply(config(change))).await?;
    }
    for task in tasks {
        task.await??;
    }
    Ok(start.elapsed())
}

/// Runs a controller over a set of objects, changes each of them in wave after wave, and gives how long it takes
/// until all are reconciled: a reconcile applies one child.
///
/// # Errors
/// Fails when a write does.
pub async fn reconcile(client: &Client, namespace: &str, objects: usize, waves: usize) -> Outcome<Duration> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let params = PatchParams::apply(MANAGER).force();
    let parent = |index: usize, wave: usize| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("parent-{index}"), "labels": {"role": "parent"}},
            "data": {"wave": wave.to_string()},
        })
    };
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let reconciled = Controller::new(api.clone(), watcher::Config::default().labels("role=parent")).run(
        |parent: Arc<ConfigMap>,
         context: Arc<(Api<ConfigMap>, tokio::sync::mpsc::UnboundedSender<String>)>| async move {
            let wave = parent.data.as_ref().and_then(|data| data.get("wave")).cloned().unwrap_or_default();
            let name = format!("child-of-{}", parent.name_any());
            let child = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"wave": wave},
            });
            context.0.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(child)).await?;
            let _ = context.1.send(wave);
            Ok::<_, kube::Error>(Action::await_change())
        },
        |_, _, _| Action::requeue(Duration::from_millis(10)),
        Arc::new((api.clone(), tell)),
    );
    let running = tokio::spawn(reconciled.for_each(|_| async {}));
    let mut elapsed = Duration::ZERO;
    // The first wave makes the objects and is not counted.
    for wave in 0..=waves {
        let start = Instant::now();
        for index in 0..objects {
            api.patch(&format!("parent-{index}"), &params, &Patch::Apply(parent(index, wave))).await?;
        }
        let this = wave.to_string();
        let mut left = objects;
        while left > 0 {
            match told.recv().await {
                Some(of) if of == this => left -= 1,
                Some(_) => {}
                None => return Err("the controller ended".into()),
            }
        }
        if wave > 0 {
            elapsed += start.elapsed();
        }
    }
    running.abort();
    Ok(elapsed)
}
