//! The dispatcher: takes events in, routes them, keeps them until they are delivered.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{self, BoxStream};
use gitops_api::Event;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::time::Instant;

use super::directory::Directory;
use super::observe::{Failed, GiveUp, Observation, Observer, Outcome, Receipt};
use super::options::DispatchOptions;
use super::outbox::{Lane, Outbox, Pushed};
use super::worker::{self, Delivery, Prepared};
use crate::event::{RateLimiter, clean_metadata, event_key, metadata};
use crate::provider::Clients;
use crate::route::{Route, Routes, Verdict};
use crate::{NotifyError, ObjectKey, describe};

/// How long the labels of an object may take to be read.
const LABELS_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes events, finds the alerts that they belong to, and delivers them to the alerts' providers.
///
/// # Flow
/// An event is cleaned of foreign metadata, refused if the same one came within the interval, freed of secrets, matched with
/// the alerts, and put into the queue of each alert's provider. From there it is delivered in the background, tried again while
/// that may help, and ends in a receipt.
///
/// # Guarantees
/// - Each delivery of an accepted event ends in exactly one [`Receipt`], at the latest when its patience is over.
/// - The events of one object reach one provider one after the other, in the order in which they were accepted; an event whose
///   delivery is given up is left out. Other objects and other providers do not wait for them.
/// - Memory is bounded, see [`DispatchOptions`].
///
/// # Assumptions
/// It runs inside of a tokio runtime with time and network. What waits is lost when the process ends without
/// [`shutdown`](Self::shutdown).
///
/// Clones are the same dispatcher.
///
/// ```no_run
/// use std::sync::Arc;
/// use gitops_notify::{DispatchOptions, Dispatcher, RouteOptions, Routes, StaticDirectory};
///
/// # async fn f(alert: gitops_api::notification_v1beta3::Alert,
/// #            provider: gitops_api::notification_v1beta3::Provider,
/// #            event: gitops_api::Event) -> Result<(), gitops_notify::NotifyError> {
/// use futures::StreamExt as _;
///
/// let routes = Routes::new(RouteOptions::default());
/// routes.set(&alert);
/// let directory = StaticDirectory::new();
/// directory.set_provider(provider, Default::default());
/// let dispatcher = Dispatcher::new(routes, Arc::new(directory), DispatchOptions::default());
///
/// let mut seen = dispatcher.observations();
/// dispatcher.accept(event).await?;
/// println!("{:?}", seen.next().await);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Dispatcher {
    shared: Arc<Shared>,
}

/// What became of an event that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// The number of the event, counted by this dispatcher.
    pub event: u64,
    /// How many receipts come, or came already, for it.
    pub deliveries: usize,
}

/// Whether the dispatcher goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Nothing more is taken; what waits is delivered.
    Draining,
    /// What waits is given up.
    Closed,
}

pub(super) struct Shared {
    pub(super) options: DispatchOptions,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) clients: Clients,
    pub(super) prepared: Mutex<HashMap<ObjectKey, Arc<Prepared>>>,
    pub(super) slots: Mutex<HashMap<ObjectKey, Arc<Semaphore>>>,
    pub(super) phase: watch::Sender<Phase>,
    routes: Routes,
    limiter: Mutex<RateLimiter>,
    outbox: Mutex<Outbox<Delivery>>,
    waiting: watch::Sender<usize>,
    observers: Mutex<Vec<Arc<dyn Observer>>>,
    subscribers: broadcast::Sender<Observation>,
    events: AtomicU64,
}

impl Dispatcher {
    /// Returns a dispatcher over these alerts, for which `directory` reads Providers and labels.
    #[must_use]
    pub fn new(routes: Routes, directory: Arc<dyn Directory>, options: DispatchOptions) -> Self {
        let shared = Shared {
            directory,
            clients: Clients::new(options.addresses),
            prepared: Mutex::default(),
            slots: Mutex::default(),
            phase: watch::Sender::new(Phase::Open),
            routes,
            limiter: Mutex::new(RateLimiter::new(options.interval)),
            outbox: Mutex::new(Outbox::new(options.bounds())),
            waiting: watch::Sender::new(0),
            observers: Mutex::default(),
            subscribers: broadcast::Sender::new(options.backlog.max(1)),
            events: AtomicU64::new(0),
            options,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds an observer, which is told of everything from now on and misses nothing.
    #[must_use]
    pub fn with_observer(self, observer: impl Observer) -> Self {
        lock(&self.shared.observers).push(Arc::new(observer));
        self
    }

    /// Returns the alerts.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.shared.routes
    }

    /// Returns a stream of everything from now on. Whoever reads it too slowly is told how much it missed.
    pub fn observations(&self) -> BoxStream<'static, Observation> {
        let receiver = self.shared.subscribers.subscribe();
        let next = async |mut receiver: broadcast::Receiver<Observation>| {
            let observation = match receiver.recv().await {
                Ok(observation) => observation,
                Err(broadcast::error::RecvError::Lagged(count)) => Observation::Missed { count },
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            Some((observation, receiver))
        };
        Box::pin(stream::unfold(receiver, next))
    }

    /// Returns how many deliveries wait or are under way.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.shared.outbox).len()
    }

    /// Takes an event.
    ///
    /// # Errors
    /// [`NotifyError::Repeated`] when the same event was taken a short while ago, [`NotifyError::Overloaded`] when no more
    /// may wait, [`NotifyError::ShuttingDown`]. The event is then not taken and there are no receipts.
    pub async fn accept(&self, mut event: Event) -> Result<Accepted, NotifyError> {
        let shared = &self.shared;
        if *shared.phase.borrow() != Phase::Open {
            return Err(NotifyError::ShuttingDown);
        }
        clean_metadata(&mut event);
        let bytes = size(&event);
        if !lock(&shared.outbox).has_room(bytes) {
            return Err(NotifyError::Overloaded { waiting: self.waiting() });
        }
        let now = Instant::now();
        let interval = shared.options.interval;
        let admitted = lock(&shared.limiter).admit(&event_key(&event), now.into_std());
        admitted.map_err(|_| NotifyError::Repeated { interval })?;
        metadata::drop_token(&mut event);
        shared.options.redactor.event(&mut event);
        Ok(self.route(Arc::new(event), bytes, now).await)
    }

    async fn route(&self, event: Arc<Event>, bytes: usize, now: Instant) -> Accepted {
        let shared = &self.shared;
        let number = shared.events.fetch_add(1, Ordering::Relaxed);
        let unlabelled = shared.routes.waiting_for_labels(&event);
        let labels = match unlabelled.is_empty() {
            true => Ok(None),
            false => shared.labels(&event).await,
        };
        let known = labels.as_ref().ok().and_then(Option::as_ref);
        let asked = shared.routes.judged(&event, known);
        for (route, verdict) in &asked {
            let read = matches!(verdict, Verdict::Matches | Verdict::NotIncluded | Verdict::Excluded { .. });
            for pattern in route.invalid_patterns().iter().filter(|_| read) {
                let (alert, pattern) = (route.alert().clone(), pattern.clone());
                shared.observe(&Observation::InvalidPattern { alert, pattern });
            }
        }
        let matched = asked.into_iter().filter(|(_, verdict)| *verdict == Verdict::Matches);
        let matched: Vec<Arc<Route>> = matched.map(|(route, _)| route).collect();
        let lost: Vec<Arc<Route>> = match &labels {
            Ok(_) => Vec::new(),
            Err(_) => unlabelled.into_iter().filter(|route| !is_in(&matched, route)).collect(),
        };
        let deliveries = matched.len() + lost.len();
        let object = describe(&event.involved_object);
        shared.observe(&Observation::Accepted { event: number, object, deliveries });
        let delivery = |route| Delivery { number, event: Arc::clone(&event), route, accepted: now };
        if let Err(error) = &labels {
            let failed = Failed { why: GiveUp::Labels, error: worker::told(error) };
            for route in lost {
                shared.end(&delivery(route), Outcome::GivenUp(failed.clone()), 0);
            }
        }
        for route in matched {
            self.enqueue(delivery(route), bytes);
        }
        Accepted { event: number, deliveries }
    }

    fn enqueue(&self, delivery: Delivery, bytes: usize) {
        let shared = &self.shared;
        let lane = Lane::new(delivery.route.provider(), &delivery.event.involved_object);
        let mut outbox = lock(&shared.outbox);
        let pushed = outbox.push(lane.clone(), delivery, bytes);
        shared.waiting.send_replace(outbox.len());
        drop(outbox);
        match pushed {
            Pushed::Joined => {}
            Pushed::Start => drop(tokio::spawn(worker::run(Arc::clone(shared), lane))),
            Pushed::Full(delivery) => {
                let queue = shared.options.queue;
                let error = format!("the queue of provider {} is full ({queue} deliveries)", lane.provider);
                shared.end(&delivery, Outcome::GivenUp(Failed { why: GiveUp::QueueFull, error }), 0);
            }
        }
    }

    /// Drops the client and the connections of a provider that does not exist any more. What waits for it is given up when it
    /// is its turn.
    pub fn forget(&self, provider: &ObjectKey) {
        lock(&self.shared.prepared).remove(provider);
        lock(&self.shared.slots).remove(provider);
    }

    /// Takes no more events, delivers what waits for at most `grace`, and gives up the rest. Returns when every delivery has
    /// its receipt.
    pub async fn shutdown(&self, grace: Duration) {
        let shared = &self.shared;
        shared.phase.send_if_modified(|phase| {
            let was_open = *phase == Phase::Open;
            if was_open {
                *phase = Phase::Draining;
            }
            was_open
        });
        let mut waiting = shared.waiting.subscribe();
        if tokio::time::timeout(grace, waiting.wait_for(|count| *count == 0)).await.is_err() {
            shared.phase.send_replace(Phase::Closed);
            // The sender lives as long as this dispatcher, so there is no error to see.
            let _ = waiting.wait_for(|count| *count == 0).await;
        }
        shared.phase.send_replace(Phase::Closed);
    }
}

impl Shared {
    async fn labels(&self, event: &Event) -> Result<Option<BTreeMap<String, String>>, NotifyError> {
        let object = describe(&event.involved_object);
        let read = tokio::time::timeout(LABELS_TIMEOUT, self.directory.labels(&event.involved_object)).await;
        match read {
            // An object that is gone has no labels.
            Ok(Ok(labels)) => Ok(Some(labels.unwrap_or_default())),
            Ok(Err(source)) => Err(NotifyError::ReadLabels { object, source }),
            Err(source) => Err(NotifyError::ReadLabels { object, source: source.into() }),
        }
    }

    /// Returns the next delivery of a lane and its size, or ends the lane.
    pub(super) fn next(&self, lane: &Lane) -> Option<(Delivery, usize)> {
        lock(&self.outbox).next(lane)
    }

    /// Counts a delivery of a lane off, after its receipt.
    pub(super) fn done(&self, lane: &Lane, bytes: usize) {
        let mut outbox = lock(&self.outbox);
        outbox.done(lane, bytes);
        self.waiting.send_replace(outbox.len());
    }

    /// Writes a delivery's receipt.
    pub(super) fn end(&self, delivery: &Delivery, outcome: Outcome, attempts: u32) {
        self.observe(&Observation::Receipt(Receipt {
            event: delivery.number,
            object: describe(&delivery.event.involved_object),
            reason: delivery.event.reason.clone(),
            alert: delivery.route.alert().clone(),
            provider: delivery.route.provider().clone(),
            outcome,
            attempts,
            took: delivery.accepted.elapsed(),
        }));
    }

    pub(super) fn observe(&self, observation: &Observation) {
        let observers = lock(&self.observers).clone();
        for observer in observers {
            observer.observe(observation);
        }
        // Nobody may be listening.
        let _ = self.subscribers.send(observation.clone());
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_in(routes: &[Arc<Route>], route: &Route) -> bool {
    routes.iter().any(|other| other.alert() == route.alert())
}

/// Returns about how many bytes an event holds.
fn size(event: &Event) -> usize {
    let metadata: usize = event.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    512 + event.message.len() + event.reason.len() + event.reporting_controller.len() + metadata
}
