//! What puts an object into the queue of its kind: its own changes, and those of others.

use std::fmt::Debug;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use gitops_runtime::informer::{Change, Informer};
use gitops_runtime::trigger::asks_for_work;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PartialObjectMeta;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

/// The label by which a Secret asks that its changes count at once.
const WATCHED: &str = "reconcile.fluxcd.io/watch=Enabled";

/// The objects whose own change asks for work.
pub(super) fn own_changes<K>(informer: &Informer<K>) -> BoxStream<'static, ObjectRef<K>>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let asked = |change: Change<K>| async move {
        let after = change.after?;
        asks_for_work(change.before.as_deref(), &*after).then(|| ObjectRef::from_obj(&*after))
    };
    informer.subscribe().filter_map(asked).boxed()
}

/// Which of all objects of one kind a change of another object wakes, in the order in which they begin.
type Whom<K, D> = fn(&Change<K>, &[Arc<D>]) -> Vec<ObjectRef<D>>;

/// The objects that another object's change wakes.
pub(super) fn woken<K, D>(
    changes: impl Stream<Item = Change<K>> + Send + 'static,
    all: &Arc<Informer<D>>,
    whom: Whom<K, D>,
) -> BoxStream<'static, ObjectRef<D>>
where
    K: Send + Sync + 'static,
    D: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let all = all.clone();
    changes.flat_map(move |change| futures::stream::iter(whom(&change, &all.store().state()))).boxed()
}

/// The objects whose Secret changed, of those Secrets whose label asks for it; `name` is that of an object's Secret. Only
/// metadata is watched.
pub(super) fn secret_changes<D>(
    secrets: Api<PartialObjectMeta<Secret>>,
    all: &Arc<Informer<D>>,
    name: fn(&D) -> Option<&str>,
) -> BoxStream<'static, ObjectRef<D>>
where
    D: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let all = all.clone();
    let changes = watcher(secrets, watcher::Config::default().labels(WATCHED)).default_backoff();
    changes
        .touched_objects()
        .filter_map(|change| std::future::ready(change.ok()))
        .flat_map(move |secret| {
            let uses = |object: &&Arc<D>| {
                object.meta().namespace == secret.namespace() && name(object) == Some(&*secret.name_any())
            };
            let state = all.store().state();
            let woken: Vec<_> =
                state.iter().filter(uses).map(|object| ObjectRef::from_obj(&**object)).collect();
            futures::stream::iter(woken)
        })
        .boxed()
}
