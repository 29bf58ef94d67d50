//! Act 1: two documents, and everything else comes from Git.

use gitops_api::source_v1::GitRepository;
use k8s_openapi::api::apps::v1::Deployment;

use crate::failure::Failure;
use crate::setup::apply_documents;
use crate::show::Show;
use crate::watch::{expect, until, until_told};
use crate::world::{World, applied, inventory, ready};

/// What the repository brings into the shop's namespace, as inventories write it: namespace, name, group, kind.
const SHOP: [&str; 5] = [
    "_quickstart-shop__Namespace",
    "quickstart-shop_coupons__ConfigMap",
    "quickstart-shop_settings__ConfigMap",
    "quickstart-shop_web__Service",
    "quickstart-shop_web_apps_Deployment",
];

pub(crate) async fn play(world: &World, show: &Show, revision: &str) -> Result<String, Failure> {
    show.step("the two documents are applied", apply_documents(&world.client, &world.fleet.url())).await?;

    show.step("the commit is an artifact, known by its digest", async {
        let seen = |r: &GitRepository| Some(r.status.as_ref()?.artifact.as_ref()?.revision.to_string());
        let what = "the artifact of the GitRepository";
        let source = until(&world.repositories, "flux-system", what, seen, Some(revision.to_owned())).await?;
        let digest =
            source.status.and_then(|s| s.artifact).map(|artifact| artifact.digest).unwrap_or_default();
        expect("the algorithm of the artifact's digest", digest.split(':').next(), Some("sha256"))?;
        until_told(&world.events, "GitRepository", "flux-system", "NewArtifact", "Begin the fleet").await
    })
    .await?;

    show.step("the Kustomization of the cluster brings the Kustomization of the shop", async {
        let what = "the Kustomization flux-system: last applied revision and readiness";
        let want = (Some(revision.to_owned()), Some("True".to_owned()));
        let cluster =
            until(&world.kustomizations, "flux-system", what, |k| (applied(k), ready(k)), want).await?;
        let brought = ["flux-system_shop_kustomize.toolkit.fluxcd.io_Kustomization"];
        expect(
            "the inventory of the Kustomization flux-system",
            inventory(&cluster),
            brought.map(str::to_owned).to_vec(),
        )
    })
    .await?;

    show.step("the shop is planned, applied in stages, and healthy", async {
        let shop = world.shop_is_at(revision).await?;
        expect(
            "the inventory of the Kustomization shop",
            inventory(&shop),
            SHOP.map(str::to_owned).to_vec(),
        )?;
        let available = |d: &Deployment| d.status.as_ref().and_then(|s| s.available_replicas);
        until(&world.deployments, "web", "available replicas of the Deployment web", available, Some(2))
            .await?;
        expect("the greeting", world.greeting().await?.as_deref(), Some("good morning"))?;
        until_told(&world.events, "Kustomization", "shop", "Progressing", "Health check passed").await?;
        until_told(
            &world.events,
            "Kustomization",
            "shop",
            "ReconciliationSucceeded",
            "Reconciliation finished",
        )
        .await
    })
    .await?;
    Ok(format!("{} objects from Git, healthy", SHOP.len() + 1))
}
