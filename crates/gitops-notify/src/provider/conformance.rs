//! What every provider must do, as a suite that strangers can run against theirs.
//!
//! ```
//! use std::sync::Arc;
//! use gitops_notify::provider::{Credentials, Settings, conformance::{Subject, check}, provider};
//! use gitops_notify::SecretData;
//!
//! let spec = serde_json::from_str(r#"{"type": "slack", "secretRef": {"name": "slack"}}"#)?;
//! let secret = SecretData::new([("address", "https://hooks.example/T0/secret-key"), ("token", "secret-token")]);
//! let settings = Settings::new(&spec, &Credentials::default().secret(secret), &Default::default())?;
//! let subject = Subject::new(provider(&settings)?).secrets(["secret-key", "secret-token"]);
//! assert_eq!(futures::executor::block_on(check(&subject)), Vec::<String>::new());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use gitops_api::{Event, Failure as _};
use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::{Answer, Provider, Request, Wire};
use crate::{NotifyError, decode_event, mask};

/// A provider under test.
#[derive(Debug)]
pub struct Subject {
    provider: Arc<dyn Provider>,
    secrets: Vec<String>,
    success: Bytes,
}

impl Subject {
    /// Returns a provider under test whose service answers success with an empty body.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider, secrets: Vec::new(), success: Bytes::new() }
    }

    /// Names what the provider was made of and must tell nobody.
    #[must_use]
    pub fn secrets<S: Into<String>>(mut self, secrets: impl IntoIterator<Item = S>) -> Self {
        self.secrets = secrets.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the body with which the service says that it took a message.
    #[must_use]
    pub fn success(mut self, body: impl Into<Bytes>) -> Self {
        self.success = body.into();
        self
    }
}

/// Holds a provider against the contract of [`Provider`], without a network; returns what it breaks, a sentence each.
pub async fn check(subject: &Subject) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, text: &str| {
        if !holds {
            broken.push(text.to_owned());
        }
    };
    let shown = format!("{:?}", subject.provider);
    rule(subject.keeps_to_itself(&shown), "its Debug text tells a secret");

    let mut hosts: BTreeMap<String, usize> = BTreeMap::new();
    for event in events() {
        let wire = Script::new(subject, Reply::Status(200, None));
        let told = AssertUnwindSafe(subject.provider.deliver(&event, &wire)).catch_unwind().await;
        rule(told.is_ok(), "an event makes it panic");
        rule(!matches!(told, Ok(Err(_))), "an event that its service takes ends in an error");
        for request in wire.sent() {
            let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            rule(!host.is_empty(), "a request has no host");
            *hosts.entry(host).or_default() += 1;
        }
    }
    rule(!hosts.is_empty(), "it sends nothing");
    rule(hosts.len() <= 1, "what stands in an event decides which host is asked");

    let event = event("message");
    for (status, retryable) in
        [(400, false), (401, false), (404, false), (429, true), (500, true), (503, true)]
    {
        let wire = Script::new(subject, Reply::Status(status, Some(7)));
        match subject.provider.deliver(&event, &wire).await {
            Ok(()) => rule(false, &format!("status {status} counts as success")),
            Err(error) => {
                rule(
                    error.is_retryable() == retryable,
                    &format!("status {status} is retryable or not, wrongly"),
                );
                let wait = error.retry_after();
                rule(!retryable || wait == Some(Duration::from_secs(7)), "Retry-After is not passed on");
                rule(subject.keeps_to_itself(&format!("{error} {error:?}")), "an error tells a secret");
            }
        }
        rule(wire.sent().len() == 1, &format!("it goes on by itself after status {status}"));
    }
    let wire = Script::new(subject, Reply::Lost);
    let lost = subject.provider.deliver(&event, &wire).await;
    rule(
        lost.is_err_and(|error| error.is_retryable()),
        "a lost connection is not told as something to try again",
    );

    let wire = Script::new(subject, Reply::Never);
    let dropped = subject.provider.deliver(&event, &wire).now_or_never();
    rule(dropped.is_none(), "it does not wait for the answer");
    broken.dedup();
    broken
}

impl Subject {
    fn keeps_to_itself(&self, text: &str) -> bool {
        !self.secrets.iter().any(|secret| text.contains(secret))
    }
}

fn event(message: &str) -> Event {
    let event = serde_json::json!({
        "involvedObject": {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "namespace": "apps", "name": "web",
            "uid": "11111111-2222-3333-4444-555555555555",
        },
        "severity": "error",
        "timestamp": "2026-01-02T03:04:05Z",
        "message": message,
        "reason": "HealthCheckFailed",
        "metadata": {"revision": "main@sha1:a1afe267b54f38b46b487f6e938a6fd508278c07"},
        "reportingController": "kustomize-controller",
        "reportingInstance": "kustomize-controller-0",
    });
    decode_event(event.to_string().as_bytes()).expect("it has the fields of an event")
}

fn empty() -> Event {
    decode_event(b"{}").expect("every field of an event may be missing")
}

/// Events as whoever can post them may make them.
fn events() -> Vec<Event> {
    const TEXTS: [&str; 8] = [
        "",
        "several\nlines\r\n",
        "\"quotes\" \\ <b> & *stars* _lines_ `code` [x](y) {{x}} ${x}",
        "\u{0}\u{1b}[31m\u{202e}\u{feff}",
        "@here <!channel> <@U1> @everyone",
        "https://evil.example/?@other.example#",
        "../../etc/passwd?x=%00",
        "👩‍👩‍👧‍👦 żółw 漢字",
    ];
    let mut events = vec![empty(), event("message"), event(&"long ".repeat(20_000))];
    for text in TEXTS {
        let mut odd = event(text);
        let object = &mut odd.involved_object;
        for field in [&mut object.kind, &mut object.name, &mut object.namespace, &mut object.uid] {
            *field = Some(text.to_owned());
        }
        odd.reason = text.to_owned();
        odd.severity = text.into();
        odd.reporting_controller = text.to_owned();
        odd.metadata.insert(text.to_owned(), text.to_owned());
        events.push(odd);
    }
    events
}

/// What the service of a test does.
#[derive(Clone, Copy)]
enum Reply {
    /// Answers with this status and echoes the request, as careless services do; asks to be left alone for so many seconds.
    Status(u16, Option<u64>),
    /// Breaks the connection.
    Lost,
    /// Never answers.
    Never,
}

/// A way to a service of a test.
struct Script<'s> {
    subject: &'s Subject,
    reply: Reply,
    sent: Mutex<Vec<Request>>,
}

impl<'s> Script<'s> {
    fn new(subject: &'s Subject, reply: Reply) -> Self {
        Self { subject, reply, sent: Mutex::default() }
    }

    fn sent(&self) -> Vec<Request> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Wire for Script<'_> {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Answer, NotifyError>> {
        let echo = format!("{:?} {} {}", request.headers(), request.uri(), self.subject.secrets.join(" "));
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let reply = self.reply;
        Box::pin(async move {
            let (status, wait) = match reply {
                Reply::Status(status, wait) => (status, wait),
                Reply::Lost => return Err(NotifyError::Unreachable { reason: "reset".to_owned() }),
                Reply::Never => return std::future::pending().await,
            };
            let body = if status < 300 { self.subject.success.clone() } else { Bytes::from(echo) };
            let mut answer = Answer::new(body);
            *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
            if let Some(seconds) = wait {
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Ok(answer)
        })
    }

    fn redact(&self, text: &str) -> String {
        let secrets = self.subject.secrets.iter();
        secrets.fold(text.to_owned(), |text, secret| mask(&text, secret.as_bytes()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretData;
    use crate::provider::{Credentials, Settings, provider};

    #[test]
    fn every_provider_of_this_crate_keeps_the_contract() {
        for kind in ["generic", "generic-hmac", "slack", "telegram"] {
            let spec = format!(r#"{{"type": "{kind}", "channel": "c", "secretRef": {{"name": "s"}}}}"#);
            let secret = SecretData::new([
                ("address", "https://hooks.example/T0/secret-key"),
                ("token", "secret-token"),
                ("headers", "X-Key: secret-header"),
            ]);
            let credentials = Credentials::default().secret(secret);
            let settings =
                Settings::new(&serde_json::from_str(&spec).unwrap(), &credentials, &Default::default())
                    .unwrap();
            let subject = Subject::new(provider(&settings).unwrap()).secrets([
                "secret-key",
                "secret-token",
                "secret-header",
            ]);
            let broken = futures::executor::block_on(check(&subject));
            assert!(broken.is_empty(), "{kind}: {broken:#?}");
        }
    }

    /// Does everything wrong that one can.
    #[derive(Debug)]
    struct Careless {
        #[allow(dead_code, reason = "for its Debug text")]
        token: &'static str,
    }

    impl Provider for Careless {
        fn kind(&self) -> gitops_api::notification_v1beta3::ProviderKind {
            "careless".into()
        }

        fn deliver<'a>(
            &'a self,
            event: &'a Event,
            wire: &'a dyn Wire,
        ) -> BoxFuture<'a, Result<(), NotifyError>> {
            let mut request = Request::new(Bytes::new());
            let host = event.involved_object.name.clone().unwrap_or_default().len();
            *request.uri_mut() = format!("http://host-{host}/").parse().unwrap();
            Box::pin(async move {
                let answer = wire.send(request).await?;
                let reason = String::from_utf8_lossy(answer.body()).into_owned();
                if answer.status() == 400 { Err(NotifyError::Unreachable { reason }) } else { Ok(()) }
            })
        }
    }

    #[test]
    fn the_suite_finds_what_is_wrong() {
        let subject = Subject::new(Arc::new(Careless { token: "secret" })).secrets(["secret"]);
        let broken = futures::executor::block_on(check(&subject));
        let want = [
            "its Debug text tells a secret",
            "what stands in an event decides which host is asked",
            "status 400 is retryable or not, wrongly",
            "an error tells a secret",
            "status 503 counts as success",
        ];
        for rule in want {
            assert!(broken.iter().any(|text| text == rule), "{rule}: {broken:#?}");
        }
    }
}
