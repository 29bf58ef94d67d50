//! The background half: writing to the API server and posting to the notification endpoint.

use std::time::{Duration, Instant};

use gitops_api::{Event, Severity};
use k8s_openapi::api::core::v1::{Event as CoreEvent, EventSource};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::sync::mpsc;

use super::fold::{Fold, Key};
use super::{Delivery, describe};

/// The longest pause between two attempts to post.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Worker {
    client: Client,
    delivery: Option<(Delivery, reqwest::Client)>,
    fold: Fold,
}

impl Worker {
    pub(super) fn new(client: Client, delivery: Option<Delivery>) -> Self {
        let delivery = delivery.map(|d| (d, reqwest::Client::new()));
        Self { client, delivery, fold: Fold::default() }
    }

    /// Delivers until the queue is closed and empty. The two ways do not wait for each other.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Event>) {
        let (post, mut to_post) = mpsc::channel::<Event>(super::QUEUE);
        let delivery = self.delivery.take();
        let poster = tokio::spawn(async move {
            while let Some(event) = to_post.recv().await {
                if let Some((delivery, http)) = &delivery {
                    send(http, delivery, &event).await;
                }
            }
        });
        while let Some(event) = waiting.recv().await {
            self.record(&event).await;
            if event.severity != Severity::Trace && post.send(event).await.is_err() {
                break;
            }
        }
        drop(post);
        let _ = poster.await;
    }

    async fn record(&mut self, event: &Event) {
        let namespace = event.involved_object.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let api: Api<CoreEvent> = Api::namespaced(self.client.clone(), &namespace);
        let key = Key::of(event);
        if let Some(written) = self.fold.next(&key) {
            let again = json!({ "count": written.count, "lastTimestamp": event.timestamp.clone() });
            match api.patch(&written.name, &PatchParams::default(), &Patch::Merge(&again)).await {
                Ok(_) => return,
                Err(kube::Error::Api(status)) if status.code == 404 => self.fold.forget(&key),
                Err(error) => return report(event, &error),
            }
        }
        match api.create(&PostParams::default(), &core_event(event, &namespace)).await {
            Ok(created) => self.fold.remember(key, created.metadata.name.unwrap_or_default()),
            // The namespace is going away: nobody can read the event there any more.
            Err(kube::Error::Api(status))
                if status.code == 403 && status.message.contains("being terminated") => {}
            Err(error) => report(event, &error),
        }
    }
}

fn report(event: &Event, error: &kube::Error) {
    tracing::error!(object = %describe(&event.involved_object), reason = event.reason, %error, "event was not written");
}

fn core_event(event: &Event, namespace: &str) -> CoreEvent {
    let object = event.involved_object.name.clone().unwrap_or_default();
    let time = event.timestamp.clone();
    CoreEvent {
        metadata: ObjectMeta {
            name: Some(format!("{object}.{:x}", event.timestamp.0.as_nanosecond())),
            namespace: Some(namespace.to_owned()),
            annotations: (!event.metadata.is_empty()).then(|| event.metadata.clone()),
            ..ObjectMeta::default()
        },
        involved_object: event.involved_object.clone(),
        type_: Some(if event.severity == Severity::Error { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(event.reason.clone()),
        message: Some(event.message.clone()),
        count: Some(1),
        first_timestamp: Some(time.clone()),
        last_timestamp: Some(time),
        source: Some(EventSource { component: Some(event.reporting_controller.clone()), host: None }),
        reporting_component: Some(event.reporting_controller.clone()),
        reporting_instance: Some(event.reporting_instance.clone()),
        ..CoreEvent::default()
    }
}

/// Posts one payload, again and again while trying helps: 429 means that it is known already, another 4xx that it never
/// will be taken.
async fn send(http: &reqwest::Client, delivery: &Delivery, event: &Event) {
    let started = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let why = match http.post(&delivery.url).timeout(delivery.timeout).json(event).send().await {
            Ok(answer) if answer.status().is_success() || answer.status().as_u16() == 429 => return,
            Ok(answer) if answer.status().is_client_error() => {
                tracing::error!(object = %describe(&event.involved_object), status = answer.status().as_u16(), "event was refused");
                return;
            }
            Ok(answer) => format!("status {}", answer.status().as_u16()),
            Err(error) => told(&error.without_url()),
        };
        if started.elapsed() + pause > delivery.give_up_after {
            tracing::error!(object = %describe(&event.involved_object), why, "event was given up");
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Returns an error with its causes: the first line of a client's error says only that something failed.
fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
