//! One request and its answer: under a deadline, retried within bounds, redirected with care, read within a limit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::{Client, Response};
use tokio::time::Instant;
use url::Url;

use super::credentials::RegistryCredentials;
use super::diagnostic;
use super::error::OciError;
use super::realm::is_internal;
use crate::connection::ProxyOptions;
use crate::network;

/// What most answers are.
pub(super) const JSON: &str = "application/json";
/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;
/// The first pause between two attempts; each next one is three times as long.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many redirects are followed.
const REDIRECTS: usize = 3;
/// How much of a refusal is read.
const REFUSAL: u64 = 64 << 10;

/// What all requests of one operation share.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a Client,
    pub(super) proxy: Option<&'a ProxyOptions>,
    pub(super) credentials: &'a RegistryCredentials,
    pub(super) deadline: Instant,
    /// How many bytes the operation may read, and what is left of them.
    pub(super) limit: u64,
    pub(super) left: u64,
    /// Whether the last failure was that of a server that does not speak TLS, or of nobody there.
    pub(super) spoke_no_tls: AtomicBool,
}

/// One request.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) accept: &'static str,
    /// The fields of a form, for a POST.
    pub(super) form: Option<String>,
    /// How often it is sent at most.
    pub(super) attempts: u32,
}

impl Ask {
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, authorization: None, accept: JSON, form: None, attempts: ATTEMPTS }
    }
}

/// One answer, whose body has not been read.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Where it came from, after redirects.
    pub(super) url: Url,
    method: Method,
    response: Response,
}

impl Exchange<'_> {
    /// Sends a request until it is answered with something else than a passing failure.
    ///
    /// # Errors
    /// [`OciError::Network`], [`OciError::Deadline`], [`OciError::Redirect`]; and the refusal itself where the
    /// server still fails after the last attempt or wants a longer pause than there is time for.
    pub(super) async fn send(&mut self, ask: &Ask) -> Result<Answer, OciError> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let outcome = self.follow(ask).await;
            let wanted = match &outcome {
                Err(OciError::Network { .. }) => None,
                Ok(answer) if is_passing(answer.status) => retry_after(&answer.headers),
                _ => return outcome,
            };
            let next = wanted.unwrap_or(pause);
            let too_long =
                wanted.is_some_and(|wanted| wanted > LONGEST_PAUSE) || self.deadline <= Instant::now() + next;
            if attempt >= ask.attempts || too_long {
                return match outcome {
                    Ok(answer) => Err(self.refusal(answer).await),
                    Err(error) => Err(error),
                };
            }
            tokio::time::sleep(next).await;
            attempt += 1;
            pause *= 3;
        }
    }

    /// Sends a request once and follows redirects.
    async fn follow(&mut self, ask: &Ask) -> Result<Answer, OciError> {
        let mut ask = ask.clone();
        for _ in 0..=REDIRECTS {
            let answer = self.once(&ask).await?;
            let location = answer.headers.get(header::LOCATION).filter(|_| answer.status.is_redirection());
            let Some(location) = location else { return Ok(answer) };
            let refuse = |to: &str, reason| OciError::Redirect {
                url: diagnostic::address(&ask.url),
                to: to.to_owned(),
                reason,
            };
            let next = location.to_str().ok().and_then(|location| ask.url.join(location).ok());
            let next = next.ok_or_else(|| refuse("?", "this is no address"))?;
            redirectable(&ask, &next).map_err(|reason| refuse(&diagnostic::address(&next), reason))?;
            ask.url = next;
        }
        Err(OciError::Redirect {
            url: diagnostic::address(&ask.url),
            to: "another address".to_owned(),
            reason: "too many redirects",
        })
    }

    async fn once(&self, ask: &Ask) -> Result<Answer, OciError> {
        let mut request =
            self.client.request(ask.method.clone(), ask.url.clone()).header(header::ACCEPT, ask.accept);
        if let Some(value) = &ask.authorization {
            request = request.header(header::AUTHORIZATION, value.clone());
        }
        if let Some(form) = &ask.form {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            request = request.header(header::CONTENT_TYPE, kind).body(form.clone());
        }
        let response = match tokio::time::timeout_at(self.deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.broken(&error, &ask.method, &ask.url)),
            Err(_) => return Err(late(&ask.method, &ask.url)),
        };
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            url: ask.url.clone(),
            method: ask.method.clone(),
            response,
        })
    }

    /// Reads an answer's body, as far as the operation's limit allows.
    pub(super) async fn read(&mut self, answer: Answer) -> Result<Vec<u8>, OciError> {
        let (url, limit) = (answer.url.clone(), self.limit);
        let mut left = self.left;
        let body = self.read_up_to(answer, &mut left).await?;
        self.left = left;
        body.ok_or_else(|| OciError::TooLarge { url: diagnostic::address(&url), what: "bytes", limit })
    }

    /// Reads a body; none where it is longer than what is left.
    async fn read_up_to(&self, mut answer: Answer, left: &mut u64) -> Result<Option<Vec<u8>>, OciError> {
        let mut body = Vec::new();
        loop {
            let chunk = match tokio::time::timeout_at(self.deadline, answer.response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ok(Some(body)),
                Ok(Err(error)) => return Err(self.broken(&error, &answer.method, &answer.url)),
                Err(_) => return Err(late(&answer.method, &answer.url)),
            };
            match left.checked_sub(chunk.len() as u64) {
                Some(rest) => *left = rest,
                None => return Ok(None),
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// Returns the error of an answer that refuses.
    pub(super) async fn refusal(&self, answer: Answer) -> OciError {
        let (method, url, status) = (answer.method.clone(), answer.url.clone(), answer.status);
        let retry_after = retry_after(&answer.headers);
        let mut left = REFUSAL;
        // A refusal that cannot be read is told by its status.
        let body = self.read_up_to(answer, &mut left).await.ok().flatten().unwrap_or_default();
        let words = self.credentials.scrub(&diagnostic::words(&method, status, &body));
        OciError::Status {
            method: method.to_string(),
            url: diagnostic::address(&url),
            status: status.as_u16(),
            words,
            retry_after,
        }
    }

    fn broken(&self, error: &reqwest::Error, method: &Method, url: &Url) -> OciError {
        let reason = self.credentials.scrub(&network::reason(error, url, self.proxy));
        self.spoke_no_tls.store(network::is_without_tls(error), Ordering::Relaxed);
        let (method, url) = (network::word(method), diagnostic::address(url));
        if network::is_about_certificates(error) {
            OciError::Certificate { method, url, reason }
        } else {
            OciError::Network { method, url, reason }
        }
    }
}

fn late(method: &Method, url: &Url) -> OciError {
    OciError::Deadline { method: network::word(method), url: diagnostic::address(url) }
}

/// Returns whether a status may be another one in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Reads `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

/// Says whether a request may go where a server redirects it to.
fn redirectable(ask: &Ask, to: &Url) -> Result<(), &'static str> {
    if ask.method == Method::POST {
        return Err("a request for a token is not redirected");
    }
    if !matches!(to.scheme(), "http" | "https") {
        return Err("this is neither http nor https");
    }
    if ask.url.scheme() == "https" && to.scheme() != "https" {
        return Err("https does not lead back to plain http");
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err("the address holds credentials");
    }
    let same = ask.url.host() == to.host()
        && ask.url.port_or_known_default() == to.port_or_known_default()
        && ask.url.scheme() == to.scheme();
    if same {
        return Ok(());
    }
    if ask.authorization.is_some() {
        return Err("an authenticated request stays with its host");
    }
    match to.host() {
        Some(host) if is_internal(&host) => Err("this is an address of this machine or of a private network"),
        Some(_) => Ok(()),
        None => Err("the address has no host"),
    }
}
