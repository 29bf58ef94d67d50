//! The server's time: the real one, or one that only moves when a test moves it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::signal::Signal;

/// The clock of a sandbox.
///
/// A virtual clock stands still until [`advance`](Clock::advance) moves it: rollouts, timeouts of watches, bookmarks
/// and [delays](crate::Fault::delay) wait for it, and objects carry its time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use gitops_sandbox::{Clock, Sandbox};
/// use k8s_openapi::api::core::v1::Namespace;
/// use kube::{Api, Client};
///
/// let clock = Clock::standing_at("2030-01-01T00:00:00Z".parse()?);
/// let sandbox = Sandbox::builder().clock(clock).start();
/// let namespaces: Api<Namespace> = Api::all(Client::new(sandbox.service(), "default"));
/// let created = namespaces.get("default").await?.metadata.creation_timestamp.unwrap();
/// assert_eq!(created.0.to_string(), "2030-01-01T00:00:00Z");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shifted: Option<Arc<Shifted>>,
}

#[derive(Debug)]
struct Shifted {
    start: Timestamp,
    /// Nanoseconds.
    elapsed: Signal,
    /// How many wait for a later time.
    sleepers: watch::Sender<usize>,
}

impl Shifted {
    fn now(&self) -> Timestamp {
        let elapsed = Duration::from_nanos(self.elapsed.get());
        self.start.saturating_add(elapsed).unwrap_or(self.start)
    }
}

/// So many that five centuries fit.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Somebody who waits; counted as long as it lives.
struct Sleeper<'s>(&'s Shifted);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.sleepers.send_modify(|count| *count -= 1);
    }
}

impl Clock {
    /// Returns the real clock.
    #[must_use]
    pub fn real() -> Self {
        Self::default()
    }

    /// Returns a clock that stands at this time.
    #[must_use]
    pub fn standing_at(start: Timestamp) -> Self {
        let elapsed = Signal::default();
        Self { shifted: Some(Arc::new(Shifted { start, elapsed, sleepers: watch::Sender::new(0) })) }
    }

    /// Returns true for a clock that only moves when it is told to.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.shifted.is_some()
    }

    /// Moves a virtual clock; a real one does not listen.
    pub fn advance(&self, by: Duration) {
        if let Some(shifted) = &self.shifted {
            shifted.elapsed.add(nanoseconds(by));
        }
    }

    /// Waits until somebody sleeps on a virtual clock: then it is time to [advance](Clock::advance) it.
    ///
    /// With a real clock it returns at once.
    pub async fn sleeper(&self) {
        if let Some(shifted) = &self.shifted {
            // The clock outlives who asks it.
            let _ = shifted.sleepers.subscribe().wait_for(|count| *count > 0).await;
        }
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.shifted {
            None => Timestamp::now(),
            Some(shifted) => shifted.now(),
        }
    }

    /// Returns the time as objects carry it: whole seconds.
    pub(crate) fn stamp(&self) -> String {
        let now = self.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
    }

    /// Waits until this much time has passed.
    pub async fn sleep(&self, duration: Duration) {
        let Some(shifted) = &self.shifted else { return tokio::time::sleep(duration).await };
        let elapsed = shifted.elapsed.subscribe();
        let until = shifted.elapsed.get().saturating_add(nanoseconds(duration));
        shifted.sleepers.send_modify(|count| *count += 1);
        let _sleeper = Sleeper(shifted);
        // The clock outlives its sleepers.
        elapsed.wait_for(|elapsed| elapsed >= until).await;
    }

    /// Waits until it is this time.
    pub(crate) async fn reach(&self, time: Timestamp) {
        let Some(shifted) = &self.shifted else {
            let left = Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or_default();
            return tokio::time::sleep(left).await;
        };
        let left = nanoseconds(Duration::try_from(time.duration_since(shifted.start)).unwrap_or_default());
        shifted.sleepers.send_modify(|count| *count += 1);
        let _sleeper = Sleeper(shifted);
        // The clock outlives its sleepers.
        shifted.elapsed.subscribe().wait_for(|elapsed| elapsed >= left).await;
    }
}
