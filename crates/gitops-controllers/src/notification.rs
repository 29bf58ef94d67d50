//! Notification: events reach people, webhooks start work. What listens, and what runs between the listeners and the kinds.
//!
//! - Events: [`EventEndpoint`] → dispatcher → the providers of the alerts that want them. [`directory`] reads what the
//!   dispatcher needs, [`warnings`] writes on an Alert what its author should know.
//! - Webhooks: [`ReceiverEndpoint`] → [`resources`] asks the objects of a receiver to reconcile.
//!
//! The listeners take connections from the beginning and answer when all alerts, providers and receivers are known: nobody is
//! told "no such receiver" because we have just started.

mod directory;
mod kinds;
mod resources;
mod warnings;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use gitops_api::notification_v1::Receiver;
use gitops_api::notification_v1beta3::{Alert, Provider};
use gitops_notify::receiver::{ReceiveOptions, ReceiverEndpoint, Receivers};
use gitops_notify::{DispatchOptions, Dispatcher, EventEndpoint, EventOptions, RouteOptions, Routes};
use gitops_runtime::events::Recorder;
use gitops_runtime::informer::Informer;
use gitops_runtime::metrics::Requests;
use kube::Client;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use directory::ClusterDirectory;
use kinds::Kinds;
use resources::ClusterResources;

/// How long what was accepted may still take when the process ends.
const GRACE: Duration = Duration::from_secs(20);

/// Where requests come in, how they are counted, and until when.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) requests: Requests,
    pub(crate) stop: CancellationToken,
}

impl Door {
    async fn serve(self, router: Router) {
        let Self { listener, requests, stop } = self;
        let counted = middleware::from_fn(move |request: Request, next: Next| {
            let (requests, method, started) = (requests.clone(), request.method().clone(), Instant::now());
            async move {
                let answer = next.run(request).await;
                requests.answered(method.as_str(), answer.status().as_u16(), started.elapsed());
                answer
            }
        });
        let served = axum::serve(listener, router.layer(counted));
        if let Err(error) = served.with_graceful_shutdown(stop.cancelled_owned()).await {
            tracing::error!(%error, "the server of the notification part broke off");
        }
    }
}

/// Routes events to the providers of the alerts.
pub(crate) struct Dispatch {
    dispatcher: Dispatcher,
    alerts: Arc<Informer<Alert>>,
    providers: Arc<Informer<Provider>>,
}

impl Dispatch {
    /// Returns the dispatch for the alerts and providers that the informers know; `recorder` writes on Alerts.
    pub(crate) fn new(
        client: &Client,
        alerts: Arc<Informer<Alert>>,
        providers: Arc<Informer<Provider>>,
        recorder: Recorder,
        options: DispatchOptions,
        no_cross_namespace: bool,
    ) -> Self {
        let routes = Routes::new(RouteOptions::default().no_cross_namespace(no_cross_namespace));
        let directory = ClusterDirectory::new(client.clone(), providers.clone(), Kinds::new(client.clone()));
        let warnings = warnings::observer(alerts.clone(), recorder);
        let dispatcher = Dispatcher::new(routes, Arc::new(directory), options).with_observer(warnings);
        Self { dispatcher, alerts, providers }
    }

    /// Returns the index of alerts, for the reconciler that keeps it.
    pub(crate) fn routes(&self) -> Routes {
        self.dispatcher.routes().clone()
    }

    /// Takes events until `stop`; then what was accepted is delivered.
    pub(crate) async fn serve(self, door: Door) {
        let known =
            async { tokio::join!(self.alerts.wait_until_listed(), self.providers.wait_until_listed()) };
        if door.stop.run_until_cancelled(known).await.is_none() {
            return;
        }
        let endpoint = EventEndpoint::new(self.dispatcher.clone(), EventOptions::default());
        door.serve(Router::new().fallback_service(endpoint)).await;
        self.dispatcher.shutdown(GRACE).await;
    }
}

/// Takes webhooks for the receivers that the informer knows until `stop`.
pub(crate) async fn receive(
    client: Client,
    receivers: Receivers,
    informer: Arc<Informer<Receiver>>,
    options: ReceiveOptions,
    door: Door,
) {
    if door.stop.run_until_cancelled(informer.wait_until_listed()).await.is_none() {
        return;
    }
    let resources = ClusterResources::new(client.clone(), Kinds::new(client));
    let endpoint = ReceiverEndpoint::new(receivers, Arc::new(resources), options);
    door.serve(Router::new().fallback_service(endpoint)).await;
}
