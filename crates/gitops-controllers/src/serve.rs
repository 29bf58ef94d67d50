//! Running the reconcilers: one watch and one queue a kind.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use gitops_api::kustomize_v1::Kustomization;
use gitops_api::source_v1::GitRepository;
use gitops_runtime::events::{Delivery, Recorder, Reporter};
use gitops_runtime::informer::{Change, Informer};
use gitops_runtime::queue::{self, QueueContext};
use gitops_runtime::trigger::asks_for_work;
use gitops_source::SourceError;
use gitops_source::artifact::{ArtifactStore, FetchOptions, Fetcher, Limits, Links};
use gitops_source::git::GitStore;
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::context::Shared;
use crate::git_repository::GitRepositoryReconciler;
use crate::kustomization::{KustomizationReconciler, dependants_of_source, waiting_dependants};

/// How many bytes one byte of gzip can unpack to (RFC 1951: 258 bytes in two bits).
const GZIP_AT_BEST: u64 = 1032;

/// A kind that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// `source.toolkit.fluxcd.io`
    GitRepository,
    /// `kustomize.toolkit.fluxcd.io`
    Kustomization,
}

impl Kind {
    /// All kinds that can be served.
    pub const ALL: &'static [Self] = &[Self::GitRepository, Self::Kustomization];

    /// Returns the kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitRepository => "GitRepository",
            Self::Kustomization => "Kustomization",
        }
    }

    /// Returns the name under which Flux's controller of this kind reports.
    pub fn controller(self) -> &'static str {
        match self {
            Self::GitRepository => "source-controller",
            Self::Kustomization => "kustomize-controller",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|kind| kind.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!("kind '{text}' is not served; choose among {}", names.join(", "))
        })
    }
}

/// The reconcilers of one process.
pub struct Controllers {
    shared: Shared,
    kinds: BTreeSet<Kind>,
    artifacts: Arc<dyn ArtifactStore>,
    git: PathBuf,
    instance: String,
    delivery: Option<Delivery>,
}

impl Controllers {
    /// Returns reconcilers of all kinds that keep artifacts in `artifacts` and object stores below `git`.
    pub fn new(shared: Shared, artifacts: Arc<dyn ArtifactStore>, git: impl Into<PathBuf>) -> Self {
        let kinds = Kind::ALL.iter().copied().collect();
        Self {
            shared,
            kinds,
            artifacts,
            git: git.into(),
            instance: "gitops-controllers".to_owned(),
            delivery: None,
        }
    }

    /// Serves only these kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// Posts events there, beside writing them to the API server.
    #[must_use]
    pub fn events_to(mut self, delivery: Delivery) -> Self {
        self.delivery = Some(delivery);
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
    pub async fn run(self) -> Result<(), SourceError> {
        let repositories: Arc<Informer<GitRepository>> = Arc::default();
        let kustomizations: Arc<Informer<Kustomization>> = Arc::default();
        let mut work = Vec::new();
        let mut deliveries = Vec::new();
        if self.kinds.contains(&Kind::GitRepository) {
            let (recorder, delivery) = self.recorder(Kind::GitRepository);
            deliveries.push(delivery);
            let (shared, git) = (self.shared.clone(), GitStore::open(&self.git)?);
            let reconciler = GitRepositoryReconciler::new(
                shared,
                recorder,
                repositories.clone(),
                git,
                self.artifacts.clone(),
            );
            let reconciler = Arc::new(reconciler);
            let triggers = vec![own_changes(&repositories)];
            let context = self.queue(&repositories);
            work.push(
                queue::run(triggers, context, move |object| {
                    let reconciler = reconciler.clone();
                    async move { reconciler.reconcile(object).await }
                })
                .boxed(),
            );
        }
        if self.kinds.contains(&Kind::Kustomization) {
            let (recorder, delivery) = self.recorder(Kind::Kustomization);
            deliveries.push(delivery);
            // As in Flux, links are passed over and files may compress as well as gzip can; the sizes stay bounded.
            let options =
                FetchOptions::default().links(Links::Skip).limits(Limits::default().ratio(GZIP_AT_BEST));
            let fetcher = Fetcher::new(options)?;
            let (shared, own, sources) = (self.shared.clone(), kustomizations.clone(), repositories.clone());
            let reconciler = Arc::new(KustomizationReconciler::new(shared, recorder, own, sources, fetcher));
            let triggers = vec![
                own_changes(&kustomizations),
                woken(repositories.subscribe(), &kustomizations, dependants_of_source),
                woken(kustomizations.subscribe(), &kustomizations, waiting_dependants),
            ];
            let context = self.queue(&kustomizations);
            work.push(
                queue::run(triggers, context, move |object| {
                    let reconciler = reconciler.clone();
                    async move { reconciler.reconcile(object).await }
                })
                .boxed(),
            );
        }
        work.push(self.watch(&repositories).boxed());
        if self.kinds.contains(&Kind::Kustomization) {
            work.push(self.watch(&kustomizations).boxed());
        }
        futures::future::join_all(work).await;
        futures::future::join_all(deliveries).await;
        Ok(())
    }

    fn recorder(&self, kind: Kind) -> (Recorder, tokio::task::JoinHandle<()>) {
        let reporter = Reporter { controller: kind.controller().to_owned(), instance: self.instance.clone() };
        Recorder::start(self.shared.client.clone(), reporter, self.delivery.clone())
    }

    fn queue<K>(&self, informer: &Informer<K>) -> QueueContext<K>
    where
        K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
    {
        QueueContext {
            store: informer.store(),
            backoff: self.shared.options.backoff,
            metrics: self.shared.metrics.clone(),
            stop: self.shared.stop.clone(),
        }
    }

    fn watch<K>(&self, informer: &Arc<Informer<K>>) -> impl Future<Output = ()> + Send + 'static
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let options = &self.shared.options;
        let api: Api<K> = match &options.namespace {
            Some(namespace) => Api::namespaced(self.shared.client.clone(), namespace),
            None => Api::all(self.shared.client.clone()),
        };
        let mut config = watcher::Config::default();
        if let Some(selector) = &options.label_selector {
            config = config.labels(selector);
        }
        let (informer, stop) = (informer.clone(), self.shared.stop.clone());
        let metrics = self.shared.metrics.clone();
        let mut gone = informer.subscribe().boxed();
        async move {
            let forget = async {
                while let Some(change) = gone.next().await {
                    if let (Some(object), None) = (&change.before, &change.after) {
                        metrics.forget(
                            &K::kind(&()),
                            &object.namespace().unwrap_or_default(),
                            &object.name_any(),
                        );
                    }
                }
            };
            tokio::select! {
                () = informer.run(api, config, stop) => {}
                () = forget => {}
            }
        }
    }
}

/// The objects whose own change asks for work.
fn own_changes<K>(informer: &Informer<K>) -> BoxStream<'static, ObjectRef<K>>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
{
    let asked = |change: Change<K>| async move {
        let after = change.after?;
        asks_for_work(change.before.as_deref(), &*after).then(|| ObjectRef::from_obj(&*after))
    };
    informer.subscribe().filter_map(asked).boxed()
}

/// Which of all Kustomizations a change wakes.
type Whom<K> = fn(&Change<K>, &[Arc<Kustomization>]) -> Vec<Arc<Kustomization>>;

/// The objects that another object's change wakes, those that others depend on first.
fn woken<K>(
    changes: impl Stream<Item = Change<K>> + Send + 'static,
    all: &Arc<Informer<Kustomization>>,
    whom: Whom<K>,
) -> BoxStream<'static, ObjectRef<Kustomization>>
where
    K: Send + Sync + 'static,
{
    let all = all.clone();
    changes
        .flat_map(move |change| {
            let woken = whom(&change, &all.store().state());
            futures::stream::iter(crate::kustomization::in_order(woken))
        })
        .boxed()
}
