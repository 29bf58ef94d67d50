//! Alert: which events go to a provider. It has no status; a finalizer of older versions is taken away, as Flux does it.
//!
//! The index of alerts follows the watch itself, not the queue: what an alert says counts from the moment that it is seen.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use gitops_api::notification_v1beta3::Alert;
use gitops_notify::{ObjectKey, Routes};
use gitops_runtime::finalizer::{self, FLUX_FINALIZER};
use gitops_runtime::informer::Change;
use gitops_runtime::queue::Requeue;

use crate::context::Shared;
use crate::report::gone_or_again;

/// Reconciles Alerts.
pub struct AlertReconciler {
    shared: Shared,
}

impl AlertReconciler {
    /// Returns a reconciler.
    pub fn new(shared: Shared) -> Self {
        Self { shared }
    }

    /// Takes the finalizer of older versions away.
    pub async fn reconcile(&self, object: Arc<Alert>) -> Requeue {
        let removed = finalizer::remove(&self.shared.client, &*object, FLUX_FINALIZER).await;
        removed.map_or_else(|error| gone_or_again(&error), |()| Requeue::OnChange)
    }
}

/// Keeps the index of alerts as the watch has them.
pub(crate) async fn keep(routes: Routes, changes: impl Stream<Item = Change<Alert>>) {
    let mut changes = std::pin::pin!(changes);
    while let Some(change) = changes.next().await {
        match (&change.before, &change.after) {
            (_, Some(alert)) => drop(routes.set(alert)),
            (Some(gone), None) => routes.remove(&ObjectKey::from(&gone.metadata)),
            (None, None) => {}
        }
    }
}
