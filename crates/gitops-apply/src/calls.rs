//! Calls to the API server: each with its own deadline and its own, bounded repetition.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use kube::client::Body;
use serde_json::Value;

use crate::failure::{CallFailure, Refusal};

/// How long single calls to the API server may take and how often they are repeated.
///
/// Repeated are answers 429, 502, 503 and 504, etcd's troubles and lost connections: every call of this crate may be
/// sent twice without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// The longest time that one request may take; 30 seconds unless told otherwise.
    pub deadline: Duration,
    /// How often a failed request is repeated; 6 times unless told otherwise.
    pub retries: u32,
    /// The wait before the first repetition, doubled for each further one; 100 ms unless told otherwise.
    pub first_wait: Duration,
    /// The longest wait, also when the server asks for more; 10 seconds unless told otherwise.
    pub longest_wait: Duration,
}

impl Default for CallOptions {
    fn default() -> Self {
        CallOptions {
            deadline: Duration::from_secs(30),
            retries: 6,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(10),
        }
    }
}

impl CallOptions {
    /// Returns how long to wait before repetition `attempt` (from 0), given what the server asked for.
    ///
    /// `noise` spreads the waits of many callers; it is a number between 0 and 1.
    #[must_use]
    pub fn wait(&self, attempt: u32, asked: Option<Duration>, noise: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(1_u32.checked_shl(attempt.min(16)).unwrap_or(u32::MAX));
        let own = doubled.min(self.longest_wait);
        let own = own.div_f64(2.0) + own.div_f64(2.0).mul_f64(noise.clamp(0.0, 1.0));
        asked.map_or(own, |asked| asked.max(own)).min(self.longest_wait)
    }
}

/// A client with deadlines and bounded repetition.
#[derive(Clone)]
pub(crate) struct Calls {
    client: kube::Client,
    options: Arc<CallOptions>,
}

/// An answer that was no error.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Calls {
    pub(crate) fn new(client: kube::Client, options: CallOptions) -> Self {
        Calls { client, options: Arc::new(options) }
    }

    pub(crate) fn client(&self) -> &kube::Client {
        &self.client
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, CallFailure> {
        Ok(self.send(Method::GET, path, None, Bytes::new()).await?.body)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&'static str>,
        body: Bytes,
    ) -> Result<Answer, CallFailure> {
        let mut attempt = 0;
        loop {
            let failure = match self.once(&method, path, content_type, &body).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !failure.is_transient() || attempt >= self.options.retries {
                return Err(failure);
            }
            let asked = match &failure {
                CallFailure::Status(refusal) => refusal.retry_after,
                _ => None,
            };
            let wait = self.options.wait(attempt, asked, noise());
            tracing::debug!(%method, path, attempt, ?wait, %failure, "repeating a call to the API server");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        content_type: Option<&'static str>,
        body: &Bytes,
    ) -> Result<Answer, CallFailure> {
        let deadline = self.options.deadline;
        match tokio::time::timeout(deadline, self.exchange(method, path, content_type, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallFailure::Deadline(deadline)),
        }
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        content_type: Option<&'static str>,
        body: &Bytes,
    ) -> Result<Answer, CallFailure> {
        let mut request =
            Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request
            .body(Body::from(body.to_vec()))
            .map_err(|error| CallFailure::Malformed(format!("request for {path}: {error}")))?;
        let response = self.client.send(request).await.map_err(transport)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let bytes = response.into_body().collect_bytes().await.map_err(transport)?;
        if !status.is_success() {
            let mut refusal = Refusal::read(status.as_u16(), &bytes);
            refusal.retry_after = retry_after.or(refusal.retry_after);
            return Err(CallFailure::Status(Box::new(refusal)));
        }
        let body = serde_json::from_slice(&bytes)
            .map_err(|error| CallFailure::Malformed(format!("answer for {path} is no JSON: {error}")))?;
        Ok(Answer { status, body })
    }
}

fn transport(error: kube::Error) -> CallFailure {
    match error {
        kube::Error::Api(status) => {
            let value = serde_json::to_value(&*status).unwrap_or(Value::Null);
            CallFailure::Status(Box::new(Refusal::of_status(status.code, &value)))
        }
        other => CallFailure::Transport(Arc::new(other)),
    }
}

/// Returns a number between 0 and 1 that differs from call to call; the clock's last digits are enough to spread waits.
fn noise() -> f64 {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    f64::from(nanos % 1_000) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_capped() {
        #[track_caller]
        fn check(attempt: u32, asked: Option<u64>, want_ms: u64) {
            let wait = CallOptions::default().wait(attempt, asked.map(Duration::from_secs), 1.0);
            assert_eq!(wait, Duration::from_millis(want_ms));
        }
        check(0, None, 100);
        check(3, None, 800);
        check(31, None, 10_000);
        check(0, Some(2), 2_000);
        check(0, Some(86_400), 10_000);
    }
}
