//! Running the reconcilers: one watch and one queue a kind.

mod kind;
mod wake;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use gitops_api::image_v1::{ImagePolicy, ImageRepository};
use gitops_api::kustomize_v1::Kustomization;
use gitops_api::notification_v1::Receiver;
use gitops_api::notification_v1beta3::{Alert, Provider};
use gitops_api::source_v1::GitRepository;
use gitops_image::{MemoryTagStore, TagStore};
use gitops_notify::DispatchOptions;
use gitops_notify::receiver::{ReceiveOptions, Receivers};
use gitops_runtime::events::{Delivery, Recorder, Reporter};
use gitops_runtime::informer::Informer;
use gitops_runtime::queue::{self, QueueContext, Requeue};
use gitops_source::SourceError;
use gitops_source::artifact::{ArtifactStore, FetchOptions, Fetcher, Limits, Links};
use gitops_source::git::GitStore;
use gitops_source::oci::OciClients;
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alert::{self, AlertReconciler};
use crate::context::Shared;
use crate::git_repository::GitRepositoryReconciler;
use crate::image_policy::{ImagePolicyReconciler, policies_of_repository};
use crate::image_repository::ImageRepositoryReconciler;
use crate::kustomization::{KustomizationReconciler, dependants_of_source, waiting_dependants};
use crate::notification::{self, Dispatch, Door};
use crate::provider::ProviderReconciler;
use crate::receiver::{ReceiverReconciler, secret_of};
pub use kind::Kind;
use wake::{own_changes, secret_changes, woken};

/// How many bytes one byte of gzip can unpack to (RFC 1951: 258 bytes in two bits).
const GZIP_AT_BEST: u64 = 1032;

/// The reconcilers of one process.
pub struct Controllers {
    shared: Shared,
    kinds: BTreeSet<Kind>,
    artifacts: Arc<dyn ArtifactStore>,
    tags: Arc<dyn TagStore>,
    git: PathBuf,
    instance: String,
    delivery: Option<Delivery>,
    dispatch: DispatchOptions,
    events: Option<TcpListener>,
    webhooks: Option<TcpListener>,
}

/// The watches of all kinds; only those that are needed run.
#[derive(Default)]
struct Informers {
    repositories: Arc<Informer<GitRepository>>,
    kustomizations: Arc<Informer<Kustomization>>,
    images: Arc<Informer<ImageRepository>>,
    policies: Arc<Informer<ImagePolicy>>,
    providers: Arc<Informer<Provider>>,
    alerts: Arc<Informer<Alert>>,
    receivers: Arc<Informer<Receiver>>,
}

/// What runs until the end, and what is waited for after it.
#[derive(Default)]
struct Running {
    /// The queues, the watches, the indices.
    work: Vec<BoxFuture<'static, ()>>,
    /// The recorders: events that were published are delivered.
    deliveries: Vec<JoinHandle<()>>,
    /// The notification part, which takes events until everybody else has told theirs.
    last: Vec<JoinHandle<()>>,
}

impl Controllers {
    /// Returns reconcilers of all kinds that keep artifacts in `artifacts` and object stores below `git`.
    pub fn new(shared: Shared, artifacts: Arc<dyn ArtifactStore>, git: impl Into<PathBuf>) -> Self {
        Self {
            shared,
            kinds: Kind::ALL.iter().copied().collect(),
            artifacts,
            tags: Arc::new(MemoryTagStore::default()),
            git: git.into(),
            instance: "gitops-controllers".to_owned(),
            delivery: None,
            dispatch: DispatchOptions::flux(),
            events: None,
            webhooks: None,
        }
    }

    /// Serves only these kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// Keeps the tags of images there; without it they are kept in memory, and scanned again after a restart.
    #[must_use]
    pub fn tags(mut self, tags: Arc<dyn TagStore>) -> Self {
        self.tags = tags;
        self
    }

    /// Posts events there, beside writing them to the API server.
    #[must_use]
    pub fn events_to(mut self, delivery: Delivery) -> Self {
        self.delivery = Some(delivery);
        self
    }

    /// Takes events there, of these reconcilers and any others, where Alerts are served.
    #[must_use]
    pub fn events_at(mut self, listener: TcpListener) -> Self {
        self.events = Some(listener);
        self
    }

    /// Takes webhooks there, where Receivers are served.
    #[must_use]
    pub fn webhooks_at(mut self, listener: TcpListener) -> Self {
        self.webhooks = Some(listener);
        self
    }

    /// Delivers events in this way.
    #[must_use]
    pub fn dispatch(mut self, options: DispatchOptions) -> Self {
        self.dispatch = options;
        self
    }

    /// Names this process in events, usually after its pod.
    #[must_use]
    pub fn instance(mut self, name: impl Into<String>) -> Self {
        self.instance = name.into();
        self
    }

    /// Serves until the shared token is cancelled; then what runs is finished and the last events are delivered.
    ///
    /// # Errors
    /// When the folder of the object stores cannot be used.
    pub async fn run(mut self) -> Result<(), SourceError> {
        let informers = Informers::default();
        let mut running = Running::default();
        let told = CancellationToken::new();
        for kind in self.kinds.clone() {
            match kind {
                Kind::GitRepository => self.git_repositories(&informers, &mut running)?,
                Kind::Kustomization => self.kustomizations(&informers, &mut running)?,
                Kind::ImageRepository | Kind::ImagePolicy => {}
                Kind::Provider => self.providers(&informers, &mut running),
                Kind::Alert => self.alerts(&informers, &mut running, &told),
                Kind::Receiver => self.receivers(&informers, &mut running),
            }
        }
        self.images(&informers, &mut running);
        let watched: BTreeSet<Kind> = self.kinds.iter().flat_map(|kind| kind.watched()).copied().collect();
        for kind in watched {
            running.work.push(match kind {
                Kind::GitRepository => self.watch(&informers.repositories),
                Kind::Kustomization => self.watch(&informers.kustomizations),
                Kind::ImageRepository => self.watch(&informers.images),
                Kind::ImagePolicy => self.watch(&informers.policies),
                Kind::Provider => self.watch(&informers.providers),
                Kind::Alert => self.watch(&informers.alerts),
                Kind::Receiver => self.watch(&informers.receivers),
            });
        }
        // The indices end with the informers that feed them.
        drop(informers);
        futures::future::join_all(running.work).await;
        futures::future::join_all(running.deliveries).await;
        told.cancel();
        futures::future::join_all(running.last).await;
        Ok(())
    }

    fn git_repositories(&self, informers: &Informers, running: &mut Running) -> Result<(), SourceError> {
        let own = &informers.repositories;
        let recorder = self.recorder(Kind::GitRepository, running);
        let (shared, git) = (self.shared.clone(), GitStore::open(&self.git)?);
        let reconciler =
            GitRepositoryReconciler::new(shared, recorder, own.clone(), git, self.artifacts.clone());
        let reconciler = Arc::new(reconciler);
        running.work.push(self.queue(own, Vec::new(), move |object| {
            let reconciler = reconciler.clone();
            async move { reconciler.reconcile(object).await }
        }));
        Ok(())
    }

    fn kustomizations(&self, informers: &Informers, running: &mut Running) -> Result<(), SourceError> {
        let (own, sources) = (&informers.kustomizations, &informers.repositories);
        let recorder = self.recorder(Kind::Kustomization, running);
        // As in Flux, links are passed over and files may compress as well as gzip can; the sizes stay bounded.
        let options =
            FetchOptions::default().links(Links::Skip).limits(Limits::default().ratio(GZIP_AT_BEST));
        let fetcher = Fetcher::new(options)?;
        let shared = self.shared.clone();
        let reconciler =
            KustomizationReconciler::new(shared, recorder, own.clone(), sources.clone(), fetcher);
        let reconciler = Arc::new(reconciler);
        let others = vec![
            woken(sources.subscribe(), own, dependants_of_source),
            woken(own.subscribe(), own, waiting_dependants),
        ];
        running.work.push(self.queue(own, others, move |object| {
            let reconciler = reconciler.clone();
            async move { reconciler.reconcile(object).await }
        }));
        Ok(())
    }

    /// Repositories and policies share connections to registries, and tags.
    fn images(&self, informers: &Informers, running: &mut Running) {
        let registries = OciClients::default();
        let Informers { images, policies, .. } = informers;
        if self.kinds.contains(&Kind::ImageRepository) {
            let recorder = self.recorder(Kind::ImageRepository, running);
            let (shared, tags) = (self.shared.clone(), self.tags.clone());
            let reconciler = ImageRepositoryReconciler::new(shared, recorder, registries.clone(), tags);
            let reconciler = Arc::new(reconciler);
            running.work.push(self.queue(images, Vec::new(), move |object| {
                let reconciler = reconciler.clone();
                async move { reconciler.reconcile(object).await }
            }));
        }
        if self.kinds.contains(&Kind::ImagePolicy) {
            let recorder = self.recorder(Kind::ImagePolicy, running);
            let (shared, tags) = (self.shared.clone(), self.tags.clone());
            let reconciler = ImagePolicyReconciler::new(shared, recorder, images.clone(), registries, tags);
            let reconciler = Arc::new(reconciler);
            let others = vec![woken(images.subscribe(), policies, policies_of_repository)];
            running.work.push(self.queue(policies, others, move |object| {
                let reconciler = reconciler.clone();
                async move { reconciler.reconcile(object).await }
            }));
        }
    }

    fn providers(&self, informers: &Informers, running: &mut Running) {
        let reconciler = Arc::new(ProviderReconciler::new(self.shared.clone()));
        running.work.push(self.queue(&informers.providers, Vec::new(), move |object| {
            let reconciler = reconciler.clone();
            async move { reconciler.reconcile(object).await }
        }));
    }

    fn alerts(&mut self, informers: &Informers, running: &mut Running, told: &CancellationToken) {
        let (own, providers) = (&informers.alerts, &informers.providers);
        let reconciler = Arc::new(AlertReconciler::new(self.shared.clone()));
        running.work.push(self.queue(own, Vec::new(), move |object| {
            let reconciler = reconciler.clone();
            async move { reconciler.reconcile(object).await }
        }));
        let Some(listener) = self.events.take() else { return };
        let requests = self.shared.metrics.requests("gotk_event");
        let door = Door { listener, requests, stop: told.clone() };
        let (recorder, written) = self.start_recorder(Kind::Alert);
        let (client, options) = (&self.shared.client, self.dispatch.clone());
        let no_cross_namespace = self.shared.options.no_cross_namespace_refs;
        let dispatch =
            Dispatch::new(client, own.clone(), providers.clone(), recorder, options, no_cross_namespace);
        running.work.push(self.until_stop(alert::keep(dispatch.routes(), own.subscribe())));
        running.last.push(tokio::spawn(dispatch.serve(door)));
        running.last.push(written);
    }

    fn receivers(&mut self, informers: &Informers, running: &mut Running) {
        let own = &informers.receivers;
        let recorder = self.recorder(Kind::Receiver, running);
        let index = Receivers::default();
        let reconciler = Arc::new(ReceiverReconciler::new(self.shared.clone(), recorder, index.clone()));
        running.work.push(self.until_stop(reconciler.clone().keep(own.subscribe())));
        let others = vec![secret_changes(self.objects(), own, secret_of)];
        running.work.push(self.queue(own, others, move |object| {
            let reconciler = reconciler.clone();
            async move { reconciler.reconcile(object).await }
        }));
        let Some(listener) = self.webhooks.take() else { return };
        let options = ReceiveOptions::flux().no_cross_namespace(self.shared.options.no_cross_namespace_refs);
        let requests = self.shared.metrics.requests("gotk_receiver");
        let door = Door { listener, requests, stop: self.shared.stop.clone() };
        let received = notification::receive(self.shared.client.clone(), index, own.clone(), options, door);
        running.work.push(received.boxed());
    }

    fn recorder(&self, kind: Kind, running: &mut Running) -> Recorder {
        let (recorder, delivery) = self.start_recorder(kind);
        running.deliveries.push(delivery);
        recorder
    }

    fn start_recorder(&self, kind: Kind) -> (Recorder, JoinHandle<()>) {
        let reporter = Reporter { controller: kind.controller().to_owned(), instance: self.instance.clone() };
        let delivery = self.delivery.clone().filter(|_| kind.is_told_to_alerts());
        Recorder::start(self.shared.client.clone(), reporter, delivery)
    }

    fn until_stop(&self, work: impl Future<Output = ()> + Send + 'static) -> BoxFuture<'static, ()> {
        let stop = self.shared.stop.clone();
        async move { stop.run_until_cancelled(work).await.unwrap_or_default() }.boxed()
    }

    /// Reconciles the objects of a kind when they change, and when others wake them.
    fn queue<K, F, Fut>(
        &self,
        informer: &Arc<Informer<K>>,
        others: Vec<BoxStream<'static, ObjectRef<K>>>,
        reconcile: F,
    ) -> BoxFuture<'static, ()>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
        F: Fn(Arc<K>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Requeue> + Send + 'static,
    {
        let context = QueueContext {
            store: informer.store(),
            backoff: self.shared.options.backoff,
            metrics: self.shared.metrics.clone(),
            stop: self.shared.stop.clone(),
        };
        let triggers = std::iter::once(own_changes(informer)).chain(others).collect();
        queue::run(triggers, context, reconcile).boxed()
    }

    /// The objects of a kind that this process looks at.
    fn objects<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let client = self.shared.client.clone();
        match &self.shared.options.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        }
    }

    fn watch<K>(&self, informer: &Arc<Informer<K>>) -> BoxFuture<'static, ()>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let api = self.objects();
        let mut config = watcher::Config::default();
        if let Some(selector) = &self.shared.options.label_selector {
            config = config.labels(selector);
        }
        let (informer, stop) = (informer.clone(), self.shared.stop.clone());
        let metrics = self.shared.metrics.clone();
        let mut gone = informer.subscribe().boxed();
        async move {
            let forget = async {
                while let Some(change) = gone.next().await {
                    if let (Some(object), None) = (&change.before, &change.after) {
                        let namespace = object.namespace().unwrap_or_default();
                        metrics.forget(&K::kind(&()), &namespace, &object.name_any());
                    }
                }
            };
            tokio::select! {
                () = informer.run(api, config, stop) => {}
                () = forget => {}
            }
        }
        .boxed()
    }
}
