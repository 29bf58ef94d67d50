//! Reading the body of a request under limits.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::NotifyError;
use crate::error::Cause;

/// What a request's body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyLimits {
    /// The longest body in bytes; 3 MiB, as in Flux.
    pub bytes: usize,
    /// How long a body may take to arrive; 30 s, as in Flux.
    pub timeout: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes: 3 << 20, timeout: Duration::from_secs(30) }
    }
}

impl BodyLimits {
    /// Returns the limits with another length, in bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Returns the limits with another time to arrive.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// Reads a body under its limits; what is longer is refused before it is read when its length is
/// known, and else as soon as it is longer.
pub(crate) async fn read<B>(body: B, limits: BodyLimits) -> Result<Bytes, NotifyError>
where
    B: Body,
    B::Error: Into<Cause>,
{
    let BodyLimits { bytes: limit, timeout } = limits;
    if body.size_hint().lower() > limit as u64 {
        return Err(NotifyError::BodyTooLarge { limit });
    }
    match tokio::time::timeout(timeout, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(NotifyError::BodyTooLarge { limit }),
        Ok(Err(error)) => Err(NotifyError::BodyBroken { reason: error.to_string() }),
        Err(_) => Err(NotifyError::BodyBroken { reason: format!("it did not arrive within {timeout:?}") }),
    }
}
