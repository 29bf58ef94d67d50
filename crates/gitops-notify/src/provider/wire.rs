//! The way to a service: one request, one answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use gitops_api::k8s_openapi::jiff::{Timestamp, fmt::rfc2822};
use http::{HeaderMap, StatusCode, header};
use url::Url;

use super::address::AddressPolicy;
use super::settings::Settings;
use crate::{NotifyError, Redactor};

/// A request to a service.
pub type Request = http::Request<Bytes>;
/// What a service answers.
pub type Answer = http::Response<Bytes>;

/// How much of an answer is read.
const ANSWER_LIMIT: usize = 64 << 10;
/// How much of an answer is told in an error, in characters.
const EXCERPT: usize = 512;
/// How many redirects to the same host are followed.
const REDIRECTS: usize = 3;

/// The way to a service, with the provider's certificates, proxy and time limit.
pub trait Wire: Send + Sync {
    /// Sends a request and returns the answer, whatever its status; its body is cut at 64 KiB.
    ///
    /// Redirects are followed only where method and body stay (307, 308) and scheme, host and port too: every request
    /// carries something that is nobody else's.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Answer, NotifyError>>;

    /// Returns a text of the service without the provider's secrets.
    fn redact(&self, text: &str) -> String;
}

/// Returns the answer if it is a success.
///
/// # Errors
/// [`NotifyError::Status`] with the start of the body, or [`NotifyError::Redirected`].
pub fn checked(answer: Answer, wire: &dyn Wire) -> Result<Answer, NotifyError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if status.is_redirection() && answer.headers().contains_key(header::LOCATION) {
        return Err(NotifyError::Redirected { status: status.as_u16() });
    }
    let body = excerpt(&wire.redact(&String::from_utf8_lossy(answer.body())));
    let retry_after = retry_after(answer.headers(), Timestamp::now());
    Err(NotifyError::Status { status: status.as_u16(), body, retry_after })
}

/// Returns the start of a text on one line, without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text.trim().chars().take(EXCERPT).collect();
    short = short.chars().map(|c| if c.is_control() || is_direction(c) { ' ' } else { c }).collect();
    if text.trim().chars().nth(EXCERPT).is_some() {
        short.push('…');
    }
    short
}

/// Returns whether a letter changes the direction of those after it, so that a log line reads otherwise than it is.
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
}

/// Returns how long the answer asks to be left alone: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::parse(text).ok()?.timestamp();
    let seconds = date.as_second() - now.as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// The way over HTTP; comes from [`Clients::wire`](super::Clients::wire).
pub struct HttpWire {
    client: Arc<reqwest::Client>,
    timeout: Duration,
    redactor: Redactor,
    policy: AddressPolicy,
}

impl HttpWire {
    pub(super) fn new(client: Arc<reqwest::Client>, settings: &Settings, policy: AddressPolicy) -> Self {
        Self { client, timeout: settings.timeout(), redactor: settings.redactor().clone(), policy }
    }

    async fn exchange(&self, request: Request) -> Result<Answer, NotifyError> {
        let (parts, body) = request.into_parts();
        let unusable = |_| NotifyError::Unreachable { reason: "the address is no URL".to_owned() };
        let mut url = Url::parse(&parts.uri.to_string()).map_err(unusable)?;
        let first = url.clone();
        for hop in 0.. {
            self.policy.check(&url)?;
            let request = self.client.request(parts.method.clone(), url.clone());
            let request = request.headers(parts.headers.clone()).body(body.clone());
            let answer = request.send().await.map_err(|error| lost(&error, self.timeout))?;
            match redirect(&answer, &url) {
                Some(next) if hop < REDIRECTS && next.origin() == first.origin() => url = next,
                _ => return read(answer, self.timeout).await,
            }
        }
        Err(NotifyError::Unreachable { reason: "redirected without end".to_owned() })
    }
}

impl Wire for HttpWire {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Answer, NotifyError>> {
        Box::pin(async move {
            let limited = tokio::time::timeout(self.timeout, self.exchange(request)).await;
            limited.unwrap_or(Err(NotifyError::NoAnswer { after: self.timeout }))
        })
    }

    fn redact(&self, text: &str) -> String {
        self.redactor.text(text)
    }
}

impl fmt::Debug for HttpWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpWire").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

fn redirect(answer: &reqwest::Response, from: &Url) -> Option<Url> {
    let keeps = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT];
    let to = answer.headers().get(header::LOCATION).filter(|_| keeps.contains(&answer.status()))?;
    from.join(to.to_str().ok()?).ok()
}

async fn read(mut answer: reqwest::Response, timeout: Duration) -> Result<Answer, NotifyError> {
    let mut body = BytesMut::new();
    while body.len() < ANSWER_LIMIT {
        let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error, timeout))? else { break };
        body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_LIMIT - body.len())]);
    }
    let mut read = http::Response::new(body.freeze());
    *read.status_mut() = answer.status();
    *read.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(read)
}

/// Says what went wrong without the address, which may hold a secret: the deepest cause tells most.
fn lost(error: &reqwest::Error, timeout: Duration) -> NotifyError {
    if error.is_timeout() {
        return NotifyError::NoAnswer { after: timeout };
    }
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause.and_then(std::error::Error::source) {
        cause = Some(source);
    }
    if let Some(NotifyError::ForbiddenAddress { place }) = cause.and_then(|cause| cause.downcast_ref()) {
        return NotifyError::ForbiddenAddress { place };
    }
    let stage = if error.is_connect() { "no connection" } else { "the connection broke" };
    let reason = cause.map_or_else(|| stage.to_owned(), |cause| format!("{stage}: {cause}"));
    NotifyError::Unreachable { reason }
}
