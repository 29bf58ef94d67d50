//! Provider: where events go. It has no status; only its finalizer is kept, as Flux's controller keeps it.
//!
//! The dispatcher reads the object and its Secrets at each delivery, so there is nothing to prepare here.

use std::sync::Arc;

use gitops_api::notification_v1beta3::Provider;
use gitops_runtime::finalizer::{self, FLUX_FINALIZER};
use gitops_runtime::queue::Requeue;

use crate::context::Shared;
use crate::report::gone_or_again;

/// Reconciles Providers.
pub struct ProviderReconciler {
    shared: Shared,
}

impl ProviderReconciler {
    /// Returns a reconciler.
    pub fn new(shared: Shared) -> Self {
        Self { shared }
    }

    /// Adds the finalizer, or removes it from an object that is being deleted.
    pub async fn reconcile(&self, object: Arc<Provider>) -> Requeue {
        let client = &self.shared.client;
        let done = if object.metadata.deletion_timestamp.is_some() {
            finalizer::remove(client, &*object, FLUX_FINALIZER).await
        } else {
            finalizer::ensure(client, &*object, FLUX_FINALIZER).await.map(drop)
        };
        done.map_or_else(|error| gone_or_again(&error), |()| Requeue::OnChange)
    }
}
