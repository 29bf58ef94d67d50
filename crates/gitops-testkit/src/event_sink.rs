//! A receiver of the events that controllers post.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::TestkitError;

/// One request that an [`EventSink`] got.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl Received {
    /// Returns the body as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// An HTTP server on loopback that takes every request, remembers it, and answers as it is told.
///
/// ```no_run
/// # async fn f() -> Result<(), gitops_testkit::TestkitError> {
/// use std::time::Duration;
/// use gitops_testkit::EventSink;
///
/// let sink = EventSink::start().await?;
/// // … start a controller with --events-addr set to sink.url() …
/// let event = sink.wait_for(Duration::from_secs(30), |event| event.json()["reason"] == "ReconciliationSucceeded").await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct EventSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
    status: AtomicU16,
}

impl EventSink {
    /// Starts a sink on a free port. It lives in the caller's runtime and ends when it is dropped.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self, TestkitError> {
        let io = || TestkitError::io("starting an event sink");
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(io())?;
        let address = listener.local_addr().map_err(io())?;
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            count: watch::Sender::new(0),
            status: AtomicU16::new(StatusCode::ACCEPTED.as_u16()),
        });
        let app = axum::Router::new().fallback(take).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the event sink ended");
            }
        });
        Ok(Self { address, shared, server })
    }

    /// Returns its address, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns its `host:port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers with `status` from now on (202 at first); the requests are remembered all the same.
    pub fn answer_with(&self, status: StatusCode) {
        self.shared.status.store(status.as_u16(), Ordering::Relaxed);
    }

    /// Returns what has come so far, in the order of arrival.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received().clone()
    }

    /// Forgets what has come so far.
    pub fn clear(&self) {
        self.shared.received().clear();
    }

    /// Returns the first request, past or to come, that `wanted` accepts.
    ///
    /// # Errors
    /// [`TestkitError::Timeout`] with the reasons of what came instead.
    pub async fn wait_for(
        &self,
        patience: Duration,
        wanted: impl Fn(&Received) -> bool,
    ) -> Result<Received, TestkitError> {
        let mut count = self.shared.count.subscribe();
        let found = async {
            loop {
                count.mark_unchanged();
                if let Some(received) = self.shared.received().iter().find(|received| wanted(received)) {
                    return received.clone();
                }
                // The sender lives as long as this sink, so there is no error to see.
                let _ = count.changed().await;
            }
        };
        tokio::time::timeout(patience, found).await.map_err(|_| {
            let came: Vec<String> =
                self.shared.received().iter().map(|other| other.json()["reason"].to_string()).collect();
            TestkitError::Timeout {
                what: format!("the event (these came: {})", came.join(", ")),
                seconds: patience.as_secs(),
            }
        })
    }
}

impl Drop for EventSink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn received(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    shared.received().push(Received { method, uri, headers, body });
    shared.count.send_modify(|count| *count += 1);
    StatusCode::from_u16(shared.status.load(Ordering::Relaxed)).unwrap_or(StatusCode::ACCEPTED)
}
