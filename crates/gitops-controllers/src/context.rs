//! What the reconcilers of one process share.

use std::sync::Arc;
use std::time::Duration;

use gitops_runtime::jitter::Jitter;
use gitops_runtime::metrics::Metrics;
use gitops_runtime::queue::Backoff;
use kube::{Client, Config};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

/// How the reconcilers behave, apart from what the objects say; the defaults are Flux's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ControllerOptions {
    /// How many objects of one kind are worked on at once (`--concurrent`). Those that only wait do not count.
    pub concurrent: usize,
    /// When to look again after something that is needed was not there (`--requeue-dependency`).
    pub requeue_dependency: Duration,
    /// By how much an interval is spread after success (`--interval-jitter-percentage`).
    pub jitter: Jitter,
    /// The delays after failures in a row (`--min-retry-delay`, `--max-retry-delay`).
    pub backoff: Backoff,
    /// Watch only this namespace; nothing means all (`--watch-all-namespaces`).
    pub namespace: Option<String>,
    /// Watch only objects with these labels (`--watch-label-selector`).
    pub label_selector: Option<String>,
    /// Refuse references to objects in other namespaces (`--no-cross-namespace-refs`).
    pub no_cross_namespace_refs: bool,
    /// Refuse what Flux lets pass (`--strict`): encrypted files that were changed after they were encrypted, and token servers
    /// on another domain than the registry that names them.
    pub strict: bool,
    /// Impersonate this account where an object names none (`--default-service-account`).
    pub default_service_account: Option<String>,
}

impl Default for ControllerOptions {
    fn default() -> Self {
        Self {
            concurrent: 4,
            requeue_dependency: Duration::from_secs(30),
            jitter: Jitter::percent(5),
            backoff: Backoff::default(),
            namespace: None,
            label_selector: None,
            no_cross_namespace_refs: false,
            strict: false,
            default_service_account: None,
        }
    }
}

/// What every reconciler has: the API server, the options, the metrics, and the end of the process.
#[derive(Clone)]
pub struct Shared {
    /// The API server, with the controller's own rights.
    pub client: Client,
    /// How to reach it, to make clients with other rights.
    pub config: Config,
    /// How to behave.
    pub options: ControllerOptions,
    /// Where durations are counted.
    pub metrics: Arc<Metrics>,
    /// Ends everything.
    pub stop: CancellationToken,
}

/// A limit on how many objects are worked on at once.
#[derive(Debug)]
pub(crate) struct Workers(Semaphore);

impl Workers {
    pub(crate) fn new(count: usize) -> Self {
        Self(Semaphore::new(count.max(1)))
    }

    /// Waits for a free place. It is given up while a reconciliation only waits, so that one that hangs in a health check
    /// does not keep others from their work.
    pub(crate) async fn place(&self) -> SemaphorePermit<'_> {
        self.0.acquire().await.expect("the semaphore is never closed")
    }
}
