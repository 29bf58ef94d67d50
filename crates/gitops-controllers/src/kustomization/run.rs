//! One run of a Kustomization: what its status is, what it will be, and writing it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gitops_api::kustomize_v1::{Kustomization, KustomizationStatus};
use gitops_api::{GoDuration, ResourceInventory, Snapshot, Time, conditions, reasons, record_snapshot};
use gitops_apply::Inventory;
use gitops_runtime::conditions::{Conditions, Standing};
use gitops_runtime::status::StatusWriter;
use gitops_runtime::trigger;
use jiff::Timestamp;

use crate::report::{Setback, set_back, succeed};

/// A run, shared with the inventory store, which writes the claim into the same status.
pub(super) struct Run {
    pub(super) object: Arc<Kustomization>,
    pub(super) started: Timestamp,
    writer: Arc<StatusWriter<Kustomization>>,
    draft: Mutex<Draft>,
}

/// The status as it was last written, and as it will be.
struct Draft {
    written: KustomizationStatus,
    status: KustomizationStatus,
    conditions: Conditions,
    progress: String,
    build: Option<Build>,
}

/// What a history entry is about.
struct Build {
    digest: String,
    revision: String,
}

impl Run {
    pub(super) fn start(object: Arc<Kustomization>, writer: Arc<StatusWriter<Kustomization>>) -> Self {
        let started = Timestamp::now();
        let written = object.status.clone().unwrap_or_default();
        let generation = object.metadata.generation.unwrap_or_default();
        let conditions = Conditions::new(written.conditions.clone(), generation, started);
        let progress = "reconciliation in progress".to_owned();
        let draft = Draft { status: written.clone(), written, conditions, progress, build: None };
        Self { object, started, writer, draft: Mutex::new(draft) }
    }

    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the status as it was when the run began or was last written.
    pub(super) fn written(&self) -> KustomizationStatus {
        self.draft().written.clone()
    }

    /// Says what is being done; it stands in the status when something is written before the end, and after a failure.
    pub(super) fn progress(&self, message: String) {
        self.draft().progress = message;
    }

    /// Notes the revision that this run works on.
    pub(super) fn attempt(&self, revision: &str) {
        self.draft().status.last_attempted_revision = Some(revision.to_owned());
    }

    /// Notes what was built; from now on the outcome is an entry of the history.
    pub(super) fn built(&self, digest: &str, revision: &str) {
        self.draft().build = Some(Build { digest: digest.to_owned(), revision: revision.to_owned() });
    }

    /// Sets the inventory that the next write will hold.
    pub(super) fn keep(&self, inventory: &Inventory) {
        self.draft().status.inventory = Some(ResourceInventory::from(inventory));
    }

    /// Tells of the health while it is waited for.
    pub(super) fn waiting_for_health(&self) {
        let mut draft = self.draft();
        let progress = draft.progress.clone();
        draft.conditions.set(conditions::HEALTHY, Standing::Unknown, reasons::PROGRESSING, &progress);
    }

    /// Tells how waiting for health ended.
    pub(super) fn health(&self, standing: Standing, reason: &str, message: &str) {
        self.draft().conditions.set(conditions::HEALTHY, standing, reason, message);
    }

    /// Drops the condition about health, where nobody asks for it any more.
    pub(super) fn without_health(&self) {
        self.draft().conditions.delete(conditions::HEALTHY);
    }

    /// Writes the status in the middle of a run: being worked on, Ready not known.
    pub(super) async fn write_progress(&self) -> Result<(), kube::Error> {
        {
            let mut draft = self.draft();
            let progress = draft.progress.clone();
            draft.conditions.reconciling(reasons::PROGRESSING, &progress);
            let ready = "Reconciliation in progress";
            draft.conditions.set(conditions::READY, Standing::Unknown, reasons::PROGRESSING, ready);
        }
        self.write().await
    }

    /// Writes the status if it differs from what was written last.
    pub(super) async fn write(&self) -> Result<(), kube::Error> {
        let (before, after) = {
            let draft = self.draft();
            let conditions = draft.conditions.list().to_vec();
            (draft.written.clone(), KustomizationStatus { conditions, ..draft.status.clone() })
        };
        self.writer.write(&*self.object, &before, &after).await?;
        self.draft().written = after;
        Ok(())
    }

    /// Notes that the request on the object was answered.
    pub(super) fn handled(&self) {
        if let Some(token) = trigger::requested_at(&*self.object) {
            self.draft().status.last_handled_reconcile_at = Some(token.to_owned());
        }
    }

    /// Notes that the object's generation was seen.
    pub(super) fn observed(&self) {
        self.draft().status.observed_generation = self.object.metadata.generation;
    }

    /// The good end.
    pub(super) fn succeed(&self, revision: &str) {
        let mut draft = self.draft();
        let message = format!("Applied revision: {revision}");
        succeed(&mut draft.conditions, reasons::RECONCILIATION_SUCCEEDED, &message);
        draft.status.last_applied_revision = Some(revision.to_owned());
        draft.status.observed_generation = self.object.metadata.generation;
        draft.record(reasons::RECONCILIATION_SUCCEEDED, self.started);
    }

    /// The other end.
    pub(super) fn set_back(&self, setback: &Setback) {
        let mut draft = self.draft();
        let progress = draft.progress.clone();
        set_back(&mut draft.conditions, setback, &progress);
        if setback.is_stalled() {
            draft.status.observed_generation = self.object.metadata.generation;
        }
        draft.record(&setback.reason, self.started);
    }
}

impl Draft {
    fn record(&mut self, outcome: &str, started: Timestamp) {
        let Some(build) = &self.build else { return };
        let now = Timestamp::now();
        let took = std::time::Duration::try_from(now.duration_since(started)).unwrap_or_default();
        let snapshot = Snapshot {
            digest: build.digest.clone(),
            last_reconciled: Time(now),
            last_reconciled_duration: GoDuration::from(took),
            last_reconciled_status: outcome.to_owned(),
            metadata: [("revision".to_owned(), build.revision.clone())].into(),
            ..Snapshot::default()
        };
        record_snapshot(&mut self.status.history, snapshot);
    }
}
