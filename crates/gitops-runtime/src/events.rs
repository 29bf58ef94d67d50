//! Telling what happened: Kubernetes events for `kubectl describe`, and Flux's event payload for notification.
//!
//! An event goes two ways. To the API server as a core/v1 Event, where repeated ones are counted up instead of being
//! written again; and, unless it is a trace, to the notification endpoint as JSON. Both happen in the background, in the
//! order of [`Recorder::publish`], so that a slow receiver never holds up a reconciliation.
//!
//! # Difference from Flux
//! Flux posts inside the reconciliation, up to five seconds an attempt, and only logs what failed. Here the post is tried
//! again with a growing delay until [`Delivery::give_up_after`], and what is given up is logged with its object.

mod deliver;
mod fold;

use std::collections::BTreeMap;
use std::time::Duration;

use gitops_api::annotations::EVENT_PREFIX;
use gitops_api::{Event, Severity};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Client, Resource, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use deliver::Worker;

/// How many events may wait for delivery; a publisher waits when there are more, and nothing is dropped.
const QUEUE: usize = 4096;

/// Who tells.
#[derive(Clone, Debug)]
pub struct Reporter {
    /// The controller's name, for example `kustomize-controller`.
    pub controller: String,
    /// The pod's or host's name.
    pub instance: String,
}

/// Where and how payloads are posted.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The address that takes the payloads, for example `http://notification-controller.flux-system.svc.cluster.local./`.
    pub url: String,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long one payload is tried again before it is given up.
    pub give_up_after: Duration,
}

impl Delivery {
    /// Returns a delivery to this address with 5 s an attempt, for a minute.
    pub fn to(url: &str) -> Self {
        Self { url: url.to_owned(), timeout: Duration::from_secs(5), give_up_after: Duration::from_secs(60) }
    }
}

/// What is told about an object.
#[derive(Clone, Debug)]
pub struct Notice {
    severity: Severity,
    reason: String,
    message: String,
    metadata: BTreeMap<String, String>,
}

impl Notice {
    /// Something worth knowing.
    pub fn info(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, reason, message)
    }

    /// Something that failed.
    pub fn error(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, reason, message)
    }

    /// Something for those who look closely: a Kubernetes event only, never posted.
    pub fn trace(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Trace, reason, message)
    }

    fn new(severity: Severity, reason: &str, message: impl Into<String>) -> Self {
        Self { severity, reason: reason.to_owned(), message: message.into(), metadata: BTreeMap::new() }
    }

    /// Adds metadata under the object's API group, for example `revision`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }
}

/// Publishes events of one controller.
#[derive(Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Event>,
    reporter: Reporter,
}

impl Recorder {
    /// Starts the background delivery; without a `delivery` events go to the API server only. The returned task ends when
    /// the recorder is dropped and everything published before has been delivered or given up.
    pub fn start(client: Client, reporter: Reporter, delivery: Option<Delivery>) -> (Self, JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let worker = tokio::spawn(Worker::new(client, delivery).run(waiting));
        (Self { queue, reporter }, worker)
    }

    /// Publishes an event about an object. Annotations of the object under `event.toolkit.fluxcd.io/` go along.
    pub async fn publish<K: Resource<DynamicType = ()>>(&self, object: &K, notice: Notice) {
        let group = K::group(&());
        let key = |key: String| if group.is_empty() { key } else { format!("{group}/{key}") };
        let mut metadata: BTreeMap<String, String> =
            notice.metadata.into_iter().map(|(k, v)| (key(k), v)).collect();
        let own = object.annotations().iter().filter(|(key, _)| key.starts_with(EVENT_PREFIX));
        metadata.extend(own.map(|(key, value)| (key.clone(), value.clone())));
        let event = Event {
            involved_object: reference(object),
            severity: notice.severity,
            timestamp: Time(Timestamp::now()),
            message: notice.message,
            reason: notice.reason,
            metadata,
            reporting_controller: self.reporter.controller.clone(),
            reporting_instance: self.reporter.instance.clone(),
        };
        if event.severity == Severity::Error {
            tracing::error!(object = %describe(&event.involved_object), reason = event.reason, "{}", event.message);
        } else {
            tracing::info!(object = %describe(&event.involved_object), reason = event.reason, "{}", event.message);
        }
        if self.queue.send(event).await.is_err() {
            tracing::error!("the event queue is closed");
        }
    }
}

fn reference<K: Resource<DynamicType = ()>>(object: &K) -> ObjectReference {
    ObjectReference {
        api_version: Some(K::api_version(&()).into_owned()),
        kind: Some(K::kind(&()).into_owned()),
        name: object.meta().name.clone(),
        namespace: object.meta().namespace.clone(),
        uid: object.meta().uid.clone(),
        resource_version: object.meta().resource_version.clone(),
        field_path: None,
    }
}

fn describe(reference: &ObjectReference) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}/{}", part(&reference.kind), part(&reference.namespace), part(&reference.name))
}
