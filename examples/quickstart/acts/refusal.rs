//! Act 5: a broken manifest is refused, with nothing written and the last good state kept; then it is fixed.

use gitops_api::kustomize_v1::Kustomization;
use gitops_api::reasons;

use crate::failure::Failure;
use crate::fleet::SHOP;
use crate::show::Show;
use crate::watch::{expect, until, until_told};
use crate::world::{World, applied, inventory, ready};

pub(crate) async fn play(world: &World, show: &Show) -> Result<String, Failure> {
    let good = world.kustomizations.get("shop").await?;
    let before = versions(world).await?;

    // The settings alone would be fine. Both are tried on the server before either is written.
    let (settings, web) = (format!("{SHOP}/settings.yaml"), format!("{SHOP}/web.yaml"));
    let greeting = world.fleet.read(&settings)?.replace("good afternoon", "good night");
    let broken = world.fleet.read(&web)?.replace("replicas: 2", "replicas: -1");
    let bad = world
        .fleet
        .commit("Close for the night", |change| change.file(&settings, greeting).file(&web, &broken))?;

    show.step("the source sees the commit", world.pull(&bad)).await?;
    show.step("the shop refuses it, and says which object and field", async {
        let attempted =
            |k: &Kustomization| (k.status.as_ref().and_then(|s| s.last_attempted_revision.clone()), ready(k));
        let what = "the Kustomization shop: last attempted revision and readiness";
        let want = (Some(bad), Some("False".to_owned()));
        let shop = until(&world.kustomizations, "shop", what, attempted, want).await?;
        expect("its last applied revision", applied(&shop), applied(&good))?;
        expect("its inventory", inventory(&shop), inventory(&good))?;
        until_told(
            &world.events,
            "Kustomization",
            "shop",
            reasons::RECONCILIATION_FAILED,
            "spec.replicas: Invalid value: -1",
        )
        .await
    })
    .await?;
    show.step("nothing was written: the last good state is what runs", async {
        expect("the greeting", world.greeting().await?.as_deref(), Some("good afternoon"))?;
        expect("versions and generation of the shop's objects", versions(world).await?, before)
    })
    .await?;

    let fixed = broken.replace("replicas: -1", "replicas: 1");
    let revision = world.fleet.commit("Keep one open", |change| change.file(&web, fixed))?;
    show.step("the source sees the fix", world.pull(&revision)).await?;
    show.step("the shop is at the fix, and healthy, with both changes", async {
        world.shop_is_at(&revision).await?;
        expect("the greeting", world.greeting().await?.as_deref(), Some("good night"))?;
        let replicas = world.deployments.get("web").await?.spec.replicas;
        expect("replicas of the Deployment web", replicas, Some(1))
    })
    .await?;
    Ok("0 objects written, then 2 configured".to_owned())
}

/// Returns what any write would change. A Deployment's version changes with its status too, its generation does not.
async fn versions(world: &World) -> Result<[Option<String>; 3], Failure> {
    let generation = world.deployments.get("web").await?.metadata.generation;
    Ok([
        world.config_maps.get("settings").await?.metadata.resource_version,
        world.services.get("web").await?.metadata.resource_version,
        generation.map(|number| number.to_string()),
    ])
}
