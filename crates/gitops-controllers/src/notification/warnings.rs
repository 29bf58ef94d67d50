//! What the author of an Alert should know, written on it as Kubernetes events.

use std::sync::Arc;

use gitops_api::notification_v1beta3::Alert;
use gitops_notify::{Observation, Observer, Outcome};
use gitops_runtime::events::{Notice, Recorder};
use gitops_runtime::informer::Informer;
use tokio::sync::mpsc;

/// How many warnings may wait to be written; what does not fit is logged alone.
const QUEUE: usize = 1024;

/// Returns an observer that writes warnings in the background and logs every delivery. An observer must not wait.
pub(super) fn observer(alerts: Arc<Informer<Alert>>, recorder: Recorder) -> impl Observer {
    let (queue, mut waiting) = mpsc::channel::<(Arc<Alert>, Notice)>(QUEUE);
    tokio::spawn(async move {
        while let Some((alert, notice)) = waiting.recv().await {
            recorder.publish(&*alert, notice).await;
        }
    });
    move |observation: &Observation| {
        log(observation);
        let Some(warning) = observation.warning() else { return };
        let Some(alert) = alerts.get(&warning.alert.namespace, &warning.alert.name) else { return };
        let plain = Notice::error(warning.reason, &warning.message);
        let notice = warning.annotations.iter().fold(plain, |notice, (key, value)| notice.with(key, value));
        if queue.try_send((alert, notice)).is_err() {
            tracing::error!(alert = %warning.alert, reason = warning.reason, "{}", warning.message);
        }
    }
}

fn log(observation: &Observation) {
    match observation {
        Observation::Receipt(receipt) => match &receipt.outcome {
            Outcome::Delivered => {
                tracing::info!(alert = %receipt.alert, attempts = receipt.attempts, "{receipt}")
            }
            Outcome::GivenUp(_) => {
                tracing::error!(alert = %receipt.alert, attempts = receipt.attempts, "{receipt}");
            }
            _ => tracing::debug!(alert = %receipt.alert, "{receipt}"),
        },
        Observation::Retry { alert, provider, attempts, error, .. } => {
            tracing::info!(%alert, %provider, attempts, error, "notification is sent again later");
        }
        _ => {}
    }
}
