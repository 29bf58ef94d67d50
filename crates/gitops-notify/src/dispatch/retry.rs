//! When a delivery is tried again. Pure.

use std::time::Duration;

use gitops_api::Failure as _;

use super::GiveUp;
use crate::NotifyError;

/// When a delivery is tried again, and when it is given up.
///
/// Each delivery has [`patience`](Self::patience) from the moment that its event was accepted; within it the tries are as many
/// as [`attempts`](Self::attempts), with waits that double from [`min_wait`](Self::min_wait) to
/// [`max_wait`](Self::max_wait). A service that asks for a longer pause gets it (`Retry-After`), unless that is more patience
/// than is left.
///
/// # Difference from Flux
/// Flux makes five tries inside of the provider's timeout, 15 s by default, and then forgets the event. Here the timeout is
/// that of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a delivery is tried at most; 20.
    pub attempts: u32,
    /// The first wait; 1 s.
    pub min_wait: Duration,
    /// The longest wait of our own; 30 s.
    pub max_wait: Duration,
    /// How long a delivery may take from the moment that its event was accepted; 5 minutes.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 20,
            min_wait: Duration::from_secs(1),
            max_wait: Duration::from_secs(30),
            patience: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// Returns the policy with another number of tries.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Returns the policy with other waits.
    #[must_use]
    pub fn waits(mut self, min: Duration, max: Duration) -> Self {
        self.min_wait = min;
        self.max_wait = max;
        self
    }

    /// Returns the policy with another patience.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns how long to wait after so many failed tries, the last of them with this error and with so much patience left;
    /// or why there is no further try.
    pub(super) fn after(&self, failed: u32, error: &NotifyError, left: Duration) -> Result<Duration, GiveUp> {
        if !error.is_retryable() {
            return Err(match error {
                NotifyError::NoProvider { .. }
                | NotifyError::Settings { .. }
                | NotifyError::UnknownProvider { .. } => GiveUp::Provider,
                _ => GiveUp::Refused,
            });
        }
        if failed >= self.attempts {
            return Err(GiveUp::Attempts);
        }
        let doubled = self.min_wait.saturating_mul(1 << failed.saturating_sub(1).min(20));
        let wait = doubled.min(self.max_wait).max(error.retry_after().unwrap_or_default());
        if wait < left { Ok(wait) } else { Err(GiveUp::Time) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_follow_the_service() {
        let policy = RetryPolicy::default().attempts(8);
        let check = |failed, retry_after: Option<u64>, left, want: Result<u64, GiveUp>| {
            let retry_after = retry_after.map(Duration::from_secs);
            let error = NotifyError::Status { status: 503, body: String::new(), retry_after };
            let wait = policy.after(failed, &error, Duration::from_secs(left));
            assert_eq!(wait, want.map(Duration::from_secs), "{failed} {retry_after:?} {left}");
        };
        check(1, None, 300, Ok(1));
        check(2, None, 300, Ok(2));
        check(5, None, 300, Ok(16));
        check(6, None, 300, Ok(30));
        check(7, None, 300, Ok(30));
        check(8, None, 300, Err(GiveUp::Attempts));
        check(1, Some(120), 300, Ok(120));
        check(1, Some(0), 300, Ok(1));
        check(1, Some(86_400), 300, Err(GiveUp::Time));
        check(1, Some(u64::MAX), 300, Err(GiveUp::Time));
        check(5, None, 16, Err(GiveUp::Time));
    }

    #[test]
    fn what_cannot_help_is_not_tried_again() {
        let check = |error: NotifyError, want: GiveUp| {
            let said = RetryPolicy::default().after(1, &error, Duration::from_secs(300));
            assert_eq!(said, Err(want), "{error}");
        };
        let status = |status| NotifyError::Status { status, body: String::new(), retry_after: None };
        check(status(400), GiveUp::Refused);
        check(status(404), GiveUp::Refused);
        check(status(501), GiveUp::Refused);
        check(NotifyError::Redirected { status: 302 }, GiveUp::Refused);
        check(NotifyError::settings("slack", "address is empty"), GiveUp::Provider);
    }
}
