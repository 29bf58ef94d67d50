//! Seeing objects as they change: one watch for each kind and namespace, read into one stream.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::stream::{self, BoxStream, SelectAll};
use futures::{FutureExt, Stream, StreamExt};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Place};
use crate::discovery::Resource;
use crate::fields::join_api_version;

/// Up to so many objects of a kind and namespace are watched one by one, more of them all together.
const SINGLE_WATCHES: usize = 4;
/// How often objects are read where watching is forbidden.
const FALLBACK_PERIOD: Duration = Duration::from_secs(2);

/// What was seen of a target: its place in the list of targets, and the object if it exists.
pub(super) type Seen = (usize, Option<Value>);

/// Observes objects until the stream is dropped. Every target is seen at least once, and again when it changes.
pub(super) fn observe(
    cluster: &Cluster,
    places: &[(usize, Place)],
) -> SelectAll<BoxStream<'static, Vec<Seen>>> {
    let mut groups: BTreeMap<(String, String), Vec<&(usize, Place)>> = BTreeMap::new();
    for target in places {
        let place = &target.1;
        let namespace = if place.resource.namespaced { place.namespace.clone() } else { String::new() };
        groups.entry((place.resource.collection(""), namespace)).or_default().push(target);
    }
    let mut all = SelectAll::new();
    for targets in groups.into_values() {
        if targets.len() <= SINGLE_WATCHES {
            for target in targets {
                all.push(watched(cluster.clone(), vec![target.clone()], true).boxed());
            }
        } else {
            all.push(watched(cluster.clone(), targets.into_iter().cloned().collect(), false).boxed());
        }
    }
    all
}

struct Watch {
    names: HashMap<String, usize>,
    missing: HashMap<String, usize>,
    resource: Resource,
}

fn watched(
    cluster: Cluster,
    targets: Vec<(usize, Place)>,
    single: bool,
) -> impl Stream<Item = Vec<Seen>> + Send + 'static {
    let Some((_, first)) = targets.first().cloned() else { return stream::empty().boxed() };
    let resource = first.resource.clone();
    let names: HashMap<String, usize> =
        targets.iter().map(|(index, place)| (place.name.clone(), *index)).collect();
    let config = if single {
        watcher::Config::default().fields(&format!("metadata.name={}", first.name))
    } else {
        watcher::Config::default()
    };
    let events = watcher(api(&cluster, &resource, &first.namespace), config).default_backoff();
    let watch = Watch { missing: names.clone(), names, resource };
    let fallback = move || polled(cluster.clone(), targets.clone()).boxed();
    events
        .scan(watch, |watch, event| {
            let step = match event {
                Ok(event) => Step::Seen(watch.take(event)),
                Err(error) if is_forbidden(&error) => Step::Forbidden,
                Err(error) => {
                    tracing::debug!(%error, "a watch is started again");
                    Step::Seen(Vec::new())
                }
            };
            futures::future::ready(Some(step))
        })
        .flat_map(move |step| match step {
            Step::Seen(seen) => stream::once(futures::future::ready(seen)).boxed(),
            // Who may read single objects but not watch them still gets an answer.
            Step::Forbidden => fallback(),
        })
        .filter(|seen| futures::future::ready(!seen.is_empty()))
        .boxed()
}

enum Step {
    Seen(Vec<Seen>),
    Forbidden,
}

impl Watch {
    fn take(&mut self, event: watcher::Event<DynamicObject>) -> Vec<Seen> {
        match event {
            watcher::Event::Init => {
                self.missing = self.names.clone();
                Vec::new()
            }
            watcher::Event::InitDone => {
                let mut gone: Vec<Seen> = self.missing.drain().map(|(_, index)| (index, None)).collect();
                gone.sort_by_key(|(index, _)| *index);
                gone
            }
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
                let name = object.metadata.name.clone().unwrap_or_default();
                self.missing.remove(&name);
                let index = self.names.get(&name);
                index.map(|index| (*index, Some(self.value(object)))).into_iter().collect()
            }
            watcher::Event::Delete(object) => {
                let name = object.metadata.name.unwrap_or_default();
                self.names.get(&name).map(|index| (*index, None)).into_iter().collect()
            }
        }
    }

    /// Items of a list do not name their kind, so it is put back.
    fn value(&self, object: DynamicObject) -> Value {
        let mut value = serde_json::to_value(object).unwrap_or_else(|_| json!({}));
        value["apiVersion"] = Value::from(join_api_version(&self.resource.group, &self.resource.version));
        value["kind"] = Value::from(self.resource.kind.clone());
        value
    }
}

fn api(cluster: &Cluster, resource: &Resource, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(&resource.group, &resource.version, &resource.kind);
    let known = ApiResource::from_gvk_with_plural(&kind, &resource.plural);
    let client = cluster.calls.client().clone();
    if resource.namespaced && !namespace.is_empty() {
        Api::namespaced_with(client, namespace, &known)
    } else {
        Api::all_with(client, &known)
    }
}

fn is_forbidden(error: &watcher::Error) -> bool {
    let cause = match error {
        watcher::Error::InitialListFailed(cause)
        | watcher::Error::WatchStartFailed(cause)
        | watcher::Error::WatchFailed(cause) => cause,
        _ => return false,
    };
    matches!(cause, kube::Error::Api(status) if status.code == 403)
}

fn polled(cluster: Cluster, targets: Vec<(usize, Place)>) -> impl Stream<Item = Vec<Seen>> + Send + 'static {
    stream::unfold((cluster, targets, false), |(cluster, targets, again)| {
        async move {
            if again {
                tokio::time::sleep(FALLBACK_PERIOD).await;
            }
            let mut seen = Vec::with_capacity(targets.len());
            for (index, place) in &targets {
                match cluster.get(place).await {
                    Ok(object) => seen.push((*index, object)),
                    Err(failure) => tracing::debug!(%failure, "an object could not be read"),
                }
            }
            Some((seen, (cluster, targets, true)))
        }
        .boxed()
    })
}
