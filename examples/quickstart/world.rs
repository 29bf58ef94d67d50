//! What the acts play with: the cluster's API, the fleet's repository, and the world outside: a chat, a forge, a registry.

use gitops_api::image_v1::{ImagePolicy, ImageRepository};
use gitops_api::kustomize_v1::Kustomization;
use gitops_api::notification_v1::Receiver;
use gitops_api::source_v1::GitRepository;
use gitops_api::{annotations, k8s_openapi::jiff};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Service};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::chat::Chat;
use crate::failure::Failure;
use crate::fleet::Fleet;
use crate::hook::{TOKEN, announce};
use crate::registry::Registry;
use crate::watch::{expect, until};

/// The namespace of the GitRepository, the Kustomizations and their Secret.
pub(crate) const SYSTEM: &str = "flux-system";
/// The namespace of what they bring.
pub(crate) const SHOP_NAMESPACE: &str = "quickstart-shop";

/// The APIs that the acts ask, and the repository they commit to.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) fleet: Fleet,
    pub(crate) chat: Chat,
    pub(crate) registry: Registry,
    /// Where the controllers take webhooks, `http://host:port`.
    pub(crate) hooks: String,
    pub(crate) repositories: Api<GitRepository>,
    pub(crate) kustomizations: Api<Kustomization>,
    pub(crate) images: Api<ImageRepository>,
    pub(crate) policies: Api<ImagePolicy>,
    pub(crate) receivers: Api<Receiver>,
    pub(crate) events: Api<Event>,
    pub(crate) config_maps: Api<ConfigMap>,
    pub(crate) deployments: Api<Deployment>,
    pub(crate) services: Api<Service>,
}

impl World {
    pub(crate) fn new(client: &Client, fleet: Fleet, chat: Chat, registry: Registry, hooks: &str) -> Self {
        Self {
            client: client.clone(),
            fleet,
            chat,
            registry,
            hooks: hooks.to_owned(),
            repositories: Api::namespaced(client.clone(), SYSTEM),
            kustomizations: Api::namespaced(client.clone(), SYSTEM),
            images: Api::namespaced(client.clone(), SYSTEM),
            policies: Api::namespaced(client.clone(), SYSTEM),
            receivers: Api::namespaced(client.clone(), SYSTEM),
            events: Api::namespaced(client.clone(), SYSTEM),
            config_maps: Api::namespaced(client.clone(), SHOP_NAMESPACE),
            deployments: Api::namespaced(client.clone(), SHOP_NAMESPACE),
            services: Api::namespaced(client.clone(), SHOP_NAMESPACE),
        }
    }

    /// Asks the source for the newest commit, and waits until it has it: `flux reconcile source git flux-system`.
    ///
    /// Without being asked it looks every minute, as its `interval` says.
    pub(crate) async fn pull(&self, revision: &str) -> Result<(), Failure> {
        request(&self.repositories, "flux-system").await?;
        let seen = |r: &GitRepository| Some(r.status.as_ref()?.artifact.as_ref()?.revision.to_string());
        until(
            &self.repositories,
            "flux-system",
            "the artifact of the GitRepository",
            seen,
            Some(revision.to_owned()),
        )
        .await?;
        Ok(())
    }

    /// Waits until the shop is at a revision, and healthy.
    pub(crate) async fn shop_is_at(&self, revision: &str) -> Result<Kustomization, Failure> {
        let what = "the Kustomization shop: last applied revision and readiness";
        let want = (Some(revision.to_owned()), Some("True".to_owned()));
        until(&self.kustomizations, "shop", what, |k| (applied(k), ready(k)), want).await
    }

    /// Asks the shop to be looked at now, and waits until it was: `flux reconcile kustomization shop`.
    ///
    /// Without being asked it is looked at every ten minutes, as its `interval` says.
    pub(crate) async fn reconcile_shop(&self) -> Result<(), Failure> {
        let token = request(&self.kustomizations, "shop").await?;
        let handled = |k: &Kustomization| {
            (k.status.as_ref().and_then(|s| s.last_handled_reconcile_at.clone()), ready(k))
        };
        let want = (Some(token), Some("True".to_owned()));
        until(
            &self.kustomizations,
            "shop",
            "the Kustomization shop: last handled request and readiness",
            handled,
            want,
        )
        .await?;
        Ok(())
    }

    /// Returns the address at which the forge announces pushes, as soon as the Receiver has a path.
    pub(crate) async fn hook_address(&self) -> Result<String, Failure> {
        let has_path = |r: &Receiver| r.status.as_ref().is_some_and(|status| status.webhook_path.is_some());
        let receiver =
            until(&self.receivers, "push", "whether the Receiver has a path", has_path, true).await?;
        let path = receiver.status.and_then(|status| status.webhook_path).unwrap_or_default();
        Ok(format!("{}{path}", self.hooks))
    }

    /// Announces a push, as the forge does.
    pub(crate) async fn announce_push(&self) -> Result<(), Failure> {
        let status = announce(&self.hook_address().await?, TOKEN).await?;
        expect("the answer to the forge", status, 200)
    }

    /// Returns the greeting in the shop's settings.
    pub(crate) async fn greeting(&self) -> Result<Option<String>, Failure> {
        Ok(self.config_maps.get("settings").await?.data.and_then(|mut data| data.remove("greeting")))
    }
}

/// Sets the annotation by which Flux's users and tools ask for a reconciliation; each new token asks again.
pub(crate) async fn request<K>(api: &Api<K>, name: &str) -> Result<String, Failure>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let token = jiff::Timestamp::now().to_string();
    let patch = json!({"metadata": {"annotations": {annotations::REQUESTED_AT: token}}});
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(token)
}

/// Returns the revision that was applied last.
pub(crate) fn applied(object: &Kustomization) -> Option<String> {
    object.status.as_ref()?.last_applied_revision.clone()
}

/// Returns whether a Kustomization says that it is ready, of the specification as it is now.
pub(crate) fn ready(object: &Kustomization) -> Option<String> {
    let conditions = &object.status.as_ref()?.conditions;
    Some(conditions.iter().find(|c| c.type_ == "Ready")?.status.clone())
}

/// Returns the objects in a Kustomization's inventory, sorted.
pub(crate) fn inventory(object: &Kustomization) -> Vec<String> {
    let entries = object.status.as_ref().and_then(|s| s.inventory.as_ref()).map(|i| i.entries.as_slice());
    let mut ids: Vec<_> = entries.unwrap_or_default().iter().map(|entry| entry.id.clone()).collect();
    ids.sort();
    ids
}
