//! One lane's deliveries, one after the other.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use gitops_api::Event;
use gitops_api::notification_v1beta3::ProviderSpec;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::ProviderRecord;
use super::dispatcher::{Phase, Shared, lock};
use super::observe::{Failed, GiveUp, Observation, Outcome};
use super::outbox::Lane;
use crate::event::{MergedMetadata, merge_metadata};
use crate::provider::{Credentials, HttpWire, Provider, Settings};
use crate::route::{Route, Skip, gate};
use crate::{NotifyError, ObjectKey, Redactor};

/// One event on its way to one provider, because of one alert.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) event: Arc<Event>,
    pub(super) route: Arc<Route>,
    pub(super) accepted: Instant,
}

/// A provider that is ready to be told, kept while what it was made of stays the same.
#[derive(Debug)]
pub(super) struct Prepared {
    fingerprint: [u8; 32],
    provider: Arc<dyn Provider>,
    wire: HttpWire,
    redactor: Redactor,
}

/// Works on a lane until nothing waits in it.
pub(super) async fn run(shared: Arc<Shared>, lane: Lane) {
    while let Some((delivery, bytes)) = shared.next(&lane) {
        let mut attempts = 0;
        let outcome = tokio::select! {
            biased;
            () = closed(&shared) => shut_down(),
            outcome = deliver(&shared, &delivery, &mut attempts) => outcome,
        };
        shared.end(&delivery, outcome, attempts);
        shared.done(&lane, bytes);
    }
}

async fn closed(shared: &Shared) {
    let mut phase = shared.phase.subscribe();
    // The sender lives as long as `shared`, so there is no error to see.
    let _ = phase.wait_for(|phase| *phase == Phase::Closed).await;
}

fn shut_down() -> Outcome {
    let error = NotifyError::ShuttingDown.to_string();
    Outcome::GivenUp(Failed { why: GiveUp::ShutDown, error })
}

async fn deliver(shared: &Shared, delivery: &Delivery, attempts: &mut u32) -> Outcome {
    let policy = &shared.options.retry;
    let deadline = delivery.accepted + policy.patience;
    let mut last = String::new();
    for failed in 1.. {
        let tried = attempt(shared, delivery, attempts, failed == 1);
        let Fault { error, text } = match tokio::time::timeout_at(deadline, tried).await {
            Ok(Ok(outcome)) => return outcome,
            Ok(Err(fault)) => fault,
            Err(_) => break,
        };
        last = text;
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = match policy.after(failed, &error, left) {
            Ok(wait) => wait,
            Err(why) => return given_up(why, last),
        };
        shared.observe(&Observation::Retry {
            event: delivery.number,
            alert: delivery.route.alert().clone(),
            provider: delivery.route.provider().clone(),
            attempts: *attempts,
            wait,
            error: last.clone(),
        });
        tokio::time::sleep(wait).await;
    }
    given_up(GiveUp::Time, out_of_time(policy.patience, &last))
}

/// An error, and its words without the provider's secrets.
struct Fault {
    error: NotifyError,
    text: String,
}

impl From<NotifyError> for Fault {
    fn from(error: NotifyError) -> Self {
        Self { text: told(&error), error }
    }
}

fn given_up(why: GiveUp, error: String) -> Outcome {
    Outcome::GivenUp(Failed { why, error })
}

fn out_of_time(patience: Duration, last: &str) -> String {
    match last {
        "" => format!("not sent within {patience:?}: its turn did not come or the service did not answer"),
        last => format!("not sent within {patience:?}: {last}"),
    }
}

/// Returns the error and its causes in one line.
pub(super) fn told(error: &NotifyError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    crate::provider::excerpt(&text)
}

/// Tries once.
async fn attempt(
    shared: &Shared,
    delivery: &Delivery,
    attempts: &mut u32,
    is_first: bool,
) -> Result<Outcome, Fault> {
    let key = delivery.route.provider();
    let ProviderRecord { provider, credentials } = read(shared, key).await?;
    if provider.spec.suspend {
        return Ok(Outcome::Skipped(Skip::Suspended));
    }
    if let Some(skip) = gate(&provider.spec.kind, &delivery.event) {
        return Ok(Outcome::Skipped(skip));
    }
    let prepared = prepare(shared, key, &provider.spec, &credentials)?;
    let MergedMetadata { metadata, conflicts } = merge_metadata(&delivery.event, delivery.route.spec());
    if is_first && !conflicts.is_empty() {
        let alert = delivery.route.alert().clone();
        shared.observe(&Observation::MetadataConflict { event: delivery.number, alert, conflicts });
    }
    let event = Event { metadata, ..Event::clone(&delivery.event) };
    let slots = slots(shared, key);
    // The semaphore is never closed.
    let _slot = slots.acquire().await;
    *attempts += 1;
    let sent = AssertUnwindSafe(prepared.provider.deliver(&event, &prepared.wire)).catch_unwind().await;
    match sent {
        Ok(Ok(())) => Ok(Outcome::Delivered),
        Ok(Err(error)) => Err(Fault { text: prepared.redactor.text(&told(&error)), error }),
        Err(_) => {
            let kind = provider.spec.kind;
            Ok(given_up(GiveUp::Panic, format!("the {kind} provider broke off, please report this")))
        }
    }
}

async fn read(shared: &Shared, key: &ObjectKey) -> Result<ProviderRecord, NotifyError> {
    let record = shared.directory.provider(key).await;
    let record = record.map_err(|source| NotifyError::ReadProvider { provider: key.clone(), source })?;
    record.ok_or_else(|| {
        lock(&shared.prepared).remove(key);
        NotifyError::NoProvider { provider: key.clone() }
    })
}

/// Returns the provider that was made of the same spec and Secrets, or makes it.
fn prepare(
    shared: &Shared,
    key: &ObjectKey,
    spec: &ProviderSpec,
    credentials: &Credentials,
) -> Result<Arc<Prepared>, NotifyError> {
    let fingerprint = credentials.fingerprint(spec);
    if let Some(prepared) = lock(&shared.prepared).get(key)
        && prepared.fingerprint == fingerprint
    {
        return Ok(Arc::clone(prepared));
    }
    let settings = Settings::new(spec, credentials, &shared.options.settings)?;
    let prepared = Arc::new(Prepared {
        fingerprint,
        provider: (shared.options.factory)(&settings)?,
        wire: shared.clients.wire(&settings)?,
        redactor: settings.redactor().clone(),
    });
    lock(&shared.prepared).insert(key.clone(), Arc::clone(&prepared));
    Ok(prepared)
}

fn slots(shared: &Shared, key: &ObjectKey) -> Arc<Semaphore> {
    let mut slots = lock(&shared.slots);
    // Those that nobody holds are as good as new ones.
    if slots.len() > 1024 {
        slots.retain(|_, slots| Arc::strong_count(slots) > 1);
    }
    let new = || Arc::new(Semaphore::new(shared.options.concurrency.max(1)));
    Arc::clone(slots.entry(key.clone()).or_insert_with(new))
}
