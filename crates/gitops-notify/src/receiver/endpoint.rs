//! The HTTP endpoint that webhooks come to.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use gitops_api::k8s_openapi::jiff::Timestamp;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use serde_json::Value;
use tower::Service;

use super::filter::{FilterRequest, ResourceFilter};
use super::index::{Entry, Filters, ReceiveOptions, Receivers};
use super::target::{Candidate, Target, Trigger};
use super::webhook::Webhook;
use crate::body::read;
use crate::error::Cause;
use crate::{NotifyError, ObjectKey, SecretData};

/// How many bytes of bodies and metadata the filters of one webhook may read.
const FILTER_BYTES: usize = 64 << 20;

/// What the caller reads and does for the endpoint, which has no client of its own.
pub trait Resources: Send + Sync + 'static {
    /// Returns the data of a Secret; `None` when there is no such Secret. Read at each request, so it should come from a cache.
    fn secret<'a>(&'a self, secret: &'a ObjectKey) -> BoxFuture<'a, Result<Option<SecretData>, Cause>>;

    /// Returns the objects that a target means: the one of that name (an error when there is none), or those with its labels.
    fn find<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Candidate>, Cause>>;

    /// Asks one object to reconcile: sets the annotation with [`Trigger::patch`].
    fn trigger<'a>(&'a self, trigger: &'a Trigger) -> BoxFuture<'a, Result<(), Cause>>;
}

/// What a webhook led to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Received {
    /// The receiver.
    pub receiver: ObjectKey,
    /// The objects that were asked to reconcile.
    pub triggered: Vec<Trigger>,
    /// What went wrong with others.
    pub failed: Vec<NotifyError>,
}

/// A [`tower::Service`] that takes webhooks on the paths of the receivers, and answers as notification-controller does, always
/// with an empty body: 404 for a path that no receiver has, 503 when it is suspended or not ready, 413 for a body that is too
/// long, 400 for what cannot prove where it comes from, 500 when a resource could not be asked, else 200.
///
/// # Flow
/// Path with query → receiver → body under its limit → token of the Secret → signature over the raw body → event → for each
/// resource: objects → filters → request to reconcile.
///
/// # Guarantees
/// Nothing is read of a body's content before its sender is known to be right. One resource that fails does not keep the others
/// from being asked.
///
/// Serve it with any HTTP server, for example with axum's `fallback_service`.
#[derive(Clone)]
pub struct ReceiverEndpoint {
    receivers: Receivers,
    resources: Arc<dyn Resources>,
    options: Arc<ReceiveOptions>,
}

impl ReceiverEndpoint {
    /// Returns the endpoint of these receivers.
    #[must_use]
    pub fn new(receivers: Receivers, resources: Arc<dyn Resources>, options: ReceiveOptions) -> Self {
        Self { receivers, resources, options: Arc::new(options) }
    }

    /// Takes one request.
    ///
    /// # Errors
    /// Why the whole of it was refused; what failed for single resources stands in [`Received::failed`].
    pub async fn take<B>(&self, request: Request<B>) -> Result<Received, NotifyError>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<Cause>,
    {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let entry = self.receivers.find(path).ok_or(NotifyError::NoReceiver)?;
        if let Some(state) = entry.closed {
            return Err(NotifyError::ReceiverClosed { receiver: entry.key.clone(), state });
        }
        let body = read(body, self.options.body).await?;
        let kind = entry.kind.as_ref();
        let kind = kind.map_err(|_| NotifyError::UnknownReceiver { kind: entry.spec.kind.to_string() })?;
        let secret = self.secret(&entry).await?;
        let token = secret.bytes("token").unwrap_or_default();
        let webhook =
            Webhook::new(&parts.method, &parts.headers, &body, token).takes_sha1(self.options.takes_sha1);
        let refused = |refusal: super::Refusal| NotifyError::Refused {
            receiver: entry.key.clone(),
            reason: refusal.to_string(),
        };
        kind.verify(&webhook, &entry.spec).map_err(refused)?;
        // A content type that nobody can read is none.
        let media_type = webhook.media_type().unwrap_or_default();
        Ok(self.ask(&entry, &media_type, &body).await)
    }

    async fn secret(&self, entry: &Entry) -> Result<SecretData, NotifyError> {
        let name = entry.spec.secret_ref.as_ref().map(|reference| reference.name.as_str());
        let secret = ObjectKey::new(&entry.key.namespace, name.unwrap_or_default());
        let data = match name {
            Some(_) => self.resources.secret(&secret).await,
            None => Ok(None),
        };
        let data = match data {
            Ok(data) => data.ok_or(None),
            Err(source) => Err(Some(source)),
        };
        let data = data.map_err(|source| NotifyError::ReadToken { secret: secret.clone(), source })?;
        match data.bytes("token") {
            Some(_) => Ok(data),
            None => Err(NotifyError::NoToken { secret }),
        }
    }

    /// Asks every resource of a receiver.
    async fn ask(&self, entry: &Entry, media_type: &str, body: &[u8]) -> Received {
        let mut received =
            Received { receiver: entry.key.clone(), triggered: Vec::new(), failed: Vec::new() };
        let requested_at = Timestamp::now().to_string();
        let mut sieve = Sieve::new(entry, media_type, body);
        for (place, target) in entry.targets(&self.options).into_iter().enumerate() {
            let target = match target {
                Ok(target) => target,
                Err(error) => {
                    received.failed.push(error);
                    continue;
                }
            };
            let found = match self.resources.find(&target).await {
                Ok(found) => found,
                Err(source) => {
                    received.failed.push(failed(&target, "it cannot be found", Some(source)));
                    continue;
                }
            };
            let (chosen, faults) = sieve.choose(place, &target, found).await;
            received.failed.extend(faults);
            for candidate in chosen {
                let trigger = target.trigger(&candidate, &requested_at);
                match self.resources.trigger(&trigger).await {
                    Ok(()) => received.triggered.push(trigger),
                    Err(source) => {
                        received.failed.push(failed(&target, "it cannot be annotated", Some(source)))
                    }
                }
            }
        }
        received
    }
}

/// The filters of a receiver with the webhook that they are asked about.
struct Sieve {
    filters: Result<Filters, String>,
    request: Result<Arc<FilterRequest>, String>,
    /// How many bytes may yet be read.
    budget: usize,
    body: usize,
}

impl Sieve {
    fn new(entry: &Entry, media_type: &str, body: &[u8]) -> Self {
        let filters = entry.filters.clone();
        let request = match &filters {
            Ok(filters) if filters.is_empty() => Ok(FilterRequest::default()),
            _ => FilterRequest::read(media_type, body),
        };
        Self { filters, request: request.map(Arc::new), budget: FILTER_BYTES, body: body.len() }
    }

    /// Returns the candidates that pass the filters, and what went wrong with others.
    async fn choose(
        &mut self,
        place: usize,
        target: &Target,
        found: Vec<Candidate>,
    ) -> (Vec<Candidate>, Vec<NotifyError>) {
        let filters: Vec<ResourceFilter> = match &self.filters {
            Ok(filters) => filters.of(place).cloned().collect(),
            Err(why) => return (Vec::new(), vec![failed(target, why, None)]),
        };
        if filters.is_empty() {
            return (found, Vec::new());
        }
        let request = match &self.request {
            Ok(request) => Arc::clone(request),
            Err(why) => return (Vec::new(), vec![failed(target, why, None)]),
        };
        let cost = self.body.saturating_add(4096).saturating_mul(filters.len()).saturating_mul(found.len());
        let Some(left) = self.budget.checked_sub(cost) else {
            let why = "the body is too long to be filtered for so many objects";
            return (Vec::new(), vec![failed(target, why, None)]);
        };
        self.budget = left;
        let values: Vec<Value> = found.iter().map(|candidate| target.filtered(candidate)).collect();
        // Bounded, but not short: a million steps are no work for a thread that others wait for.
        let judged = tokio::task::spawn_blocking(move || -> Vec<Result<bool, NotifyError>> {
            let accepts = |value: &Value| -> Result<bool, NotifyError> {
                for filter in &filters {
                    if !filter.accepts(value, &request)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            };
            values.iter().map(accepts).collect()
        });
        let Ok(judged) = judged.await else {
            return (Vec::new(), vec![failed(target, "its filter broke off, please report this", None)]);
        };
        let mut chosen = Vec::new();
        let mut faults = Vec::new();
        for (candidate, verdict) in found.into_iter().zip(judged) {
            match verdict {
                Ok(true) => chosen.push(candidate),
                Ok(false) => {}
                Err(error) => faults.push(failed(target, &error.to_string(), None)),
            }
        }
        (chosen, faults)
    }
}

fn failed(target: &Target, why: &str, source: Option<Cause>) -> NotifyError {
    NotifyError::Resource { resource: target.to_string(), reason: why.to_owned(), source }
}

impl<B> Service<Request<B>> for ReceiverEndpoint
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Cause>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let endpoint = self.clone();
        Box::pin(async move {
            let mut answer = Response::new(Full::new(Bytes::new()));
            *answer.status_mut() = status(&endpoint.take(request).await);
            Ok(answer)
        })
    }
}

/// Returns the answer's status, and logs what the sender is not told.
fn status(taken: &Result<Received, NotifyError>) -> StatusCode {
    match taken {
        Ok(received) if received.failed.is_empty() => StatusCode::OK,
        Ok(received) => {
            for error in &received.failed {
                tracing::error!(receiver = %received.receiver, %error, "webhook was not obeyed in full");
            }
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Err(error) => {
            tracing::info!(%error, "webhook was refused");
            match error {
                NotifyError::NoReceiver => StatusCode::NOT_FOUND,
                NotifyError::ReceiverClosed { .. } => StatusCode::SERVICE_UNAVAILABLE,
                NotifyError::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::BAD_REQUEST,
            }
        }
    }
}

impl fmt::Debug for ReceiverEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverEndpoint").field("options", &self.options).finish_non_exhaustive()
    }
}
