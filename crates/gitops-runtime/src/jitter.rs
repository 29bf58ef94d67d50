//! Spreading intervals, so that objects with the same interval do not all wake at once.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A share of an interval by which it may be shortened or lengthened.
///
/// Flux's flag `--interval-jitter-percentage`: 5 means anything from 95 % to 105 %. Used after success only;
/// a retry keeps its exact interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter {
    share: f64,
}

impl Jitter {
    /// No spreading at all.
    pub const NONE: Self = Self { share: 0.0 };

    /// Returns a jitter of so many percent; values above 100 count as 100.
    pub fn percent(percent: u8) -> Self {
        Self { share: f64::from(percent.min(100)) / 100.0 }
    }

    /// Returns the interval, moved by a random part of the share.
    pub fn spread(self, interval: Duration) -> Duration {
        self.spread_by(interval, random())
    }

    /// Returns the interval moved by `at`, where 0.0 is the shortest and 1.0 the longest.
    pub fn spread_by(self, interval: Duration, at: f64) -> Duration {
        interval.mul_f64(1.0 + self.share * (2.0 * at.clamp(0.0, 1.0) - 1.0))
    }
}

/// A number in [0, 1): the standard library's hasher keys are the only randomness needed here.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_stays_within_the_share() {
        let minute = Duration::from_secs(60);
        let jitter = Jitter::percent(5);
        assert_eq!(jitter.spread_by(minute, 0.0), Duration::from_secs(57));
        assert_eq!(jitter.spread_by(minute, 0.5), minute);
        assert_eq!(jitter.spread_by(minute, 1.0), Duration::from_secs(63));
        assert_eq!(Jitter::NONE.spread(minute), minute);
        for _ in 0..100 {
            let spread = jitter.spread(minute);
            assert!(spread >= Duration::from_secs(57) && spread <= Duration::from_secs(63));
        }
    }
}
