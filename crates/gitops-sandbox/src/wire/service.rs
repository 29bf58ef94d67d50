//! The server as a tower service.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;

use super::Body;
use crate::error::SandboxError;
use crate::server::{Door, Server};

/// Answers requests: straight as the transport of a `kube::Client`, or behind a listener.
///
/// Who comes without a token is the administrator here; behind a listener it is `system:anonymous`.
#[derive(Clone, Debug)]
pub struct SandboxService {
    server: Arc<Server>,
    door: Door,
}

impl SandboxService {
    pub(crate) fn new(server: Arc<Server>, door: Door) -> Self {
        Self { server, door }
    }
}

impl<B> tower::Service<Request<B>> for SandboxService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = SandboxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, SandboxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SandboxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (server, door) = (Arc::clone(&self.server), self.door);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let Ok(body) = body.collect().await else {
                // The client went away.
                return Ok(Response::new(Body::from(Bytes::new())));
            };
            server.answer(parts, body.to_bytes(), door).await.ok_or(SandboxError::Cut)
        })
    }
}
