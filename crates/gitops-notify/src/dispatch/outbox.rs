//! The bounded queue of deliveries: a lane for each provider and object. Pure.

use std::collections::{HashMap, VecDeque};

use gitops_api::k8s_openapi::api::core::v1::ObjectReference;

use crate::{ObjectKey, describe};

/// What is delivered one after the other: the events of one object to one provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) provider: ObjectKey,
    object: String,
}

impl Lane {
    pub(super) fn new(provider: &ObjectKey, object: &ObjectReference) -> Self {
        Self { provider: provider.clone(), object: describe(object) }
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Deliveries for one provider, the ones under way included.
    pub(super) per_provider: usize,
    /// Bytes of events for one provider.
    pub(super) bytes_per_provider: usize,
    /// Deliveries for all providers together.
    pub(super) total: usize,
    /// Bytes of events for all providers together.
    pub(super) total_bytes: usize,
}

/// Deliveries in their lanes. A delivery counts from [`push`](Self::push) until [`done`](Self::done).
#[derive(Debug)]
pub(super) struct Outbox<T> {
    bounds: Bounds,
    lanes: HashMap<Lane, VecDeque<(T, usize)>>,
    providers: HashMap<ObjectKey, Load>,
    all: Load,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    deliveries: usize,
    bytes: usize,
}

/// What has to happen after a push.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed<T> {
    /// The lane is new: somebody has to start working on it.
    Start,
    /// The lane is being worked on.
    Joined,
    /// The provider's share is used up; the delivery comes back.
    Full(T),
}

impl<T> Outbox<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, lanes: HashMap::new(), providers: HashMap::new(), all: Load::default() }
    }

    /// Returns how many deliveries wait or are under way.
    pub(super) fn len(&self) -> usize {
        self.all.deliveries
    }

    /// Returns whether another event of this size may be accepted at all.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.all.deliveries < self.bounds.total && self.all.bytes + bytes <= self.bounds.total_bytes
    }

    /// Puts a delivery at the end of its lane.
    pub(super) fn push(&mut self, lane: Lane, item: T, bytes: usize) -> Pushed<T> {
        let load = self.providers.get(&lane.provider).copied().unwrap_or_default();
        if load.deliveries >= self.bounds.per_provider
            || (load.deliveries > 0 && load.bytes + bytes > self.bounds.bytes_per_provider)
        {
            return Pushed::Full(item);
        }
        self.providers.entry(lane.provider.clone()).or_default().add(bytes);
        self.all.add(bytes);
        let is_new = !self.lanes.contains_key(&lane);
        self.lanes.entry(lane).or_default().push_back((item, bytes));
        if is_new { Pushed::Start } else { Pushed::Joined }
    }

    /// Returns the next delivery of a lane and its size; `None` ends the lane, so whoever worked on it stops.
    pub(super) fn next(&mut self, lane: &Lane) -> Option<(T, usize)> {
        let next = self.lanes.get_mut(lane)?.pop_front();
        if next.is_none() {
            self.lanes.remove(lane);
        }
        next
    }

    /// Counts a delivery off.
    pub(super) fn done(&mut self, lane: &Lane, bytes: usize) {
        self.all.subtract(bytes);
        if let Some(load) = self.providers.get_mut(&lane.provider) {
            load.subtract(bytes);
            if load.deliveries == 0 {
                self.providers.remove(&lane.provider);
            }
        }
    }
}

impl Load {
    fn add(&mut self, bytes: usize) {
        self.deliveries += 1;
        self.bytes += bytes;
    }

    fn subtract(&mut self, bytes: usize) {
        self.deliveries = self.deliveries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
