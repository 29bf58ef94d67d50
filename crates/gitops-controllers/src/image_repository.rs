//! ImageRepository: a repository of images becomes a stored set of tags.
//!
//! Flow of one run:
//! 1. The name, the interval and the Secrets are read.
//! 2. A scan is due, or the run ends and comes again when it is.
//! 3. All tags are listed, the excluded ones left out, the others stored unless the same are stored.
//! 4. Conditions, one status write, an event if there is something new.
//!
//! Guarantees: tags that were stored stay until others are; a failed scan leaves them, and what the status says of them.
//! Credentials stand in no condition and no event.

mod access;
mod due;

pub(crate) use access::access;

use std::sync::Arc;
use std::time::Duration;

use gitops_api::image_v1::ImageRepository;
use gitops_api::{Failure, GoDuration, reasons};
use gitops_image::{ExclusionList, ImageError, RepositoryKey, ScanReport, TagStore};
use gitops_runtime::events::{Notice, Recorder};
use gitops_runtime::queue::Requeue;
use gitops_runtime::status::StatusWriter;
use gitops_source::oci::{ImageName, OciClients, OciError};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::context::{Shared, Workers};
use crate::record::{Begin, Record, begin, release};
use crate::report::Setback;
use due::{Due, due};

/// The field manager of the status.
const MANAGER: &str = "image-reflector-controller";

/// The shortest time that a scan gets.
const SHORTEST: Duration = Duration::from_secs(1);

/// Reconciles ImageRepositories.
pub struct ImageRepositoryReconciler {
    shared: Shared,
    recorder: Recorder,
    status: StatusWriter<ImageRepository>,
    workers: Workers,
    registries: OciClients,
    tags: Arc<dyn TagStore>,
}

/// How a run reached its goal.
enum Reached {
    /// A scan is not due.
    NotDue(Duration),
    /// The tags are known anew.
    Scanned(Duration),
}

impl ImageRepositoryReconciler {
    /// Returns a reconciler that keeps tags in `tags`.
    pub fn new(shared: Shared, recorder: Recorder, registries: OciClients, tags: Arc<dyn TagStore>) -> Self {
        let status = StatusWriter::new(shared.client.clone(), MANAGER);
        let workers = Workers::new(shared.options.concurrent);
        Self { shared, recorder, status, workers, registries, tags }
    }

    /// Brings one object from what it is to what it asks for, and says when to look again.
    pub async fn reconcile(&self, seen: Arc<ImageRepository>) -> Requeue {
        let _place = self.workers.place().await;
        let mut run = match begin(&self.shared.client, &self.status, seen).await {
            Begin::Work(run) => run,
            Begin::Suspended(run) => return run.suspend(&self.status).await,
            Begin::Deleted(object) => return self.finalize(&object).await,
            Begin::Over(requeue) => return requeue,
        };
        let reached = self.scan(&mut run).await;
        self.report(run, reached).await
    }

    /// Steps 1 to 3.
    async fn scan(&self, run: &mut Record<ImageRepository>) -> Result<Reached, Setback> {
        let object = run.object.clone();
        let image = image(&object)?;
        let interval = object.spec.interval.get();
        let interval =
            interval.map_err(|e| Setback::stalled(reasons::READ_OPERATION_FAILED, e.to_string()))?;
        let access =
            access(&self.shared.client, &self.registries, &object, &image, self.shared.options.strict)
                .await?;
        let exclusions =
            ExclusionList::of(object.spec.exclusion_list.as_deref()).map_err(|e| scan_failed(&e))?;

        let key = key(&object).map_err(|e| scan_failed(&e))?;
        let stored = self.tags.read(&key).map_err(|e| scan_failed(&e))?;
        let canonical = image.to_string();
        match due(&object, &canonical, &exclusions, stored.is_some(), interval, Timestamp::now()) {
            Due::In(left) => return Ok(Reached::NotDue(left)),
            Due::Now(reason) => run.progress = format!("scanning: {reason}"),
        }

        let listed = access.client.list_tags(&image, &access.credentials).await;
        let listed = listed.map_err(|error| list_failed(&error))?;
        let report = ScanReport::of(&*listed, &exclusions).map_err(|e| scan_failed(&e))?;
        report.store(&*self.tags, &key).map_err(|e| scan_failed(&e))?;
        let mut result = report.result();
        result.scan_time = Some(Time(Timestamp::now()));
        run.status.last_scan_result = Some(result);
        run.status.canonical_image_name = Some(canonical);
        run.status.observed_exclusion_list = exclusions.patterns().map(str::to_owned).collect();
        Ok(Reached::Scanned(interval))
    }

    /// Step 4.
    async fn report(&self, mut run: Record<ImageRepository>, reached: Result<Reached, Setback>) -> Requeue {
        run.handled();
        let (notice, requeue) = match reached {
            Ok(reached) => {
                let (next, nothing_new) = match reached {
                    Reached::NotDue(left) => (left, "no change in repository configuration since last scan"),
                    Reached::Scanned(interval) => (interval, "no new tags found"),
                };
                let message = ready_message(&run);
                let notice = if run.was_ready() == Some(&message) {
                    let text = format!("{nothing_new}, next scan in {}", GoDuration::from(next));
                    Notice::trace(reasons::SUCCEEDED, text)
                } else {
                    Notice::info(reasons::SUCCEEDED, &message)
                };
                run.succeed(reasons::SUCCEEDED, &message);
                (Some(notice), Requeue::After(next))
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

    /// Removes the tags of an object that is being deleted, then lets it go.
    async fn finalize(&self, object: &ImageRepository) -> Requeue {
        if let Ok(key) = key(object)
            && let Err(error) = self.tags.remove(&key)
        {
            let text = format!("removal of the stored tags failed: {error}");
            self.recorder.publish(object, Notice::error(reasons::GARBAGE_COLLECTION_FAILED, text)).await;
            return Requeue::Backoff;
        }
        release(&self.shared.client, &self.status, object).await
    }
}

/// Returns the name of the repository.
pub(crate) fn image(object: &ImageRepository) -> Result<ImageName, Setback> {
    ImageName::parse(&object.spec.image).map_err(|error| Setback::stalled(error.reason(), error.to_string()))
}

/// Returns under which key the tags are stored.
pub(crate) fn key(object: &ImageRepository) -> Result<RepositoryKey, ImageError> {
    RepositoryKey::new(object.namespace().unwrap_or_default(), object.name_any())
}

/// How long a scan may take, its credentials included.
fn timeout(object: &ImageRepository) -> Duration {
    let given = object.spec.timeout.as_ref().unwrap_or(&object.spec.interval);
    given.get().unwrap_or(SHORTEST).max(SHORTEST)
}

/// What an object says that was scanned, in this run or an earlier one.
fn ready_message(run: &Record<ImageRepository>) -> String {
    let result = run.status.last_scan_result.clone().unwrap_or_default();
    let revision = result.revision.unwrap_or_default();
    format!("successful scan: found {} tags with checksum {revision}", result.tag_count)
}

fn scan_failed(error: &ImageError) -> Setback {
    Setback::failed(error.reason(), format!("scan failed: {error}"), Requeue::Backoff)
}

/// A registry that says how long it wants to be left alone is left alone.
fn list_failed(error: &OciError) -> Setback {
    let again = error.retry_after().map_or(Requeue::Backoff, Requeue::After);
    Setback::failed(error.reason(), format!("scan failed: {error}"), again)
}
