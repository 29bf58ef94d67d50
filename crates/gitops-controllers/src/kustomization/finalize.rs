//! The end of a Kustomization: what becomes of its objects.

use std::sync::Arc;

use gitops_api::kustomize_v1::{DeletionPolicy, Kustomization};
use gitops_api::{conditions, event_metadata};
use gitops_apply::{Inventory, InventoryEntry, PruneReport};
use gitops_runtime::conditions::find;
use gitops_runtime::events::Notice;
use gitops_runtime::finalizer::{self, FLUX_FINALIZER};
use gitops_runtime::queue::Requeue;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, ResourceExt};

use super::inventory::StatusInventory;
use super::run::Run;
use super::{KustomizationReconciler, identity};
use crate::report::gone_or_again;
use crate::secrets::is_not_found;

/// What the policy of an object says about its objects. Pure.
fn deletes(object: &Kustomization) -> bool {
    !object.spec.suspend
        && match object.spec.deletion_policy() {
            DeletionPolicy::MirrorPrune => object.spec.prune,
            DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
            _ => false,
        }
}

impl KustomizationReconciler {
    /// Deletes the objects if the policy says so, then lets the Kustomization go.
    ///
    /// As in Flux: nothing is deleted when it is suspended; when its ServiceAccount is gone its objects stay, with a Warning,
    /// since there is nobody left with the right to delete them.
    ///
    /// # Difference from Flux
    /// Flux takes any error of reading the ServiceAccount for its absence and orphans everything; here only a plain "not
    /// found" counts, anything else is tried again.
    pub(super) async fn finalize(&self, object: Arc<Kustomization>) -> Requeue {
        if object.metadata.finalizers.as_ref().is_none_or(|f| !f.iter().any(|f| f == FLUX_FINALIZER)) {
            return Requeue::OnChange;
        }
        if deletes(&object)
            && let Err(again) = self.delete_objects(&object).await
        {
            return again;
        }
        match finalizer::remove(&self.shared.client, &*object, FLUX_FINALIZER).await {
            Ok(()) => {
                self.uids.forget(&object.uid().unwrap_or_default());
                self.status.forget(&object);
                Requeue::OnChange
            }
            Err(error) => gone_or_again(&error),
        }
    }

    async fn delete_objects(&self, object: &Arc<Kustomization>) -> Result<(), Requeue> {
        let kept = object.status.as_ref().and_then(|s| s.inventory.clone()).unwrap_or_default();
        if kept.entries.is_empty() {
            return Ok(());
        }
        let run = Arc::new(Run::start(object.clone(), self.status.clone()));
        let store = StatusInventory::new(run.clone(), self.uids.clone());
        let inventory = gitops_apply::InventoryStore::load(&store).await.map_err(|error| {
            tracing::error!(%error, "the inventory cannot be read, nothing is deleted");
            Requeue::Backoff
        })?;
        if self.account_is_gone(object).await? {
            self.tell_orphans(object, &inventory).await;
            return Ok(());
        }
        let identity = self.identities.of(&self.shared, object).await.map_err(|setback| setback.requeue())?;
        let applier = self.applier(&run, &identity);
        let entries: Vec<InventoryEntry> = inventory.iter().collect();
        let report = applier.prune(&entries).await;
        if !report.changes.is_empty() {
            self.tell(object, Notice::info(&reason(object), report.changes.to_string())).await;
        }
        self.check_complete(object, &report).await?;
        if object.spec.deletion_policy() == DeletionPolicy::WaitForTermination {
            let timeout = object.spec.timeout().map_err(|_| Requeue::Backoff)?;
            let left = applier
                .wait_for_termination(&report.deleted(), timeout)
                .await
                .map_err(|_| Requeue::Backoff)?;
            if !left.is_empty() {
                let ids: Vec<String> = left.iter().map(|e| gitops_apply::subject_of(&e.id)).collect();
                let text = format!("failed to wait for resources to be deleted: {}", ids.join(", "));
                self.tell(object, Notice::error(&reason(object), text)).await;
            }
        }
        Ok(())
    }

    async fn check_complete(&self, object: &Arc<Kustomization>, report: &PruneReport) -> Result<(), Requeue> {
        if report.is_complete() {
            return Ok(());
        }
        let lines: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
        self.tell(object, Notice::error(&reason(object), lines.join("\n"))).await;
        Err(Requeue::Backoff)
    }

    async fn account_is_gone(&self, object: &Kustomization) -> Result<bool, Requeue> {
        if object.spec.kube_config.is_some() {
            return Ok(false);
        }
        let Some(account) = identity::account(&self.shared, object) else { return Ok(false) };
        let namespace = object.namespace().unwrap_or_default();
        match Api::<ServiceAccount>::namespaced(self.shared.client.clone(), &namespace).get(&account).await {
            Ok(_) => Ok(false),
            Err(error) if is_not_found(&error) => Ok(true),
            Err(error) => Err(gone_or_again(&error)),
        }
    }

    async fn tell_orphans(&self, object: &Arc<Kustomization>, inventory: &Inventory) {
        let lines: Vec<String> = inventory.iter().map(|e| gitops_apply::subject_of(&e.id)).collect();
        let text = format!("unable to prune objects: \n{}", lines.join("\n"));
        self.tell(object, Notice::error(&reason(object), text)).await;
    }

    async fn tell(&self, object: &Arc<Kustomization>, notice: Notice) {
        let revision = object.status.as_ref().and_then(|s| s.last_applied_revision.clone());
        let notice = match revision {
            Some(revision) => notice.with(event_metadata::REVISION, revision),
            None => notice,
        };
        self.recorder.publish(&**object, notice).await;
    }
}

/// Flux tells the end under the reason that Ready has.
fn reason(object: &Kustomization) -> String {
    let conditions = object.status.as_ref().map(|s| s.conditions.clone()).unwrap_or_default();
    find(&conditions, conditions::READY).map_or_else(|| "Progressing".to_owned(), |c| c.reason.clone())
}
