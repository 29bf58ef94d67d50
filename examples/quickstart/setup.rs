//! What must be in the cluster before the first act, and how it is taken away.
//!
//! It is brought there by the SDK itself: the same `Applier` that the controllers use, in stages, so that kinds are served
//! before objects of them are applied.

use gitops_api::notification_v1beta3::{Alert, Provider};
use gitops_apply::{Action, Applier, ApplyReport, FieldManager};
use gitops_examples::kinds::definitions;
use gitops_manifest::{Manifests, Object, ParseOptions, parse_objects};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::DeleteParams;
use kube::{Api, Client, Resource};
use serde_json::json;

use crate::failure::Failure;
use crate::hook::TOKEN;
use crate::watch::until_gone;
use crate::world::{SYSTEM, World};

/// A GitRepository and a Kustomization, as users of Flux write them.
const DOCUMENTS: &str = include_str!("documents.yaml");

/// The address in the documents that is not ours.
const THEIR_URL: &str = "ssh://git@github.com/example/fleet-infra";

/// A Provider, an Alert and a Receiver.
const NOTIFICATION: &str = include_str!("notification.yaml");

/// An ImageRepository and an ImagePolicy, as users of Flux write them.
const IMAGES: &str = include_str!("images.yaml");

/// The registry in the documents that is not ours.
const THEIR_REGISTRY: &str = "ghcr.io";

/// Installs the kinds, the namespace, the Secrets — the repository's password, the chat's address, the forge's token — and who
/// hears what.
///
/// Returns the kinds that were not there before.
pub(crate) async fn install(client: &Client, password: Object, chat: &str) -> Result<Vec<String>, Failure> {
    let mut objects = Vec::new();
    for definition in definitions() {
        objects.push(Object::new(serde_json::to_value(definition)?)?);
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}});
    objects.extend([Object::new(namespace)?, password]);
    objects.extend([secret("chat", "address", chat)?, secret("push", "token", TOKEN)?]);
    objects.extend(parse_objects("notification.yaml", NOTIFICATION.as_bytes(), &ParseOptions::kubectl())?);
    let report = apply(client, objects).await?;
    let created = report.changes.changes().iter().filter(|change| change.action == Action::Created);
    Ok(created
        .filter(|c| c.id.kind() == "CustomResourceDefinition")
        .map(|c| c.id.name().to_owned())
        .collect())
}

/// Applies the two documents, unchanged but for the address of the repository.
pub(crate) async fn apply_documents(client: &Client, url: &str) -> Result<(), Failure> {
    let text = DOCUMENTS.replace(THEIR_URL, url);
    apply(client, parse_objects("documents.yaml", text.as_bytes(), &ParseOptions::kubectl())?).await.map(drop)
}

/// Applies the two documents about images, unchanged but for the registry.
pub(crate) async fn apply_images(world: &World) -> Result<(), Failure> {
    let text = IMAGES.replace(THEIR_REGISTRY, world.registry.host());
    apply(&world.client, parse_objects("images.yaml", text.as_bytes(), &ParseOptions::kubectl())?)
        .await
        .map(drop)
}

fn secret(name: &str, key: &str, value: &str) -> Result<Object, Failure> {
    Ok(Object::new(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": SYSTEM},
        "stringData": {key: value},
    }))?)
}

async fn apply(client: &Client, objects: Vec<Object>) -> Result<ApplyReport, Failure> {
    let applier = Applier::new(client.clone(), FieldManager::new("quickstart"));
    let plan = applier.plan(&Manifests::from(objects)).await?;
    Ok(applier.apply(plan).await?)
}

/// Removes what the play made, the controllers' finalizers at work: objects first, then where they were, then their kinds.
pub(crate) async fn remove(world: &World, kinds: &[String]) -> Result<(), Failure> {
    delete(&world.kustomizations, "flux-system").await?;
    delete(&world.kustomizations, "shop").await?;
    delete(&world.repositories, "flux-system").await?;
    delete(&world.policies, "test-app").await?;
    delete(&world.images, "test-app").await?;
    delete(&world.receivers, "push").await?;
    delete(&Api::<Alert>::namespaced(world.client.clone(), SYSTEM), "fleet").await?;
    delete(&Api::<Provider>::namespaced(world.client.clone(), SYSTEM), "chat").await?;
    delete(&Api::<Namespace>::all(world.client.clone()), SYSTEM).await?;
    for kind in kinds {
        delete(&Api::<CustomResourceDefinition>::all(world.client.clone()), kind).await?;
    }
    Ok(())
}

async fn delete<K>(api: &Api<K>, name: &str) -> Result<(), Failure>
where
    K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    match api.delete(name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => until_gone(api, name, &format!("the removal of {name}")).await,
    }
}
