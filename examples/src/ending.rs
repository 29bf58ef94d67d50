//! When a program that serves is to end.

use tokio::signal::unix::{SignalKind, signal};

/// Waits until somebody asks for the end: Ctrl-C, or SIGTERM, which is how a pod is ended.
pub async fn asked_to_end() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
