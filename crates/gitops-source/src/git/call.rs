//! One operation against a remote: blocking code on a thread of its own, under a deadline, ended early when
//! nobody waits for it any more.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::RemoteFailure;

/// What the blocking side of an operation needs to wait for the network.
#[derive(Clone)]
pub(super) struct Call {
    runtime: Handle,
    deadline: Instant,
    cancelled: watch::Receiver<bool>,
    interrupt: Arc<AtomicBool>,
}

/// Why waiting ended without an answer.
pub(super) enum Ended {
    Deadline,
    Cancelled,
}

impl Call {
    /// Waits for an answer, at most until the deadline. Must run on a thread that may block.
    pub(super) fn wait<F: Future>(&self, future: F) -> Result<F::Output, Ended> {
        let mut cancelled = self.cancelled.clone();
        self.runtime.block_on(async move {
            tokio::select! {
                output = future => Ok(output),
                () = tokio::time::sleep_until(self.deadline) => Err(Ended::Deadline),
                _ = cancelled.wait_for(|cancelled| *cancelled) => Err(Ended::Cancelled),
            }
        })
    }

    /// Returns the flag that ends long computations.
    pub(super) fn interrupt(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }
}

/// Runs blocking work on a thread of its own until it ends or the deadline has passed, whichever is first.
///
/// Work that is not waited for any longer, because the deadline passed or the caller dropped the future, is
/// told to end at its next wait or check. `late` makes the error for a passed deadline.
pub(super) async fn run<T: Send + 'static, E: Send + 'static>(
    deadline: Instant,
    late: impl FnOnce(RemoteFailure) -> E,
    work: impl FnOnce(Call) -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let (cancel, cancelled) = watch::channel(false);
    let interrupt = Arc::new(AtomicBool::new(false));
    let guard = Guard { cancel, interrupt: Arc::clone(&interrupt) };
    let call = Call { runtime: Handle::current(), deadline, cancelled, interrupt };
    let mut thread = tokio::task::spawn_blocking(move || work(call));
    // A little grace lets the work itself say where it stood when the time ran out.
    let grace = deadline + std::time::Duration::from_millis(500);
    let ended = tokio::time::timeout_at(grace, &mut thread).await;
    drop(guard);
    match ended {
        Ok(Ok(outcome)) => outcome,
        // gix is watched for panics on hostile input (CVE-2026-82254 and others): the object fails, not the process.
        Ok(Err(_)) => {
            Err(late(RemoteFailure::Protocol { reason: "reading what the remote sent failed".to_owned() }))
        }
        Err(_) => Err(late(RemoteFailure::Protocol { reason: "context deadline exceeded".to_owned() })),
    }
}

struct Guard {
    cancel: watch::Sender<bool>,
    interrupt: Arc<AtomicBool>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.interrupt.store(true, Ordering::Relaxed);
        self.cancel.send_replace(true);
    }
}
