//! The HTTP endpoint that controllers post events to.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower::Service;

use super::payload::decode_event;
use crate::body::{BodyLimits, read};
use crate::dispatch::Dispatcher;
use crate::error::Cause;
use crate::{NotifyError, dispatch::Accepted};

/// What the endpoint takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventOptions {
    /// What the body of a request may be.
    pub body: BodyLimits,
}

impl EventOptions {
    /// Returns the options with other limits of a body.
    #[must_use]
    pub fn body(mut self, limits: BodyLimits) -> Self {
        self.body = limits;
        self
    }
}

/// A [`tower::Service`] that takes the events of Flux's controllers on any path and with any method, and answers as
/// notification-controller does: 202, also when no alert wants the event; 429 when the same event came a short while ago;
/// 413 and 400 for what cannot be read.
///
/// # Difference from Flux
/// Where Flux drops events it answers 202 all the same. Here 503 with `Retry-After` says that the event was not taken, and the
/// sender sends it again.
///
/// Serve it with any HTTP server, for example with axum's `fallback_service`.
#[derive(Clone, Debug)]
pub struct EventEndpoint {
    dispatcher: Dispatcher,
    options: EventOptions,
}

impl EventEndpoint {
    /// Returns the endpoint of a dispatcher.
    #[must_use]
    pub fn new(dispatcher: Dispatcher, options: EventOptions) -> Self {
        Self { dispatcher, options }
    }

    /// Takes one request.
    ///
    /// # Errors
    /// Why the event in it was not taken.
    pub async fn take<B>(&self, request: Request<B>) -> Result<Accepted, NotifyError>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<Cause>,
    {
        let body = read(request.into_body(), self.options.body).await?;
        self.dispatcher.accept(decode_event(&body)?).await
    }
}

impl<B> Service<Request<B>> for EventEndpoint
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
        Box::pin(async move { Ok(answer(endpoint.take(request).await)) })
    }
}

fn answer(taken: Result<Accepted, NotifyError>) -> Response<Full<Bytes>> {
    let (status, body, wait) = match taken {
        Ok(_) => (StatusCode::ACCEPTED, "", None),
        Err(error) => {
            tracing::debug!(%error, "event was not taken");
            match error {
                NotifyError::Repeated { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n", None),
                NotifyError::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "", None),
                NotifyError::Overloaded { .. } | NotifyError::ShuttingDown => {
                    (StatusCode::SERVICE_UNAVAILABLE, "", Some("5"))
                }
                _ => (StatusCode::BAD_REQUEST, "", None),
            }
        }
    };
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = status;
    if let Some(seconds) = wait {
        answer.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static(seconds));
    }
    answer
}
