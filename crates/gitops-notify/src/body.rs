//! Reading the body of a request under limits.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::NotifyError;
use crate::error::Cause;

/// Reads a body of at most `limit` bytes in at most `timeout`; what is longer is refused before it is read when its length is
/// known, and else as soon as it is longer.
pub(crate) async fn read<B>(body: B, limit: usize, timeout: Duration) -> Result<Bytes, NotifyError>
where
    B: Body,
    B::Error: Into<Cause>,
{
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
