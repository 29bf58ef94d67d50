//! One run of an object whose status has what all of Flux's have: conditions, generation, request.

use std::fmt::Debug;
use std::sync::Arc;

use gitops_api::image_v1::{ImagePolicy, ImagePolicyStatus, ImageRepository, ImageRepositoryStatus};
use gitops_api::notification_v1::{Receiver, ReceiverStatus};
use gitops_api::source_v1::{GitRepository, GitRepositoryStatus};
use gitops_api::{Condition, conditions};
use gitops_runtime::conditions::{Conditions, find};
use gitops_runtime::events::Notice;
use gitops_runtime::finalizer::{self, FLUX_FINALIZER};
use gitops_runtime::queue::Requeue;
use gitops_runtime::status::StatusWriter;
use gitops_runtime::trigger;
use k8s_openapi::NamespaceResourceScope;
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::report::{Setback, Tell, gone_or_again, set_back, succeed};

/// A kind whose status has what all of Flux's have.
pub(crate) trait Reported:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
    /// What its status is.
    type Status: Clone + Default + Serialize;

    /// Returns the status that the object has.
    fn status(&self) -> Option<&Self::Status>;

    /// Tells whether the specification says that nothing is to be done.
    fn is_suspended(&self) -> bool;

    /// Returns the parts of a status that are the same in all kinds.
    fn parts(status: &mut Self::Status) -> Parts<'_>;
}

/// The parts of a status that are the same in all kinds.
pub(crate) struct Parts<'s> {
    conditions: &'s mut Vec<Condition>,
    observed_generation: &'s mut Option<i64>,
    last_handled_reconcile_at: &'s mut Option<String>,
}

macro_rules! reported {
    ($($kind:ty: $status:ty,)*) => {$(
        impl Reported for $kind {
            type Status = $status;

            fn status(&self) -> Option<&$status> {
                self.status.as_ref()
            }

            fn is_suspended(&self) -> bool {
                self.spec.suspend
            }

            fn parts(status: &mut $status) -> Parts<'_> {
                Parts {
                    conditions: &mut status.conditions,
                    observed_generation: &mut status.observed_generation,
                    last_handled_reconcile_at: &mut status.last_handled_reconcile_at,
                }
            }
        }
    )*};
}

reported! {
    GitRepository: GitRepositoryStatus,
    ImageRepository: ImageRepositoryStatus,
    ImagePolicy: ImagePolicyStatus,
    Receiver: ReceiverStatus,
}

/// One run: what the object was, and what its status will be.
pub(crate) struct Record<K: Reported> {
    /// The object as the run found it.
    pub(crate) object: Arc<K>,
    /// Its status then.
    pub(crate) before: K::Status,
    /// What its status will be, but for the conditions.
    pub(crate) status: K::Status,
    /// What its conditions will be.
    pub(crate) conditions: Conditions,
    /// What is being done; it is told when that fails.
    pub(crate) progress: String,
    conditions_before: Vec<Condition>,
    observed_before: i64,
}

/// How a run begins.
pub(crate) enum Begin<K: Reported> {
    /// There is work to do.
    Work(Record<K>),
    /// The object is suspended.
    Suspended(Record<K>),
    /// The object is being deleted.
    Deleted(Arc<K>),
    /// Nothing can be done now.
    Over(Requeue),
}

/// Begins a run with the newest that is known of an object, its finalizer in place.
pub(crate) async fn begin<K: Reported>(client: &Client, status: &StatusWriter<K>, seen: Arc<K>) -> Begin<K> {
    let object = status.freshest(seen);
    if object.meta().deletion_timestamp.is_some() {
        return Begin::Deleted(object);
    }
    let object = match finalizer::ensure(client, &*object, FLUX_FINALIZER).await {
        Ok(with_finalizer) => with_finalizer.map_or(object, Arc::new),
        Err(error) => return Begin::Over(gone_or_again(&error)),
    };
    let record = Record::start(object);
    if record.object.is_suspended() { Begin::Suspended(record) } else { Begin::Work(record) }
}

/// Lets an object that is being deleted go.
pub(crate) async fn release<K: Reported>(client: &Client, status: &StatusWriter<K>, object: &K) -> Requeue {
    match finalizer::remove(client, object, FLUX_FINALIZER).await {
        Ok(()) => {
            status.forget(object);
            Requeue::OnChange
        }
        Err(error) => gone_or_again(&error),
    }
}

impl<K: Reported> Record<K> {
    /// Begins a run.
    pub(crate) fn start(object: Arc<K>) -> Self {
        let mut before = object.status().cloned().unwrap_or_default();
        let generation = object.meta().generation.unwrap_or_default();
        let parts = K::parts(&mut before);
        let observed_before = parts.observed_generation.unwrap_or(-1);
        let conditions_before = parts.conditions.clone();
        let progress = if observed_before == generation {
            "reconciliation in progress".to_owned()
        } else {
            format!("processing object: new generation {observed_before} -> {generation}")
        };
        let conditions = Conditions::new(conditions_before.clone(), generation, jiff::Timestamp::now());
        let status = before.clone();
        Self { object, before, status, conditions, progress, conditions_before, observed_before }
    }

    /// Returns the message under which the object was ready before this run.
    pub(crate) fn was_ready(&self) -> Option<&str> {
        let ready = find(&self.conditions_before, conditions::READY).filter(|c| c.status == "True");
        ready.map(|c| c.message.as_str())
    }

    /// Notes that the request on the object was answered, with whatever outcome.
    pub(crate) fn handled(&mut self) {
        if let Some(token) = trigger::requested_at(&*self.object) {
            *K::parts(&mut self.status).last_handled_reconcile_at = Some(token.to_owned());
        }
    }

    /// Notes that the object's generation needs nothing more.
    pub(crate) fn observed(&mut self) {
        *K::parts(&mut self.status).observed_generation = self.object.meta().generation;
    }

    /// The good end.
    pub(crate) fn succeed(&mut self, reason: &str, message: &str) {
        succeed(&mut self.conditions, reason, message);
        self.observed();
    }

    /// The other end; returns what is to be told.
    pub(crate) fn set_back(&mut self, setback: &Setback) -> Option<Notice> {
        set_back(&mut self.conditions, setback, &self.progress);
        if setback.is_stalled() {
            self.observed();
        }
        match &setback.tell {
            Tell::Nothing => None,
            Tell::Info(text) => Some(Notice::info(&setback.reason, text)),
            Tell::Error(text) => Some(Notice::error(&setback.reason, text)),
        }
    }

    /// Tells whether the object was reconciled before this run.
    pub(crate) fn was_reconciled(&self) -> bool {
        self.observed_before >= 0
    }

    /// A suspended object that was reconciled before notes that its generation and request were seen; one that was
    /// suspended from the start is left alone.
    pub(crate) async fn suspend(mut self, writer: &StatusWriter<K>) -> Requeue {
        if self.was_reconciled() {
            self.handled();
            self.observed();
        }
        self.write(writer).await.map_or_else(|again| again, |_| Requeue::OnChange)
    }

    /// Writes the status if it differs from what it was. Returns the object as it is then.
    pub(crate) async fn write(&self, writer: &StatusWriter<K>) -> Result<Arc<K>, Requeue> {
        let mut status = self.status.clone();
        *K::parts(&mut status).conditions = self.conditions.list().to_vec();
        let written = writer.write(&*self.object, &self.before, &status).await;
        written.map(|new| new.unwrap_or_else(|| self.object.clone())).map_err(|e| gone_or_again(&e))
    }
}
