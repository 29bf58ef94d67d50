//! GitRepository: a commit becomes an artifact.
//!
//! Flow of one run, numbered as in the table of `ARCHITECTURE.md`:
//! 1. The stored artifact is read again; one that is damaged or gone is dropped and made anew.
//! 2. The reference is resolved with one request. Equal revision and unchanged settings: nothing more to do.
//! 3. The commit is fetched into the remote's object store, what is there already excluded.
//! 4. Its tree — only some folders, others included — is packed under the ignore rules, stored and advertised.
//! 5. (13) Conditions, one status write if anything changed, an event if the content did.
//!
//! Guarantees: an artifact that was advertised stays until another one is; a failure leaves it in the status. The file of an
//! advertised artifact is never collected. Credentials stand in no condition and no event.

mod access;
mod tree;

pub(crate) use tree::normal;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use gitops_api::source_v1::GitRepository;
use gitops_api::{Artifact, Failure, conditions, event_metadata, reasons};
use gitops_manifest::FileTree;
use gitops_runtime::conditions::{Standing, is_true};
use gitops_runtime::events::{Notice, Recorder};
use gitops_runtime::informer::Informer;
use gitops_runtime::queue::Requeue;
use gitops_runtime::status::StatusWriter;
use gitops_source::SourceError;
use gitops_source::artifact::{ArtifactOwner, ArtifactStore, Draft, Limits, Links, unpack};
use gitops_source::git::{GitRemote, GitStore, Resolved, resolve};
use gitops_source::ignore::IgnoreRules;
use kube::ResourceExt;

use crate::context::{Shared, Workers};
use crate::record::{Begin, Record, begin, release};
use crate::report::{Setback, Tell};

/// The field manager of the status.
const MANAGER: &str = "source-controller";

/// Flux's default of `spec.timeout`.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reconciles GitRepositories.
pub struct GitRepositoryReconciler {
    shared: Shared,
    recorder: Recorder,
    informer: Arc<Informer<GitRepository>>,
    status: StatusWriter<GitRepository>,
    workers: Workers,
    git: GitStore,
    artifacts: Arc<dyn ArtifactStore>,
}

/// One run.
type Run = Record<GitRepository>;

/// How a run reached its goal.
enum Reached {
    /// The revision is the one already stored.
    Unchanged,
    /// An artifact was made; the subject of its commit.
    Stored(String),
}

impl GitRepositoryReconciler {
    /// Returns a reconciler that keeps object stores in `git` and artifacts in `artifacts`.
    pub fn new(
        shared: Shared,
        recorder: Recorder,
        informer: Arc<Informer<GitRepository>>,
        git: GitStore,
        artifacts: Arc<dyn ArtifactStore>,
    ) -> Self {
        let status = StatusWriter::new(shared.client.clone(), MANAGER);
        let workers = Workers::new(shared.options.concurrent);
        Self { shared, recorder, informer, status, workers, git, artifacts }
    }

    /// Brings one object from what it is to what it asks for, and says when to look again.
    pub async fn reconcile(&self, seen: Arc<GitRepository>) -> Requeue {
        let _place = self.workers.place().await;
        let mut run = match begin(&self.shared.client, &self.status, seen).await {
            Begin::Work(run) => run,
            Begin::Suspended(mut run) => {
                if run.was_reconciled() {
                    run.restamp_ready();
                }
                return run.suspend(&self.status).await;
            }
            Begin::Deleted(object) => return self.finalize(&object).await,
            Begin::Over(requeue) => return requeue,
        };
        let reached = self.produce(&mut run).await;
        self.report(run, reached).await
    }

    /// Steps 1 to 4.
    async fn produce(&self, run: &mut Run) -> Result<Reached, Setback> {
        let object = run.object.clone();
        check_verification(&object)?;
        self.collect_garbage(run).await;
        self.check_storage(run).await?;
        let remote = access::remote(&self.shared.client, &object).await?;
        let reference = access::reference(&object);
        let known = run.status.artifact.is_some();
        let resolved = resolve(&remote, &reference).await.map_err(|error| {
            let error = if known { error.while_listing(&reference) } else { error };
            checkout_failed(&error)
        })?;
        let included = self.included(&object)?;
        if run.is_current(&resolved, &included) {
            return Ok(Reached::Unchanged);
        }
        if run.status.artifact.as_ref().is_none_or(|a| a.revision != *resolved.revision()) {
            run.progress = format!("building artifact: new upstream revision '{}'", resolved.revision());
        }
        let (subject, tree) =
            self.fetch(&object, &remote, &resolved).await.map_err(|e| checkout_failed(&e))?;
        let artifact = self.store(&object, tree, resolved, included.clone()).await?;
        run.observe(artifact, included);
        Ok(Reached::Stored(subject))
    }

    /// Reads the stored artifact again; drops it from the status when it is not what was published.
    async fn check_storage(&self, run: &mut Run) -> Result<(), Setback> {
        if let Some(artifact) = run.status.artifact.clone() {
            let (store, checked) = (self.artifacts.clone(), artifact.clone());
            let verification =
                blocking(move || store.verify(&checked)).await.map_err(|e| storage_failed(&e))?;
            if !verification.is_verified() {
                let text =
                    format!("stored artifact '{}' is damaged or gone, it is made again", artifact.path);
                self.recorder
                    .publish(&*run.object, Notice::error(reasons::ARTIFACT_VERIFICATION_FAILED, text))
                    .await;
                run.status.artifact = None;
                run.progress = "building artifact: disappeared from storage".to_owned();
            } else {
                run.status.artifact = Some(self.artifacts.readdressed(artifact));
            }
        } else {
            run.progress = "building artifact".to_owned();
        }
        if run.status.artifact.is_none() {
            run.conditions.delete(conditions::ARTIFACT_IN_STORAGE);
        }
        Ok(())
    }

    /// The artifacts of the included repositories, in the order of the specification.
    fn included(&self, object: &GitRepository) -> Result<Vec<Artifact>, Setback> {
        let namespace = object.namespace().unwrap_or_default();
        let unavailable = |reason: &str, message: String| {
            Setback::failed(reason, &message, Requeue::After(self.shared.options.requeue_dependency))
                .with_condition(conditions::INCLUDE_UNAVAILABLE)
                .telling(Tell::Info(message))
        };
        let one = |name: &str| {
            let Some(other) = self.informer.get(&namespace, name) else {
                let text = format!(
                    "could not get resource for include '{name}': GitRepository.source.toolkit.fluxcd.io \"{name}\" not found"
                );
                return Err(unavailable(reasons::NOT_FOUND, text));
            };
            let artifact = other.status.as_ref().and_then(|s| s.artifact.clone());
            artifact.ok_or_else(|| {
                unavailable(reasons::NO_ARTIFACT, format!("no artifact available for include '{name}'"))
            })
        };
        object.spec.include.iter().map(|include| one(&include.repository.name)).collect()
    }

    /// Step 3: the commit's tree, and the beginning of its message.
    async fn fetch(
        &self,
        object: &GitRepository,
        remote: &GitRemote,
        resolved: &Resolved,
    ) -> Result<(String, Box<dyn FileTree>), SourceError> {
        if object.spec.recurse_submodules {
            let whole = self.git.fetch_with_submodules(remote, resolved).await?;
            return Ok((whole.checkout().commit().short_subject(), Box::new(whole)));
        }
        let checkout = self.git.fetch(remote, resolved).await?;
        Ok((checkout.commit().short_subject(), Box::new(checkout)))
    }

    /// Step 4: packs the tree and stores it.
    async fn store(
        &self,
        object: &Arc<GitRepository>,
        checkout: Box<dyn FileTree>,
        resolved: Resolved,
        included: Vec<Artifact>,
    ) -> Result<Artifact, Setback> {
        let draft = Draft {
            owner: owner(object).map_err(|e| storage_failed(&e))?,
            file_name: format!("{}.tar.gz", resolved.commit()),
            revision: resolved.revision().clone(),
            metadata: Default::default(),
        };
        let (store, object) = (self.artifacts.clone(), object.clone());
        blocking(move || {
            let spec = &object.spec;
            let mut grafted = tree::Grafted::new(&*checkout);
            for (include, artifact) in spec.include.iter().zip(&included) {
                let from = include.from_path.as_deref().unwrap_or_default();
                let tree =
                    included_tree(&*store, artifact, from).map_err(|text| copy_failed(include, &text))?;
                grafted.graft(include.target(), tree);
            }
            let sparse;
            let tree: &dyn FileTree = if spec.sparse_checkout.is_empty() {
                &grafted
            } else {
                sparse = tree::Sparse::new(&grafted, &spec.sparse_checkout).map_err(|folder| {
                    git_failed(format!("failed to sparse checkout directory '{folder}': no such directory"))
                })?;
                &sparse
            };
            let rules = IgnoreRules::for_tree(tree, spec.ignore.as_deref())
                .map_err(|e| Setback::failed("SourceIgnoreError", e.to_string(), Requeue::Backoff))?;
            store.publish(&draft, tree, &rules).map_err(|e| storage_failed(&e))
        })
        .await
    }

    /// Step 13: conditions, the status if it changed, events, and when to come again.
    async fn report(&self, mut run: Run, reached: Result<Reached, Setback>) -> Requeue {
        run.handled();
        let (notices, requeue) = match reached {
            Ok(reached) => (run.reach(&reached), self.after_success(&run.object)),
            Err(setback) => (run.set_back(&setback).into_iter().collect(), setback.requeue()),
        };
        if let Err(again) = run.write(&self.status).await {
            return again;
        }
        for notice in notices {
            self.recorder.publish(&*run.object, notice).await;
        }
        requeue
    }

    /// Removes old artifacts, but never the one that the status advertises.
    async fn collect_garbage(&self, run: &Run) {
        let (Ok(owner), Some(artifact)) = (owner(&run.object), run.status.artifact.clone()) else { return };
        let store = self.artifacts.clone();
        let notice = match blocking(move || store.collect_garbage(&owner, &[&artifact])).await {
            Ok(removed) if removed.is_empty() => return,
            Ok(removed) => {
                let text = format!("garbage collected {} artifacts", removed.len());
                Notice::trace(reasons::GARBAGE_COLLECTION_SUCCEEDED, text)
            }
            Err(error) => {
                let text = format!("garbage collection of artifacts failed: {error}");
                Notice::error(reasons::GARBAGE_COLLECTION_FAILED, text)
            }
        };
        self.recorder.publish(&*run.object, notice).await;
    }

    fn after_success(&self, object: &GitRepository) -> Requeue {
        match object.spec.interval.get() {
            Ok(interval) => Requeue::After(self.shared.options.jitter.spread(interval)),
            Err(_) => Requeue::OnChange,
        }
    }

    /// Removes the artifacts of an object that is being deleted, then lets it go.
    async fn finalize(&self, object: &GitRepository) -> Requeue {
        if let Ok(owner) = owner(object) {
            let store = self.artifacts.clone();
            match blocking(move || store.remove_all(&owner)).await {
                Ok(false) => {}
                Ok(true) => {
                    let text = "garbage collected artifacts for deleted resource";
                    self.recorder
                        .publish(object, Notice::trace(reasons::GARBAGE_COLLECTION_SUCCEEDED, text))
                        .await;
                }
                Err(error) => {
                    let text = format!("garbage collection for deleted resource failed: {error}");
                    self.recorder
                        .publish(object, Notice::error(reasons::GARBAGE_COLLECTION_FAILED, text))
                        .await;
                    return Requeue::Backoff;
                }
            }
        }
        release(&self.shared.client, &self.status, object).await
    }
}

impl Run {
    /// Tells whether the stored artifact is what this run would make.
    fn is_current(&self, resolved: &Resolved, included: &[Artifact]) -> bool {
        let (spec, status) = (&self.object.spec, &self.status);
        let same_content = |a: &Artifact, b: &Artifact| a.revision == b.revision && a.digest == b.digest;
        status.artifact.as_ref().is_some_and(|a| a.revision == *resolved.revision())
            && is_true(self.conditions.list(), conditions::ARTIFACT_IN_STORAGE)
            && status.observed_ignore == spec.ignore
            && status.observed_recurse_submodules == spec.recurse_submodules
            && status.observed_include == spec.include
            && status.observed_sparse_checkout == spec.sparse_checkout
            && status.included_artifacts.len() == included.len()
            && status.included_artifacts.iter().zip(included).all(|(a, b)| same_content(a, b))
    }

    fn observe(&mut self, artifact: Artifact, included: Vec<Artifact>) {
        let spec = &self.object.spec;
        self.status.artifact = Some(artifact);
        self.status.included_artifacts = included;
        self.status.observed_ignore.clone_from(&spec.ignore);
        self.status.observed_include.clone_from(&spec.include);
        self.status.observed_recurse_submodules = spec.recurse_submodules;
        self.status.observed_sparse_checkout.clone_from(&spec.sparse_checkout);
    }

    /// Says what Ready said, of the generation as it is now.
    fn restamp_ready(&mut self) {
        let Some(ready) = self.conditions.get(conditions::READY).cloned() else { return };
        let standing = match ready.status.as_str() {
            "True" => Standing::True,
            "False" => Standing::False,
            _ => Standing::Unknown,
        };
        self.conditions.set(conditions::READY, standing, &ready.reason, &ready.message);
    }

    /// The good end; returns what is to be told.
    fn reach(&mut self, reached: &Reached) -> Vec<Notice> {
        let failed_before = [
            conditions::FETCH_FAILED,
            conditions::INCLUDE_UNAVAILABLE,
            conditions::STORAGE_OPERATION_FAILED,
            conditions::SOURCE_VERIFIED,
        ];
        let recovered = failed_before[..3].iter().any(|c| is_true(&self.before.conditions, c));
        for condition in failed_before {
            self.conditions.delete(condition);
        }
        let Some(artifact) = self.status.artifact.clone() else { return Vec::new() };
        let message = format!("stored artifact for revision '{}'", artifact.revision);
        self.conditions.set(conditions::ARTIFACT_IN_STORAGE, Standing::True, reasons::SUCCEEDED, &message);
        self.succeed(reasons::SUCCEEDED, &message);
        let changed = self.before.artifact.as_ref().is_none_or(|a| a.digest != artifact.digest);
        let mut notices = Vec::new();
        if let Reached::Unchanged = reached {
            let text =
                format!("no changes since last reconciliation: observed revision '{}'", artifact.revision);
            notices.push(Notice::trace(reasons::GIT_OPERATION_SUCCEEDED, text));
        }
        if changed || recovered {
            let reason = if changed { reasons::NEW_ARTIFACT } else { reasons::SUCCEEDED };
            let commit = match reached {
                Reached::Stored(subject) => subject.clone(),
                Reached::Unchanged => artifact.revision.to_string(),
            };
            notices.push(
                Notice::info(reason, format!("stored artifact for commit '{commit}'"))
                    .with(event_metadata::REVISION, artifact.revision.to_string())
                    .with(event_metadata::DIGEST, artifact.digest.clone()),
            );
        }
        notices
    }
}

/// Signatures are not checked yet, so an object that asks for it gets no artifact.
fn check_verification(object: &GitRepository) -> Result<(), Setback> {
    let Some(verification) = &object.spec.verification else { return Ok(()) };
    let reference = object.spec.reference.clone().unwrap_or_default();
    let tagged = [&reference.tag, &reference.semver, &reference.name].iter().any(|r| r.is_some());
    let refuse = |reason: &str, message: &str| {
        Err(Setback::stalled(reason, message).with_standing(conditions::SOURCE_VERIFIED, Standing::False))
    };
    if verification.mode.verifies_tag() && !tagged {
        return refuse(
            reasons::INVALID_VERIFICATION_MODE,
            "cannot verify tag object's signature if a tag reference is not specified",
        );
    }
    refuse(reasons::VERIFICATION_ERROR, "signatures cannot be verified yet; nothing is published without")
}

fn included_tree(
    store: &dyn ArtifactStore,
    artifact: &Artifact,
    from: &str,
) -> Result<Arc<dyn FileTree>, String> {
    let mut archive = Vec::new();
    let mut file = store.open(artifact).map_err(|e| e.to_string())?;
    file.read_to_end(&mut archive).map_err(|e| e.to_string())?;
    let unpacked = unpack(archive.as_slice(), &Limits::default(), Links::Skip).map_err(|e| e.to_string())?;
    let whole: Arc<dyn FileTree> = Arc::new(unpacked.into_tree());
    let folder = tree::normal(from);
    match whole.kind(&folder) {
        Ok(Some(_)) => Ok(Arc::new(tree::Below::new(whole, &folder))),
        Ok(None) => Err(format!("cannot stat {folder}: no such file or directory")),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn timeout(object: &GitRepository) -> Duration {
    object.spec.timeout.as_ref().and_then(|t| t.get().ok()).unwrap_or(TIMEOUT)
}

fn owner(object: &GitRepository) -> Result<ArtifactOwner, SourceError> {
    ArtifactOwner::new("GitRepository", &object.namespace().unwrap_or_default(), &object.name_any())
}

fn checkout_failed(error: &SourceError) -> Setback {
    let message = match error {
        SourceError::GitEmpty { .. } => error.to_string(),
        _ => format!("failed to checkout and determine revision: {error}"),
    };
    Setback::failed(error.reason(), message, Requeue::Backoff).with_condition(conditions::FETCH_FAILED)
}

fn git_failed(message: String) -> Setback {
    Setback::failed(reasons::GIT_OPERATION_FAILED, message, Requeue::Backoff)
        .with_condition(conditions::FETCH_FAILED)
}

fn storage_failed(error: &SourceError) -> Setback {
    Setback::failed(error.reason(), error.to_string(), Requeue::Backoff)
        .with_condition(conditions::STORAGE_OPERATION_FAILED)
}

fn copy_failed(include: &gitops_api::source_v1::GitRepositoryInclude, text: &str) -> Setback {
    let from = include.from_path.as_deref().unwrap_or_default();
    let (name, to) = (&include.repository.name, include.target());
    let message = format!("failed to copy '{name}' include from {from} to {to}: {text}");
    Setback::failed(reasons::COPY_FAILURE, message, Requeue::Backoff)
        .with_condition(conditions::STORAGE_OPERATION_FAILED)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
