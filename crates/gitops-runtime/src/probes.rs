//! The small HTTP servers of a controller: metrics on one address, health on another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Whether the process is ready for traffic; starts as not ready.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says whether the process is ready.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    /// Tells whether the process is ready.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Serves `/metrics` until `stop`.
///
/// # Errors
/// Fails when the listener does.
pub async fn serve_metrics(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router =
        Router::new().route("/metrics", get(|State(m): State<Arc<Metrics>>| async move { m.text() }));
    axum::serve(listener, router.with_state(metrics)).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Serves `/healthz` (200 while the process lives) and `/readyz` (200 when it is ready, else 503) until `stop`.
///
/// # Errors
/// Fails when the listener does.
pub async fn serve_health(
    listener: TcpListener,
    readiness: Readiness,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let ready = |State(r): State<Readiness>| async move {
        if r.get() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") }
    };
    let router = Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready));
    axum::serve(listener, router.with_state(readiness)).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Reads an address as Go's flags have it: `:8080` means all interfaces.
///
/// # Errors
/// Returns the text of what is wrong.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.replacen("localhost", "127.0.0.1", 1)
    };
    full.parse().map_err(|e| format!("address '{text}' is not host:port: {e}"))
}
