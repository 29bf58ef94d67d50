//! Events, alerts and providers for the tests.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use gitops_api::Event;
use gitops_api::notification_v1beta3::{Alert, Provider as ProviderObject, ProviderKind};
use gitops_notify::provider::{Provider, Wire};
use gitops_notify::{
    DispatchOptions, Dispatcher, NotifyError, Observation, Outcome, Receipt, RouteOptions, Routes,
    StaticDirectory, decode_event,
};
use serde_json::{Value, json};

/// An event of the Kustomization `name` in `apps`.
pub(crate) fn event(name: &str, message: &str) -> Event {
    let event = json!({
        "involvedObject": {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "namespace": "apps", "name": name,
        },
        "severity": "info",
        "timestamp": "2026-01-02T03:04:05Z",
        "message": message,
        "reason": "Progressing",
        "reportingController": "kustomize-controller",
    });
    decode_event(event.to_string().as_bytes()).unwrap()
}

/// An alert in `apps` about all Kustomizations there, for the provider of this name.
pub(crate) fn alert(name: &str, provider: &str) -> Alert {
    alert_of(
        name,
        json!({"providerRef": {"name": provider}, "eventSources": [{"kind": "Kustomization", "name": "*"}]}),
    )
}

/// An alert in `apps` with this spec.
pub(crate) fn alert_of(name: &str, spec: Value) -> Alert {
    serde_json::from_value(json!({"metadata": {"name": name, "namespace": "apps"}, "spec": spec})).unwrap()
}

/// A provider in `apps` with this spec.
pub(crate) fn provider_of(name: &str, spec: Value) -> ProviderObject {
    serde_json::from_value(json!({"metadata": {"name": name, "namespace": "apps"}, "spec": spec})).unwrap()
}

/// A dispatcher with these providers, and an alert about all Kustomizations for each of them, together with its receipts.
pub(crate) fn dispatcher(
    providers: Vec<ProviderObject>,
    options: DispatchOptions,
) -> (Dispatcher, Arc<StaticDirectory>, Receipts) {
    let routes = Routes::new(RouteOptions::default());
    let directory = Arc::new(StaticDirectory::new());
    for provider in providers {
        let name = provider.metadata.name.clone().unwrap();
        routes.set(&alert(&name, &name));
        directory.set_provider(provider, Default::default());
    }
    let receipts = Receipts::default();
    let kept = receipts.clone();
    let dispatcher = Dispatcher::new(routes, directory.clone(), options)
        .with_observer(move |observation: &Observation| kept.take(observation));
    (dispatcher, directory, receipts)
}

/// Everything that a dispatcher did.
#[derive(Clone, Default)]
pub(crate) struct Receipts(Arc<(Mutex<Vec<Observation>>, tokio::sync::Notify)>);

impl Receipts {
    fn take(&self, observation: &Observation) {
        self.0.0.lock().unwrap().push(observation.clone());
        self.0.1.notify_waiters();
    }

    pub(crate) fn observations(&self) -> Vec<Observation> {
        self.0.0.lock().unwrap().clone()
    }

    /// The receipts so far, in the order in which they were written.
    pub(crate) fn all(&self) -> Vec<Receipt> {
        let observations = self.observations().into_iter();
        let receipts = observations.filter_map(|observation| match observation {
            Observation::Receipt(receipt) => Some(receipt),
            _ => None,
        });
        receipts.collect()
    }

    /// Waits until there are so many.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Receipt> {
        loop {
            let more = self.0.1.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            let all = self.all();
            if all.len() >= count {
                return all;
            }
            more.await;
        }
    }
}

pub(crate) fn is_delivered(receipt: &Receipt) -> bool {
    receipt.outcome == Outcome::Delivered
}

type Script = dyn Fn(&Event) -> BoxFuture<'static, Result<(), NotifyError>> + Send + Sync;

/// A provider that does as it is told.
pub(crate) struct Scripted(pub(crate) Arc<Script>);

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Provider for Scripted {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Generic
    }

    fn deliver<'a>(&'a self, event: &'a Event, _: &'a dyn Wire) -> BoxFuture<'a, Result<(), NotifyError>> {
        (self.0)(event)
    }
}

/// The options with every provider doing as it is told.
pub(crate) fn scripted(
    options: DispatchOptions,
    script: impl Fn(&Event) -> BoxFuture<'static, Result<(), NotifyError>> + Send + Sync + 'static,
) -> DispatchOptions {
    let script: Arc<Script> = Arc::new(script);
    options.factory(move |_| Ok(Arc::new(Scripted(Arc::clone(&script))) as Arc<dyn Provider>))
}

/// A provider in `apps` whose address nobody looks at.
pub(crate) fn nowhere(name: &str) -> ProviderObject {
    provider_of(name, json!({"type": "generic", "address": "http://nowhere.example"}))
}
