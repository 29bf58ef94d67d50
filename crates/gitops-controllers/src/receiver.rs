//! Receiver: a webhook that asks objects to reconcile.
//!
//! Flow of one run:
//! 1. The specification is checked, its expressions are read.
//! 2. The token of its Secret gives the path of the webhook.
//! 3. Conditions and path in one status write if anything changed, and an event.
//!
//! A webhook is taken when its receiver is ready and not suspended; the index of paths follows the watch, and our own writes
//! at once, so that a path that stands in a status is served.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use gitops_api::notification_v1::Receiver;
use gitops_api::{Failure, GoDuration, reasons};
use gitops_notify::receiver::{Receivers, validate, webhook_path};
use gitops_notify::{NotifyError, ObjectKey};
use gitops_runtime::events::{Notice, Recorder};
use gitops_runtime::informer::Change;
use gitops_runtime::queue::Requeue;
use gitops_runtime::status::StatusWriter;
use kube::ResourceExt;

use crate::context::{Shared, Workers};
use crate::record::{Begin, Record, begin, release};
use crate::report::{Setback, Tell};
use crate::secrets::{Entries, server_text};

/// The field manager of the status, and of the requests to reconcile.
pub(crate) const MANAGER: &str = "notification-controller";

/// What Ready and Reconciling say while nothing else is known.
const PROGRESS: &str = "Reconciliation in progress";

/// Flux's default of `spec.interval`.
const INTERVAL: Duration = Duration::from_secs(600);

/// Reconciles Receivers.
pub struct ReceiverReconciler {
    shared: Shared,
    recorder: Recorder,
    status: StatusWriter<Receiver>,
    workers: Workers,
    receivers: Receivers,
}

impl ReceiverReconciler {
    /// Returns a reconciler that keeps the index of paths.
    pub fn new(shared: Shared, recorder: Recorder, receivers: Receivers) -> Self {
        let status = StatusWriter::new(shared.client.clone(), MANAGER);
        let workers = Workers::new(shared.options.concurrent);
        Self { shared, recorder, status, workers, receivers }
    }

    /// Brings one object from what it is to what it asks for, and says when to look again.
    pub async fn reconcile(&self, seen: Arc<Receiver>) -> Requeue {
        let _place = self.workers.place().await;
        let mut run = match begin(&self.shared.client, &self.status, seen).await {
            Begin::Work(run) => run,
            Begin::Suspended(run) => return run.suspend(&self.status).await,
            Begin::Deleted(object) => return self.finalize(&object).await,
            Begin::Over(requeue) => return requeue,
        };
        run.progress = PROGRESS.to_owned();
        let path = self.path(&run.object).await;
        self.report(run, path).await
    }

    /// Steps 1 and 2.
    async fn path(&self, object: &Receiver) -> Result<String, Setback> {
        validate(&object.spec).map_err(|error| refused(&error))?;
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let Some(reference) = &object.spec.secret_ref else {
            return Ok(webhook_path(b"", &name, &namespace));
        };
        let secret = format!("{namespace}/{}", reference.name);
        let not_found =
            |text: String| Setback::failed(gitops_notify::reasons::TOKEN_NOT_FOUND, text, Requeue::Backoff);
        let entries = Entries::of_secret(&self.shared.client, &namespace, &reference.name).await;
        let entries = entries.map_err(|error| {
            not_found(format!("unable to read token from secret '{secret}' error: {}", server_text(&error)))
        })?;
        let Some(token) = entries.bytes("token") else {
            return Err(not_found(format!("invalid '{secret}' secret data: required fields 'token'")));
        };
        Ok(webhook_path(token, &name, &namespace))
    }

    /// Step 3. Events of receivers have Flux's two reasons, whatever Ready says.
    async fn report(&self, mut run: Record<Receiver>, path: Result<String, Setback>) -> Requeue {
        run.handled();
        let (notice, requeue) = match path {
            Ok(path) => {
                run.succeed(reasons::SUCCEEDED, &format!("Receiver initialized for path: {path}"));
                run.status.webhook_path = Some(path);
                let interval = interval(&run.object);
                let text = format!("Reconciliation finished, next run in {}", GoDuration::from(interval));
                let requeue = Requeue::After(self.shared.options.jitter.spread(interval));
                (Some(Notice::info(reasons::SUCCEEDED, text)), requeue)
            }
            Err(setback) => {
                run.set_back(&setback);
                let notice = match &setback.tell {
                    Tell::Error(text) => Some(Notice::error(reasons::FAILED, text)),
                    _ => None,
                };
                (notice, setback.requeue())
            }
        };
        match run.write(&self.status).await {
            Ok(written) => self.receivers.set(&written),
            Err(again) => return again,
        }
        if let Some(notice) = notice {
            self.recorder.publish(&*run.object, notice).await;
        }
        requeue
    }

    /// Keeps the index of paths as the watch has the receivers, or as they were just written.
    pub(crate) async fn keep(self: Arc<Self>, changes: impl Stream<Item = Change<Receiver>>) {
        let mut changes = std::pin::pin!(changes);
        while let Some(change) = changes.next().await {
            match (change.before, change.after) {
                (_, Some(receiver)) => self.receivers.set(&self.status.freshest(receiver)),
                (Some(gone), None) => self.receivers.remove(&ObjectKey::from(&gone.metadata)),
                (None, None) => {}
            }
        }
    }

    async fn finalize(&self, object: &Receiver) -> Requeue {
        self.receivers.remove(&ObjectKey::from(&object.metadata));
        release(&self.shared.client, &self.status, object).await
    }
}

/// Returns the name of the Secret that holds a receiver's token.
pub(crate) fn secret_of(object: &Receiver) -> Option<&str> {
    object.spec.secret_ref.as_ref().map(|reference| reference.name.as_str())
}

/// How often a receiver is checked again.
fn interval(object: &Receiver) -> Duration {
    object.spec.interval.as_ref().and_then(|interval| interval.get().ok()).unwrap_or(INTERVAL)
}

fn refused(error: &NotifyError) -> Setback {
    Setback::stalled(error.reason(), error.to_string())
}
