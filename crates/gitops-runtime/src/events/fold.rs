//! Which events are the same, so that a repeated one is counted up instead of written again.

use std::collections::{HashMap, VecDeque};

use gitops_api::{Event, Severity};

/// How many events are remembered, as many as client-go's correlator does.
const REMEMBERED: usize = 4096;

/// The events that were written lately. Two are the same when object, type, reason and message are; metadata does not
/// matter, as in client-go.
#[derive(Debug, Default)]
pub(super) struct Fold {
    known: HashMap<Key, Written>,
    order: VecDeque<Key>,
}

/// An event that stands on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) count: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    uid: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    kind: Option<String>,
    warning: bool,
    reason: String,
    message: String,
}

impl Key {
    pub(super) fn of(event: &Event) -> Self {
        let object = &event.involved_object;
        Self {
            uid: object.uid.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            kind: object.kind.clone(),
            warning: event.severity == Severity::Error,
            reason: event.reason.clone(),
            message: event.message.clone(),
        }
    }
}

impl Fold {
    /// Returns the event that stands for this key, with its next count.
    pub(super) fn next(&mut self, key: &Key) -> Option<Written> {
        let written = self.known.get_mut(key)?;
        written.count = written.count.saturating_add(1);
        Some(written.clone())
    }

    /// Remembers a new event; the oldest is forgotten when there are too many.
    pub(super) fn remember(&mut self, key: Key, name: String) {
        if self.known.insert(key.clone(), Written { name, count: 1 }).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Forgets an event that is gone from the server.
    pub(super) fn forget(&mut self, key: &Key) {
        self.known.remove(key);
        self.order.retain(|k| k != key);
    }
}
