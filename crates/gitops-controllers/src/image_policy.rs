//! ImagePolicy: a set of tags becomes a decision.
//!
//! Flow of one run:
//! 1. The repository is there, may be used, and was scanned.
//! 2. The policy is read, and chooses among the stored tags.
//! 3. The tag's digest is looked up, if the policy wants it.
//! 4. Conditions, one status write if anything changed, an event if the choice did. The log says why it is this tag.
//!
//! Guarantee: a policy that cannot choose any more keeps what it chose last. An empty store of tags is "not yet", never "no
//! tags", so that a restart chooses nothing older.

mod wake;

pub(crate) use wake::policies_of_repository;

use std::sync::Arc;
use std::time::Duration;

use gitops_api::image_v1::{DigestReflectionPolicy, ImagePolicy, ImageRef, ImageRepository};
use gitops_api::{Failure, reasons};
use gitops_image::{DigestAction, ImageError, Policy, TagStore, ready_message, reflect_digest};
use gitops_runtime::events::{Notice, Recorder};
use gitops_runtime::informer::Informer;
use gitops_runtime::queue::Requeue;
use gitops_runtime::status::StatusWriter;
use gitops_source::oci::OciClients;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};

use crate::context::{Shared, Workers};
use crate::image_repository::{access, image, key};
use crate::record::{Begin, Record, begin, release};
use crate::report::Setback;
use crate::secrets::server_text;

/// The field manager of the status.
const MANAGER: &str = "image-reflector-controller";

/// How many tags the log explains.
const EXPLAINED: usize = 10;

/// Reconciles ImagePolicies.
pub struct ImagePolicyReconciler {
    shared: Shared,
    recorder: Recorder,
    status: StatusWriter<ImagePolicy>,
    workers: Workers,
    repositories: Arc<Informer<ImageRepository>>,
    registries: OciClients,
    tags: Arc<dyn TagStore>,
}

impl ImagePolicyReconciler {
    /// Returns a reconciler that finds ImageRepositories in `repositories` and their tags in `tags`.
    pub fn new(
        shared: Shared,
        recorder: Recorder,
        repositories: Arc<Informer<ImageRepository>>,
        registries: OciClients,
        tags: Arc<dyn TagStore>,
    ) -> Self {
        let status = StatusWriter::new(shared.client.clone(), MANAGER);
        let workers = Workers::new(shared.options.concurrent);
        Self { shared, recorder, status, workers, repositories, registries, tags }
    }

    /// Brings one object from what it is to what it asks for, and says when to look again.
    pub async fn reconcile(&self, seen: Arc<ImagePolicy>) -> Requeue {
        let _place = self.workers.place().await;
        let run = match begin(&self.shared.client, &self.status, seen).await {
            Begin::Work(run) => run,
            Begin::Suspended(run) => return run.suspend(&self.status).await,
            Begin::Deleted(object) => return self.finalize(&object).await,
            Begin::Over(requeue) => return requeue,
        };
        let chosen = self.choose(&run.object).await;
        self.report(run, chosen).await
    }

    /// Steps 1 to 3.
    async fn choose(&self, object: &ImagePolicy) -> Result<ImageRef, Setback> {
        check_interval(object)?;
        let repository = self.repository(object).await?;
        let policy = Policy::new(&object.spec).map_err(|error| undecided(&error))?;
        let key = key(&repository).map_err(|error| undecided(&error))?;
        let Some(tags) = self.tags.read(&key).map_err(|error| undecided(&error))? else {
            let wait = Requeue::After(self.shared.options.requeue_dependency);
            return Err(Setback::waiting(reasons::DEPENDENCY_NOT_READY, "no tags in database", wait));
        };
        let decision = policy.decide(&tags);
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        tracing::debug!(namespace, name, "{}", decision.listing(EXPLAINED));
        let tag = decision.into_latest().map_err(|error| undecided(&error))?.to_owned();

        let previous = object.status.as_ref().and_then(|status| status.latest_ref.as_ref());
        let name = repository.spec.image.clone();
        let digest = match reflect_digest(&object.spec.digest_reflection_policy, previous, &name, &tag) {
            DigestAction::Omit => None,
            DigestAction::Keep(digest) => Some(digest),
            DigestAction::Fetch => Some(self.digest(&repository, &tag).await?),
        };
        Ok(ImageRef { name, tag, digest })
    }

    /// Step 1: the repository, if the policy may use it.
    async fn repository(&self, object: &ImagePolicy) -> Result<Arc<ImageRepository>, Setback> {
        let reference = &object.spec.image_repository_ref;
        let own = object.namespace().unwrap_or_default();
        let namespace = reference.namespace.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| own.clone());
        let name = &reference.name;
        let failed = |reason: &str, why: String| {
            let text = format!("failed to get the referred ImageRepository: {why}");
            Setback::failed(reason, text, Requeue::Backoff)
        };
        let denied = |why: String| failed(reasons::ACCESS_DENIED, format!("access denied: {why}"));
        if namespace != own && self.shared.options.no_cross_namespace_refs {
            let why = "cross-namespace references have been blocked";
            return Err(denied(format!("can't access 'ImageRepository/{namespace}/{name}', {why}")));
        }
        let Some(found) = self.repositories.get(&namespace, name) else {
            let why = format!(
                "referenced ImageRepository does not exist: ImageRepository.image.toolkit.fluxcd.io \"{name}\" not found"
            );
            return Err(failed(reasons::DEPENDENCY_NOT_READY, why));
        };
        if namespace != own {
            let namespaces: Api<Namespace> = Api::all(self.shared.client.clone());
            let labels = match (&found.spec.access_from, namespaces.get_metadata(&own).await) {
                (None, _) => {
                    let why = "it does not name who may use it in 'accessFrom'";
                    return Err(denied(format!("can't access 'ImageRepository/{namespace}/{name}', {why}")));
                }
                (_, Err(error)) => return Err(failed(reasons::DEPENDENCY_NOT_READY, server_text(&error))),
                (Some(_), Ok(metadata)) => metadata.metadata.labels.unwrap_or_default(),
            };
            if !found.spec.access_from.as_ref().is_some_and(|access| access.admits(&labels)) {
                let why = format!("'accessFrom' does not fit the labels of namespace '{own}'");
                return Err(denied(format!("can't access 'ImageRepository/{namespace}/{name}', {why}")));
            }
        }
        if found.status.as_ref().is_none_or(|status| status.last_scan_result.is_none()) {
            let text = "referenced ImageRepository has not been scanned yet";
            return Err(Setback::waiting(reasons::DEPENDENCY_NOT_READY, text, Requeue::OnChange));
        }
        Ok(found)
    }

    /// Step 3.
    ///
    /// # Difference from Flux
    /// The registry is asked as the repository says, so `insecure` counts here too.
    async fn digest(&self, repository: &ImageRepository, tag: &str) -> Result<String, Setback> {
        let image = image(repository)?;
        let access =
            access(&self.shared.client, &self.registries, repository, &image, self.shared.options.strict)
                .await?;
        let digest = access.client.digest(&image, tag, &access.credentials).await.map_err(|error| {
            let again = error.retry_after().map_or(Requeue::Backoff, Requeue::After);
            Setback::failed(
                reasons::FAILURE,
                format!("failed fetching digest of {image}:{tag}: {error}"),
                again,
            )
        })?;
        Ok(digest.to_string())
    }

    /// Step 4.
    async fn report(&self, mut run: Record<ImagePolicy>, chosen: Result<ImageRef, Setback>) -> Requeue {
        run.handled();
        let (notice, requeue) = match chosen {
            Ok(latest) => {
                let known = run.status.latest_ref.replace(latest.clone());
                if known.as_ref().is_some_and(|known| *known != latest) {
                    run.status.observed_previous_ref = known;
                }
                let message = ready_message(&latest, run.status.observed_previous_ref.as_ref());
                let notice = if run.was_ready() == Some(&message) {
                    Notice::trace(reasons::SUCCEEDED, &message)
                } else {
                    Notice::info(reasons::SUCCEEDED, &message)
                };
                run.succeed(reasons::SUCCEEDED, &message);
                (Some(notice), interval(&run.object).map_or(Requeue::OnChange, Requeue::After))
            }
            Err(setback) => (run.set_back(&setback), setback.requeue()),
        };
        if let Err(again) = run.write(&self.status).await {
            return again;
        }
        if let Some(notice) = notice {
            self.recorder.publish(&*run.object, notice).await;
        }
        requeue
    }

    async fn finalize(&self, object: &ImagePolicy) -> Requeue {
        release(&self.shared.client, &self.status, object).await
    }
}

/// How often the digest is looked up.
fn interval(object: &ImagePolicy) -> Option<Duration> {
    let always = object.spec.digest_reflection_policy == DigestReflectionPolicy::Always;
    object.spec.interval.as_ref().filter(|_| always)?.get().ok()
}

/// The definition refuses what is refused here; an older object may still hold it.
fn check_interval(object: &ImagePolicy) -> Result<(), Setback> {
    let always = object.spec.digest_reflection_policy == DigestReflectionPolicy::Always;
    let text = match (always, object.spec.interval.is_some()) {
        (true, false) => "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'",
        (false, true) => "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'",
        _ => return Ok(()),
    };
    Err(Setback::stalled("IntervalNotConfigured", text))
}

fn undecided(error: &ImageError) -> Setback {
    if error.is_terminal() {
        return Setback::stalled(error.reason(), error.to_string());
    }
    Setback::failed(error.reason(), error.to_string(), Requeue::Backoff)
}
