//! The store: objects as bytes, one revision counter, and a window of history.
//!
//! It knows nothing of Kubernetes but that an object carries its revision. Readers get the bytes that were
//! written; a list at an older revision is the present with the later events undone.

mod events;
mod object;
mod template;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

pub(crate) use events::{Change, Event};
pub(crate) use object::{Key, Loaded, Resource, Stored};
pub(crate) use template::Template;

use crate::signal::{Listener, Signal};

/// Of how many objects the read form is kept: those that were used last.
const HOT_OBJECTS: usize = 512;
/// How large they may be together as they are stored; read they are some times as large.
const HOT_BYTES: usize = 4 * 1024 * 1024;

/// What must be there for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Absent,
    Revision(u64),
}

/// Something else was there than the write expected.
#[derive(Debug)]
pub(crate) struct Mismatch;

/// A page of a list.
pub(crate) struct Page {
    pub(crate) items: Vec<Arc<Stored>>,
    /// The revision that all pages show.
    pub(crate) revision: u64,
    /// The key to go on from.
    pub(crate) next: Option<Box<str>>,
    /// How many are left after this page.
    pub(crate) remaining: usize,
}

/// The revision is no longer in the history.
#[derive(Debug)]
pub(crate) struct Compacted;

pub(crate) struct Store {
    state: Mutex<State>,
    /// Tells of every new revision.
    newest: Signal,
    hot: Mutex<Hot>,
}

struct State {
    revision: u64,
    objects: HashMap<Resource, BTreeMap<Arc<str>, Arc<Stored>>>,
    /// Tells of the new revisions of one resource, where somebody listens.
    news: HashMap<Resource, Signal>,
    history: VecDeque<Arc<Event>>,
    /// Every revision after this one is in the history.
    compacted: u64,
    window: usize,
}

impl Store {
    pub(crate) fn new(window: usize) -> Self {
        // Revision 1 is etcd's empty store.
        let state = State {
            revision: 1,
            objects: HashMap::new(),
            news: HashMap::new(),
            history: VecDeque::new(),
            compacted: 0,
            window: window.max(1),
        };
        Self { state: Mutex::new(state), newest: Signal::new(1), hot: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// Tells of every new revision.
    pub(crate) fn subscribe(&self) -> Listener {
        self.newest.subscribe()
    }

    /// Tells of the new revisions of one resource: who watches it need not wake for others.
    pub(crate) fn subscribe_to(&self, resource: &Resource) -> Listener {
        let mut state = self.lock();
        let revision = state.revision;
        let news = state.news.entry(Arc::clone(resource));
        news.or_insert_with(|| Signal::new(revision)).subscribe()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Stored>> {
        self.lock().objects.get(&key.resource)?.get(&key.path).cloned()
    }

    /// Keeps the read form of an object for a while.
    pub(crate) fn keep_hot(&self, loaded: &Arc<Loaded>) {
        self.hot.lock().unwrap_or_else(PoisonError::into_inner).keep(loaded);
    }

    /// Writes an object; `make` gets the revision that it will have.
    ///
    /// Nobody reads or writes while it is made: what can be made before should be, see [`Template`].
    pub(crate) fn put(
        &self,
        key: &Key,
        expect: Expect,
        make: impl FnOnce(u64) -> Vec<u8>,
    ) -> Result<Arc<Stored>, Mismatch> {
        self.change(key, expect, make, Change::Put)
    }

    /// Removes an object; `make` gets the revision of the removal and makes what watchers see.
    pub(crate) fn remove(
        &self,
        key: &Key,
        expect: Expect,
        make: impl FnOnce(u64) -> Vec<u8>,
    ) -> Result<Arc<Stored>, Mismatch> {
        self.change(key, expect, make, Change::Delete)
    }

    fn change(
        &self,
        key: &Key,
        expect: Expect,
        make: impl FnOnce(u64) -> Vec<u8>,
        change: impl FnOnce(Arc<Stored>) -> Change,
    ) -> Result<Arc<Stored>, Mismatch> {
        let mut state = self.lock();
        let before = state.objects.get(&key.resource).and_then(|objects| objects.get(&key.path)).cloned();
        check(before.as_ref(), expect)?;
        let revision = state.revision + 1;
        let stored = Arc::new(Stored::new(make(revision).into(), revision, before.is_none()));
        let change = change(Arc::clone(&stored));
        match (&change, state.objects.get_mut(&key.resource)) {
            (Change::Delete(_), Some(objects)) => {
                objects.remove(&key.path);
            }
            (Change::Delete(_), None) => {}
            (Change::Put(_), Some(objects)) => match objects.get_mut(&key.path) {
                Some(old) => *old = Arc::clone(&stored),
                None => {
                    objects.insert(Arc::clone(&key.path), Arc::clone(&stored));
                }
            },
            (Change::Put(_), None) => {
                let objects = BTreeMap::from([(Arc::clone(&key.path), Arc::clone(&stored))]);
                state.objects.insert(Arc::clone(&key.resource), objects);
            }
        }
        state.record(Event::new(revision, key.clone(), before, change));
        if let Some(news) = state.news.get(&key.resource) {
            news.send(revision);
        }
        self.newest.send(revision);
        Ok(stored)
    }

    /// Lists the objects of a resource in a namespace (`""`: in all), as they were at a revision.
    pub(crate) fn list(
        &self,
        resource: &str,
        namespace: &str,
        at: Option<u64>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, Compacted> {
        let state = self.lock();
        let revision = at.unwrap_or(state.revision).min(state.revision);
        if revision < state.compacted {
            return Err(Compacted);
        }
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        let start = after.unwrap_or(&prefix).to_owned();
        let bound =
            if after.is_some() { Bound::Excluded(start.as_str()) } else { Bound::Included(prefix.as_str()) };
        // What later events changed, as it was before.
        let mut undone: BTreeMap<&str, Option<&Arc<Stored>>> = BTreeMap::new();
        // The newest first, so that the oldest of them has the last word.
        for event in state.history.iter().rev().take_while(|event| event.revision > revision) {
            if &*event.key.resource == resource && event.key.path.starts_with(&prefix) {
                undone.insert(&event.key.path, event.before.as_ref());
            }
        }
        let empty: BTreeMap<Arc<str>, Arc<Stored>> = BTreeMap::new();
        let objects = state.objects.get(resource).unwrap_or(&empty);
        let present = objects
            .range::<str, _>((bound, Bound::Unbounded))
            .take_while(|(path, _)| path.starts_with(&prefix));
        let mut items: Vec<(&str, &Arc<Stored>)>;
        if undone.is_empty() && limit > 0 {
            items = present.clone().take(limit + 1).map(|(path, stored)| (&**path, stored)).collect();
            let total = if items.len() > limit { present.count() } else { items.len() };
            let more = items.len() > limit;
            items.truncate(limit);
            let next = if more { items.last().map(|(path, _)| (*path).into()) } else { None };
            let remaining = total - items.len();
            let items = items.into_iter().map(|(_, stored)| Arc::clone(stored)).collect();
            return Ok(Page { items, revision, next, remaining });
        }
        items = present
            .filter(|(path, _)| !undone.contains_key(&***path))
            .map(|(path, stored)| (&**path, stored))
            .collect();
        let is_after = |path: &str| after.is_none_or(|after| path > after);
        items.extend(
            undone
                .iter()
                .filter(|(path, _)| is_after(path))
                .filter_map(|(path, before)| Some((*path, (*before)?))),
        );
        items.sort_by_key(|(path, _)| *path);
        let total = items.len();
        let more = limit > 0 && total > limit;
        if more {
            items.truncate(limit);
        }
        let next = if more { items.last().map(|(path, _)| (*path).into()) } else { None };
        let remaining = total - items.len();
        let items = items.into_iter().map(|(_, stored)| Arc::clone(stored)).collect();
        Ok(Page { items, revision, next, remaining })
    }

    /// Returns the events of some resource after a revision, and the revision up to which they go.
    pub(crate) fn events_after(
        &self,
        revision: u64,
        wanted: impl Fn(&Key) -> bool,
    ) -> Result<(Vec<Arc<Event>>, u64), Compacted> {
        let state = self.lock();
        if revision < state.compacted {
            return Err(Compacted);
        }
        let first = state.history.partition_point(|event| event.revision <= revision);
        let events = state.history.range(first..).filter(|event| wanted(&event.key)).cloned().collect();
        Ok((events, state.revision.max(revision)))
    }

    /// Forgets the history up to a revision.
    pub(crate) fn compact(&self, revision: u64) {
        let mut state = self.lock();
        let revision = revision.min(state.revision);
        let first = state.history.partition_point(|event| event.revision <= revision);
        state.history.drain(..first);
        state.compacted = state.compacted.max(revision);
    }

    /// Returns how many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().objects.values().map(BTreeMap::len).sum()
    }

    /// Returns everything that is stored.
    pub(crate) fn dump(&self) -> (u64, Vec<(Key, Bytes)>) {
        let state = self.lock();
        let objects = state.objects.iter().flat_map(|(resource, objects)| {
            objects.iter().map(|(path, stored)| {
                (Key { resource: Arc::clone(resource), path: path.clone() }, stored.bytes.clone())
            })
        });
        (state.revision, objects.collect())
    }

    /// Puts everything that was stored back. Watches that go on from another history learn that it is gone.
    pub(crate) fn restore(&self, revision: u64, objects: impl IntoIterator<Item = (Key, Bytes, u64)>) {
        let mut state = self.lock();
        // Revisions never go back, or a watcher would take old news for new.
        let revision = revision.max(state.revision + 1);
        state.objects.clear();
        state.history.clear();
        for (key, bytes, revision) in objects {
            let stored = Arc::new(Stored::new(bytes, revision, false));
            state.objects.entry(key.resource).or_default().insert(key.path, stored);
        }
        state.revision = revision;
        state.compacted = revision;
        state.news.values().for_each(|news| news.send(revision));
        self.newest.send(revision);
    }
}

fn check(before: Option<&Arc<Stored>>, expect: Expect) -> Result<(), Mismatch> {
    let holds = match (before, expect) {
        (None, Expect::Absent) => true,
        (Some(stored), Expect::Revision(revision)) => stored.revision == revision,
        _ => false,
    };
    if holds { Ok(()) } else { Err(Mismatch) }
}

impl State {
    fn record(&mut self, event: Event) {
        self.revision = event.revision;
        self.history.push_back(Arc::new(event));
        while self.history.len() > self.window {
            if let Some(oldest) = self.history.pop_front() {
                self.compacted = oldest.revision;
            }
        }
    }
}

/// The objects whose read form is kept, the one that was used first in front.
#[derive(Default)]
struct Hot {
    objects: VecDeque<Arc<Loaded>>,
    bytes: usize,
}

impl Hot {
    fn keep(&mut self, loaded: &Arc<Loaded>) {
        self.bytes += loaded.size;
        self.objects.push_back(Arc::clone(loaded));
        while self.objects.len() > HOT_OBJECTS || self.bytes > HOT_BYTES {
            let Some(first) = self.objects.pop_front() else { break };
            self.bytes -= first.size;
        }
    }
}
