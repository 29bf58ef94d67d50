//! Kustomization: an artifact's path becomes cluster state.
//!
//! Flow of one run, numbered as in the table of `ARCHITECTURE.md`:
//! - (1) The source has an artifact and the dependencies are ready, or the object waits until they are.
//! - (5) The artifact is pulled, (6) the manifests are built.
//! - (7) The plan: everything is tried on the server, nothing written. (8) The claim: the inventory is saved with all that
//!   will be written. (9) Stage after stage is applied.
//! - (11) What left the set is pruned — before health, as in Flux. (10) Health is waited for, until it is there, the time is
//!   up, or a newer revision makes it pointless. (12) The inventory is what is in the cluster now.
//! - (13) Conditions, history, inventory and revision in one status write; events; when to come again.
//!
//! Guarantees: an object that this Kustomization wrote is in its inventory, whatever fails and whenever. Nothing is deleted
//! after a failed build, plan or apply. A failure leaves `lastAppliedRevision` and the objects as they were.

mod build;
mod decrypt;
mod dependencies;
mod expressions;
mod finalize;
mod identity;
mod inventory;
mod options;
mod pull;
mod run;
mod wake;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use gitops_api::kustomize_v1::{Kustomization, SourceKind};
use gitops_api::source_v1::GitRepository;
use gitops_api::{
    Artifact, Failure, GoDuration, NamespacedObjectKindReference, ObjectId, conditions, event_metadata,
    reasons,
};
use gitops_apply::health::HealthOptions;
use gitops_apply::{Applier, ApplyError, FieldManager, HealthOutcome, HealthReport, OwnerLabels, Plan};
use gitops_manifest::Manifests;
use gitops_runtime::conditions::{Standing, is_true};
use gitops_runtime::events::{Notice, Recorder};
use gitops_runtime::finalizer::{self, FLUX_FINALIZER};
use gitops_runtime::informer::Informer;
use gitops_runtime::queue::Requeue;
use gitops_runtime::status::StatusWriter;
use gitops_source::SourceError;
use gitops_source::artifact::Fetcher;
use kube::ResourceExt;
use tokio::sync::SemaphorePermit;

use crate::context::{Shared, Workers};
use crate::report::{Setback, Tell, gone_or_again};
use dependencies::Unmet;
use identity::{Identities, Identity};
use inventory::{StatusInventory, Uids};
use pull::Puller;
use run::Run;

pub(crate) use wake::{dependants_of_source, waiting_dependants};

/// The field manager of the objects, and the name under which labels, annotations and events run.
const MANAGER: &str = "kustomize-controller";

/// The field manager of the status.
const STATUS_MANAGER: &str = "gotk-kustomize-controller";

/// The group of the owner labels.
const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// A health wait that is longer than this is told in the status.
const WORTH_TELLING: Duration = Duration::from_millis(250);

/// Reconciles Kustomizations.
pub struct KustomizationReconciler {
    shared: Shared,
    recorder: Recorder,
    informer: Arc<Informer<Kustomization>>,
    sources: Arc<Informer<GitRepository>>,
    status: Arc<StatusWriter<Kustomization>>,
    workers: Workers,
    identities: Identities,
    uids: Arc<Uids>,
    puller: Puller,
}

/// What a Kustomization is made from.
struct Source {
    artifact: Artifact,
    namespace: String,
    name: String,
}

impl KustomizationReconciler {
    /// Returns a reconciler that pulls artifacts with `fetcher`.
    pub fn new(
        shared: Shared,
        recorder: Recorder,
        informer: Arc<Informer<Kustomization>>,
        sources: Arc<Informer<GitRepository>>,
        fetcher: Fetcher,
    ) -> Self {
        Self {
            status: Arc::new(StatusWriter::new(shared.client.clone(), STATUS_MANAGER)),
            workers: Workers::new(shared.options.concurrent),
            identities: Identities::default(),
            uids: Arc::default(),
            puller: Puller::new(fetcher),
            shared,
            recorder,
            informer,
            sources,
        }
    }

    /// Brings one object from what it is to what it asks for, and says when to look again.
    pub async fn reconcile(&self, seen: Arc<Kustomization>) -> Requeue {
        let place = self.workers.place().await;
        let mut object = self.status.freshest(seen);
        if object.metadata.deletion_timestamp.is_some() {
            return self.finalize(object).await;
        }
        match finalizer::ensure(&self.shared.client, &*object, FLUX_FINALIZER).await {
            Ok(Some(with_finalizer)) => object = Arc::new(with_finalizer),
            Ok(None) => {}
            Err(error) => return gone_or_again(&error),
        }
        let run = Arc::new(Run::start(object, self.status.clone()));
        if run.object.spec.suspend {
            if run.written().observed_generation.unwrap_or(-1) >= 0 {
                run.handled();
                run.observed();
            }
            return run.write().await.map_or_else(|e| gone_or_again(&e), |()| Requeue::OnChange);
        }
        let source = self.source(&run.object);
        let revision = source.as_ref().map(|s| s.artifact.revision.to_string()).unwrap_or_default();
        let ended = match source {
            Ok(source) => self.apply(&run, &source, place).await,
            Err(setback) => Err(setback),
        };
        self.report(&run, &revision, ended).await
    }

    /// Step 1: the source with its artifact.
    fn source(&self, object: &Kustomization) -> Result<Source, Setback> {
        decrypt::check_identity(&object.spec)?;
        // Expressions that cannot be read stop everything, before anything is applied.
        expressions::health_rules(&object.spec)?;
        let reference = &object.spec.source_ref;
        let own = object.namespace().unwrap_or_default();
        let namespace = reference.namespace.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| own.clone());
        if namespace != own && self.shared.options.no_cross_namespace_refs {
            let text = format!(
                "can't access '{}/{namespace}/{}', cross-namespace references have been blocked",
                reference.kind, reference.name
            );
            return Err(Setback::stalled(reasons::ACCESS_DENIED, text));
        }
        if reference.kind != SourceKind::GitRepository {
            let text = format!("source kind '{}' is not supported yet", reference.kind);
            return Err(Setback::stalled(reasons::ARTIFACT_FAILED, text));
        }
        let Some(found) = self.sources.get(&namespace, &reference.name) else {
            let text =
                format!("{}.source.toolkit.fluxcd.io \"{}\" not found", reference.kind, reference.name);
            return Err(Setback::waiting(reasons::ARTIFACT_FAILED, text, retry(object)));
        };
        let Some(artifact) = found.status.as_ref().and_then(|s| s.artifact.clone()) else {
            let wait = self.shared.options.requeue_dependency;
            let text = format!("Source artifact not found, retrying in {}", GoDuration::from(wait));
            return Err(Setback::waiting(reasons::ARTIFACT_FAILED, text, Requeue::After(wait)));
        };
        Ok(Source { artifact, namespace, name: reference.name.clone() })
    }

    /// Steps 1 to 12. The place among the workers is given up while health is only waited for.
    async fn apply(
        &self,
        run: &Arc<Run>,
        source: &Source,
        place: SemaphorePermit<'_>,
    ) -> Result<(), Setback> {
        let object = &run.object;
        let (revision, again) = (source.artifact.revision.to_string(), retry(object));
        self.check_dependencies(object, &revision)?;
        let timeout = object
            .spec
            .timeout()
            .map_err(|e| Setback::stalled(reasons::RECONCILIATION_FAILED, e.to_string()))?;
        let doing = |what: &str| {
            format!("{what} for revision {revision} with a timeout of {}", GoDuration::from(timeout))
        };

        run.progress(doing("Fetching manifests"));
        let tree = self.puller.pull(&source.artifact).await.map_err(|e| self.pull_failed(&e, again))?;
        build::check_folder(&*tree, &object.spec, &build::mount(&source.artifact), again)?;
        run.attempt(&revision);

        run.progress(doing("Building manifests"));
        let identity = self.identities.of(&self.shared, object).await?;
        let manifests = self.build(run, &tree, &source.artifact, again).await?;

        run.progress(doing("Detecting drift"));
        let applier = self.applier(run, &identity);
        let plan = applier.plan(&manifests).await.map_err(|e| failed(&e, again))?;
        applier.claim(&plan).await.map_err(|e| failed(&e, again))?;
        let executed = applier.execute(&plan).await;
        let changes = match &executed {
            Ok(changes) => changes.clone(),
            Err(error) => error.changes().cloned().unwrap_or_default(),
        };
        let drifted = self.tell_changes(run, &revision, changes.only_changed().to_string()).await;
        executed.map_err(|e| failed(&e, again))?;

        let stale = if object.spec.prune { plan.stale.as_slice() } else { &[] };
        let pruned = applier.prune(stale).await;
        self.tell_changes(run, &revision, pruned.changes.to_string()).await;
        let kept = applier
            .commit(&plan, &changes, pruned.survivors().cloned())
            .await
            .map_err(|e| failed(&e, again))?;
        run.keep(&kept);
        self.uids.learn(&object.uid().unwrap_or_default(), &kept);
        if !pruned.is_complete() {
            let text: Vec<String> = pruned.failures.iter().map(ToString::to_string).collect();
            return Err(Setback::failed(reasons::PRUNE_FAILED, text.join("\n"), again));
        }

        drop(place);
        run.progress(doing("Running health checks"));
        self.check_health(run, source, &applier, &plan, drifted, HealthOptions::new(timeout)).await
    }

    fn check_dependencies(&self, object: &Kustomization, revision: &str) -> Result<(), Setback> {
        let find =
            |namespace: &str, name: &str| self.informer.get(namespace, name).map(|d| self.status.freshest(d));
        dependencies::check(object, revision, find).map_err(|unmet| {
            let text = match unmet {
                Unmet::NotReady(text) => text,
                Unmet::Invalid(text) => return expressions::invalid(&text),
            };
            let wait = self.shared.options.requeue_dependency;
            let told =
                format!("Dependencies do not meet ready condition, retrying in {}", GoDuration::from(wait));
            Setback::waiting(reasons::DEPENDENCY_NOT_READY, text, Requeue::After(wait))
                .telling(Tell::Info(told))
        })
    }

    async fn build(
        &self,
        run: &Run,
        tree: &gitops_manifest::MemoryTree,
        artifact: &Artifact,
        again: Requeue,
    ) -> Result<Manifests, Setback> {
        let spec = &run.object.spec;
        let decryptor = decrypt::decryptor(&self.shared, &run.object, again).await?;
        let kustomize = build::kustomize(tree, spec, &build::mount(artifact), again)?;
        let built = match &decryptor {
            Some(decryptor) => decrypt::build(decryptor, &kustomize, tree, again).await?,
            None => build::build(&kustomize, tree, again)?,
        };
        let substituted = build::substitute(&self.shared.client, &run.object, built, again).await?;
        run.built(substituted.digest(), artifact.revision.as_str());
        Ok(build::with_common_metadata(substituted, spec))
    }

    fn applier(&self, run: &Arc<Run>, identity: &Identity) -> Applier {
        let object = &run.object;
        let owner = OwnerLabels::new(GROUP, object.name_any(), object.namespace().unwrap_or_default());
        Applier::new(identity.client.clone(), FieldManager::new(MANAGER))
            .discovery(identity.discovery.clone())
            .owner(owner)
            .inventory(StatusInventory::new(run.clone(), self.uids.clone()))
            .options(options::options(&object.spec))
    }

    /// Step 10.
    async fn check_health(
        &self,
        run: &Run,
        source: &Source,
        applier: &Applier,
        plan: &Plan,
        drifted: bool,
        options: HealthOptions,
    ) -> Result<(), Setback> {
        let spec = &run.object.spec;
        if !spec.wait && spec.health_checks.is_empty() {
            run.without_health();
            return Ok(());
        }
        let was_healthy = is_true(&run.written().conditions, conditions::HEALTHY);
        let new_revision =
            run.written().last_applied_revision.as_deref() != Some(source.artifact.revision.as_str());
        let options = options.with_rules(expressions::health_rules(spec)?);
        let options = options.interrupted_by(self.made_pointless(run, source));
        let waiting = async {
            if spec.wait {
                let own = ObjectId::new(
                    run.object.namespace().as_deref(),
                    run.object.name_any(),
                    GROUP,
                    "Kustomization",
                );
                let mut others = plan.clone();
                others.objects.retain(|planned| planned.id != own);
                return Ok(applier.health_of(&others, options).await);
            }
            let ids = named_objects(&run.object);
            applier.health(&ids, options).await
        };
        let report = self.tell_while_waiting(run, waiting).await;
        let report = report
            .map_err(|e| Setback::failed(reasons::HEALTH_CHECK_FAILED, e.to_string(), retry(&run.object)))?;
        self.judge(run, source, &report, !was_healthy || (new_revision && drifted)).await
    }

    /// Waits, and says so in the status when it is not over at once.
    async fn tell_while_waiting<T>(&self, run: &Run, waiting: impl Future<Output = T>) -> T {
        let mut waiting = std::pin::pin!(waiting);
        if let Ok(done) = tokio::time::timeout(WORTH_TELLING, &mut waiting).await {
            return done;
        }
        run.waiting_for_health();
        if let Err(error) = run.write_progress().await {
            tracing::warn!(%error, "progress was not written");
        }
        waiting.await
    }

    async fn judge(
        &self,
        run: &Run,
        source: &Source,
        report: &HealthReport,
        tell: bool,
    ) -> Result<(), Setback> {
        let took = GoDuration::from(Duration::from_millis(
            report.elapsed.as_millis().try_into().unwrap_or(u64::MAX),
        ));
        match report.outcome {
            HealthOutcome::Healthy => {
                let text = format!("Health check passed in {took}");
                run.health(Standing::True, reasons::SUCCEEDED, &text);
                if tell {
                    let notice = Notice::info(reasons::PROGRESSING, text);
                    let notice = notice.with(event_metadata::REVISION, source.artifact.revision.to_string());
                    self.recorder.publish(&*run.object, notice).await;
                }
                Ok(())
            }
            HealthOutcome::Interrupted => {
                let text = "health checks canceled: there is something newer to apply";
                run.health(Standing::Unknown, reasons::HEALTH_CHECK_CANCELED, text);
                Err(Setback::failed(reasons::HEALTH_CHECK_CANCELED, text, Requeue::After(Duration::ZERO))
                    .telling(Tell::Info(text.to_owned())))
            }
            _ => {
                run.health(Standing::False, reasons::HEALTH_CHECK_FAILED, &report.to_string());
                let text = format!("health check failed after {took}: {report}");
                Err(Setback::failed(reasons::HEALTH_CHECK_FAILED, text, retry(&run.object)))
            }
        }
    }

    /// Ends when waiting for this run's health makes no sense any more: the source has other content, the object asks for
    /// something else or is being deleted, or the process ends.
    fn made_pointless(&self, run: &Run, source: &Source) -> impl Future<Output = ()> + Send + 'static {
        let digest = source.artifact.digest.clone();
        let (namespace, name) = (source.namespace.clone(), source.name.clone());
        let (uid, generation) = (run.object.uid(), run.object.metadata.generation);
        let newer = self.sources.subscribe().filter(move |change| {
            let artifact = change
                .after
                .as_ref()
                .filter(|s| s.name_any() == name && s.namespace().as_ref() == Some(&namespace));
            let artifact = artifact.and_then(|s| s.status.as_ref()?.artifact.clone());
            futures::future::ready(artifact.is_some_and(|a| a.digest != digest))
        });
        let changed = self.informer.subscribe().filter(move |change| {
            let ours = change.after.as_ref().filter(|k| k.uid() == uid);
            let other = |k: &Arc<Kustomization>| {
                k.metadata.generation != generation || k.metadata.deletion_timestamp.is_some()
            };
            futures::future::ready(ours.is_some_and(other))
        });
        let stop = self.shared.stop.clone();
        async move {
            let (mut newer, mut changed) = (std::pin::pin!(newer), std::pin::pin!(changed));
            tokio::select! {
                _ = newer.next() => {}
                _ = changed.next() => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Step 13.
    async fn report(&self, run: &Run, revision: &str, ended: Result<(), Setback>) -> Requeue {
        run.handled();
        let (notice, requeue) = match &ended {
            Ok(()) => {
                run.succeed(revision);
                self.good_end(run)
            }
            Err(setback) => {
                run.set_back(setback);
                let notice = match &setback.tell {
                    Tell::Nothing => None,
                    Tell::Info(text) => Some(Notice::info(&setback.reason, text)),
                    Tell::Error(text) => Some(Notice::error(&setback.reason, text)),
                };
                (notice, setback.requeue())
            }
        };
        if let Err(error) = run.write().await {
            return gone_or_again(&error);
        }
        if let Some(notice) = notice {
            let notice =
                if revision.is_empty() { notice } else { notice.with(event_metadata::REVISION, revision) };
            self.recorder.publish(&*run.object, notice).await;
        }
        requeue
    }

    fn good_end(&self, run: &Run) -> (Option<Notice>, Requeue) {
        let took = jiff::Timestamp::now().duration_since(run.started);
        let took = GoDuration::from(Duration::try_from(took).unwrap_or_default());
        let interval = &run.object.spec.interval;
        let text = format!("Reconciliation finished in {took}, next run in {interval}");
        let notice = Notice::info(reasons::RECONCILIATION_SUCCEEDED, text);
        let requeue = match interval.get() {
            Ok(interval) => Requeue::After(self.shared.options.jitter.spread(interval)),
            Err(_) => Requeue::OnChange,
        };
        (Some(notice.with(event_metadata::COMMIT_STATUS, "update")), requeue)
    }

    /// Tells what changed, if anything did; returns whether.
    async fn tell_changes(&self, run: &Run, revision: &str, changes: String) -> bool {
        if changes.is_empty() {
            return false;
        }
        let notice = Notice::info(reasons::PROGRESSING, changes).with(event_metadata::REVISION, revision);
        self.recorder.publish(&*run.object, notice).await;
        true
    }

    /// An artifact that is gone was replaced a moment ago; its successor is about to be seen.
    fn pull_failed(&self, error: &SourceError, again: Requeue) -> Setback {
        let again = if matches!(error, SourceError::FetchNotFound { .. }) {
            Requeue::After(self.shared.options.requeue_dependency)
        } else {
            again
        };
        Setback::failed(reasons::ARTIFACT_FAILED, error.to_string(), again)
    }
}

fn named_objects(object: &Kustomization) -> Vec<ObjectId> {
    let own = object.namespace().unwrap_or_default();
    let id = |check: &NamespacedObjectKindReference| {
        let group = match check.api_version.as_deref() {
            None | Some("") => "apps",
            Some(version) => version.split_once('/').map_or("", |(group, _)| group),
        };
        let namespace = check.namespace.as_deref().filter(|n| !n.is_empty()).unwrap_or(&own);
        ObjectId::new(Some(namespace), &check.name, group, &check.kind)
    };
    object.spec.health_checks.iter().map(id).collect()
}

/// Turns an error of the engine into what follows from it.
///
/// # Difference from Flux
/// When the API server was not there or did not answer, it is asked again soon, and not after the retry interval, which is
/// meant for mistakes in the repository.
fn failed(error: &ApplyError, again: Requeue) -> Setback {
    let passing = matches!(error, ApplyError::Inventory { .. })
        || error.failures().iter().any(|f| f.cause.is_transient());
    let again = if passing { Requeue::Backoff } else { again };
    // Flux ends the text about an object with a line break.
    let end = if error.failures().is_empty() { "" } else { "\n" };
    Setback::failed(error.reason(), format!("{error}{end}"), again)
}

/// The fixed delay after a failure: `spec.retryInterval`, or the interval.
fn retry(object: &Kustomization) -> Requeue {
    object.spec.retry_interval().map_or(Requeue::Backoff, Requeue::After)
}
