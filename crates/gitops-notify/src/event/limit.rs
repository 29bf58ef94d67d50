//! The same event is taken once in a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use gitops_api::{Event, event_metadata};
use sha2::{Digest as _, Sha256};

use crate::encode::hex;
use crate::event::metadata::of_controller;

/// How many keys are remembered at most; when there are more, the oldest is forgotten, so that its event may come again.
const REMEMBERED: usize = 65_536;

/// Returns what makes an event the same as another: object, message and, where the controller tells them, revisions and
/// token; as the hexadecimal SHA-256 that Flux uses.
///
/// Severity and reason are no part of it.
///
/// Source: notification-controller `internal/server/event_server.go`.
#[must_use]
pub fn event_key(event: &Event) -> String {
    let object = &event.involved_object;
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut parts = vec![
        "event".to_owned(),
        format!("name={}", part(&object.name)),
        format!("namespace={}", part(&object.namespace)),
        format!("kind={}", part(&object.kind)),
        format!("message={}", event.message),
    ];
    for key in [event_metadata::ORIGIN_REVISION, event_metadata::REVISION, event_metadata::TOKEN] {
        if let Some(value) = of_controller(event, key) {
            parts.push(format!("{key}={value}"));
        }
    }
    hex(&Sha256::digest(parts.join("/").as_bytes()))
}

/// Takes each key once in an interval; the intervals of a key follow one another from the moment that it is first seen.
///
/// Holds no clock: the caller tells the time. Memory is bounded by 65,536 keys.
///
/// ```
/// use std::time::{Duration, Instant};
/// use gitops_notify::RateLimiter;
///
/// let mut limiter = RateLimiter::new(Duration::from_secs(300));
/// let start = Instant::now();
/// assert!(limiter.admit("key", start).is_ok());
/// assert_eq!(limiter.admit("key", start + Duration::from_secs(10)), Err(Duration::from_secs(290)));
/// assert!(limiter.admit("key", start + Duration::from_secs(300)).is_ok());
/// ```
#[derive(Debug)]
pub struct RateLimiter {
    interval: Duration,
    seen: HashMap<String, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    first: Instant,
    /// The interval, counted from the first, in which the key was last taken.
    taken: u128,
}

impl RateLimiter {
    /// Returns a limiter that takes each key once in `interval`; with an interval of zero, always.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, seen: HashMap::new() }
    }

    /// Takes a key, unless it was taken in the interval that `now` lies in.
    ///
    /// # Errors
    /// How long the key is refused yet.
    pub fn admit(&mut self, key: &str, now: Instant) -> Result<(), Duration> {
        if self.interval.is_zero() {
            return Ok(());
        }
        let interval = self.interval.as_nanos();
        if let Some(seen) = self.seen.get_mut(key) {
            let elapsed = now.saturating_duration_since(seen.first).as_nanos();
            let current = elapsed / interval;
            if current == seen.taken {
                let left = interval - elapsed % interval;
                return Err(Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX)));
            }
            seen.taken = current;
            return Ok(());
        }
        if self.seen.len() >= REMEMBERED {
            self.make_room(now);
        }
        self.seen.insert(key.to_owned(), Seen { first: now, taken: 0 });
        Ok(())
    }

    /// Forgets the keys that would be taken anyway and, when there are none, an eighth of all, the oldest first.
    fn make_room(&mut self, now: Instant) {
        let interval = self.interval.as_nanos();
        self.seen
            .retain(|_, seen| now.saturating_duration_since(seen.first).as_nanos() / interval == seen.taken);
        if self.seen.len() < REMEMBERED {
            return;
        }
        let mut ages: Vec<Instant> = self.seen.values().map(|seen| seen.first).collect();
        ages.sort_unstable();
        let oldest = ages[REMEMBERED / 8];
        let mut spare = REMEMBERED / 8;
        self.seen.retain(|_, seen| {
            let goes = seen.first <= oldest && spare > 0;
            spare -= usize::from(goes);
            !goes
        });
    }
}
