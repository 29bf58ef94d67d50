//! One watch per kind: a store of what is there, and a stream of changes for all who depend on it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{Stream, StreamExt};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// A change of one object: `before` is nothing for a new one, `after` for one that is gone.
#[derive(Debug)]
pub struct Change<K> {
    /// The object as it was known.
    pub before: Option<Arc<K>>,
    /// The object as it is now.
    pub after: Option<Arc<K>>,
}

impl<K> Clone for Change<K> {
    fn clone(&self) -> Self {
        Self { before: self.before.clone(), after: self.after.clone() }
    }
}

/// The watch of one kind, shared by its own controller and by those that wait for objects of it.
///
/// Flow: subscribe first, then [`Informer::run`] once. Guarantee: each subscriber sees each change once, in the order
/// of the watch, after the store has it; a lost watch is listed anew, and what changed or vanished meanwhile is told.
pub struct Informer<K: Resource<DynamicType = ()> + Clone + 'static> {
    store: Store<K>,
    writer: Mutex<Option<reflector::store::Writer<K>>>,
    subscribers: Mutex<Vec<UnboundedSender<Change<K>>>>,
    listed: CancellationToken,
}

impl<K: Resource<DynamicType = ()> + Clone> Debug for Informer<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Informer").field("kind", &K::kind(&())).finish_non_exhaustive()
    }
}

impl<K> Default for Informer<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    fn default() -> Self {
        let (store, writer) = reflector::store();
        Self {
            store,
            writer: Mutex::new(Some(writer)),
            subscribers: Mutex::default(),
            listed: CancellationToken::new(),
        }
    }
}

impl<K> Informer<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    /// Returns the store that the watch fills.
    pub fn store(&self) -> Store<K> {
        self.store.clone()
    }

    /// Returns the object of this name, if it is known.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.store.get(&ObjectRef::new(name).within(namespace))
    }

    /// Waits until all objects are known, and subscribers were told of them. Any number may wait; of those who wait for the
    /// store itself kube wakes only the last.
    pub async fn wait_until_listed(&self) {
        self.listed.cancelled().await;
    }

    /// Returns all changes from now on.
    pub fn subscribe(&self) -> impl Stream<Item = Change<K>> + Send + 'static {
        let (sender, receiver) = unbounded_channel();
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        futures::stream::unfold(receiver, |mut r| async move { r.recv().await.map(|change| (change, r)) })
    }

    /// Watches until `stop`; a second call returns at once. Fields that nobody here reads (`managedFields`) are
    /// dropped before the store sees them, since they are most of an object's weight.
    pub async fn run(&self, api: Api<K>, config: watcher::Config, stop: CancellationToken) {
        let Some(mut writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let events =
            watcher(api, config).default_backoff().modify(|object| object.meta_mut().managed_fields = None);
        let mut events = std::pin::pin!(events.take_until(stop.cancelled_owned()));
        let mut listed = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.take(&mut writer, &mut listed, &event),
                Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "watch interrupted, trying again"),
            }
        }
    }

    fn take(
        &self,
        writer: &mut reflector::store::Writer<K>,
        listed: &mut Vec<Change<K>>,
        event: &watcher::Event<K>,
    ) {
        match event {
            watcher::Event::Apply(object) => {
                let change = self.change(object);
                writer.apply_watcher_event(event);
                self.tell(change);
            }
            watcher::Event::Delete(object) => {
                let before = self.store.get(&ObjectRef::from_obj(object));
                writer.apply_watcher_event(event);
                self.tell(Change { before: before.or_else(|| Some(Arc::new(object.clone()))), after: None });
            }
            watcher::Event::Init => {
                listed.clear();
                writer.apply_watcher_event(event);
            }
            watcher::Event::InitApply(object) => {
                listed.push(self.change(object));
                writer.apply_watcher_event(event);
            }
            watcher::Event::InitDone => {
                let known = self.store.state();
                writer.apply_watcher_event(event);
                let gone = known.into_iter().filter(|o| self.store.get(&ObjectRef::from_obj(&**o)).is_none());
                let gone: Vec<_> = gone.map(|before| Change { before: Some(before), after: None }).collect();
                listed.drain(..).chain(gone).for_each(|change| self.tell(change));
                self.listed.cancel();
            }
        }
    }

    fn change(&self, object: &K) -> Change<K> {
        Change { before: self.store.get(&ObjectRef::from_obj(object)), after: Some(Arc::new(object.clone())) }
    }

    fn tell(&self, change: Change<K>) {
        let version = |o: &Option<Arc<K>>| o.as_ref().and_then(|o| o.meta().resource_version.clone());
        if change.after.is_some() && version(&change.before) == version(&change.after) {
            return; // listed again, nothing new
        }
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| subscriber.send(change.clone()).is_ok());
    }
}
