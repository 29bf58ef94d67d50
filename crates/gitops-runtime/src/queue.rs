//! Running reconciliations: who is next, when again, what happens to one that fails or panics.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use kube::runtime::Controller;
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Resource, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// When an object wants to be reconciled again, unless something wakes it earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// After this time.
    After(Duration),
    /// After a time that doubles with each failure in a row.
    Backoff,
    /// Not until something changes.
    OnChange,
}

/// The delays between failures of one object: `min`, doubled each time, at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first delay.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
}

impl Default for Backoff {
    /// Flux's defaults: 750 ms to 15 minutes (`--min-retry-delay`, `--max-retry-delay`).
    fn default() -> Self {
        Self { min: Duration::from_millis(750), max: Duration::from_secs(15 * 60) }
    }
}

impl Backoff {
    /// Returns the delay after so many failures in a row; the first failure is number 1.
    ///
    /// ```
    /// use std::time::Duration;
    /// use gitops_runtime::queue::Backoff;
    /// let backoff = Backoff::default();
    /// assert_eq!(backoff.delay(1), Duration::from_millis(750));
    /// assert_eq!(backoff.delay(3), Duration::from_secs(3));
    /// assert_eq!(backoff.delay(99), Duration::from_secs(900));
    /// ```
    pub fn delay(self, failures: u32) -> Duration {
        let doubled = self.min.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1).min(31)));
        doubled.min(self.max)
    }
}

/// What a queue needs to work.
#[derive(Debug)]
pub struct QueueContext<K: Resource<DynamicType = ()> + Clone + 'static> {
    /// Where the objects are found.
    pub store: Store<K>,
    /// The delays between failures.
    pub backoff: Backoff,
    /// Where durations are counted.
    pub metrics: Arc<Metrics>,
    /// Ends the queue: nothing new is started, what runs is awaited.
    pub stop: CancellationToken,
}

/// Reconciles each object that a trigger names, until `stop`.
///
/// Guarantees: one object is never reconciled twice at the same time; triggers that arrive meanwhile lead to one more run
/// afterwards; a panic is caught, counted as a failure of that object, and disturbs no other.
///
/// There is no limit on concurrency here: a reconciliation that only waits must not hold back one that could work. Limit
/// the work itself, inside `reconcile`.
pub async fn run<K, F, Fut>(
    triggers: Vec<BoxStream<'static, ObjectRef<K>>>,
    context: QueueContext<K>,
    reconcile: F,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + serde::de::DeserializeOwned + Send + Sync + 'static,
    F: Fn(Arc<K>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Requeue> + Send + 'static,
{
    let QueueContext { store, backoff, metrics, stop } = context;
    let failures: Arc<Mutex<HashMap<ObjectRef<K>, u32>>> = Arc::default();
    let nothing = futures::stream::pending::<Result<K, kube::runtime::watcher::Error>>();
    let mut controller = Controller::for_stream(nothing, store);
    for trigger in triggers {
        controller = controller.reconcile_on(trigger);
    }
    let one = move |object: Arc<K>, reconcile: Arc<F>| {
        let (failures, metrics) = (failures.clone(), metrics.clone());
        async move {
            let key = ObjectRef::from_obj(&*object);
            let started = Instant::now();
            let requeue = match AssertUnwindSafe(reconcile(object.clone())).catch_unwind().await {
                Ok(requeue) => requeue,
                Err(_) => {
                    tracing::error!(object = %key, "reconciliation panicked, trying again later");
                    Requeue::Backoff
                }
            };
            metrics.reconciled(
                &K::kind(&()),
                &object.namespace().unwrap_or_default(),
                &object.name_any(),
                started.elapsed(),
            );
            let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
            Ok::<_, std::convert::Infallible>(match requeue {
                Requeue::Backoff => {
                    let count = failures.entry(key).or_insert(0);
                    *count = count.saturating_add(1);
                    Action::requeue(backoff.delay(*count))
                }
                Requeue::After(delay) => {
                    failures.remove(&key);
                    Action::requeue(delay)
                }
                Requeue::OnChange => {
                    failures.remove(&key);
                    Action::await_change()
                }
            })
        }
    };
    controller
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(one, |_, never, _| match *never {}, Arc::new(reconcile))
        .for_each(|_| std::future::ready(()))
        .await;
}
