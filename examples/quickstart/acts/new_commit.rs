//! Act 2: one value changes in Git, and so in the cluster; what did not change is not written.

use crate::failure::Failure;
use crate::fleet::SHOP;
use crate::show::Show;
use crate::watch::{expect, until_told};
use crate::world::World;

pub(crate) async fn play(world: &World, show: &Show) -> Result<String, Failure> {
    let before = untouched(world).await?;
    let settings = format!("{SHOP}/settings.yaml");
    let content = world.fleet.read(&settings)?.replace("good morning", "good afternoon");
    let revision = world.fleet.commit("Greet in the afternoon", |change| change.file(&settings, content))?;

    show.step("the source sees the commit", world.pull(&revision)).await?;
    show.step("the shop is at the commit, and healthy", world.shop_is_at(&revision)).await?;
    show.step("the greeting is the new one; nothing else was written", async {
        expect("the greeting", world.greeting().await?.as_deref(), Some("good afternoon"))?;
        expect("uid, version or generation of what the commit left alone", untouched(world).await?, before)?;
        until_told(
            &world.events,
            "Kustomization",
            "shop",
            "Progressing",
            "ConfigMap/quickstart-shop/settings configured",
        )
        .await
    })
    .await?;
    Ok("1 object configured, 4 untouched".to_owned())
}

/// Returns what any write would change. A Deployment's version changes with its status too, its generation does not.
async fn untouched(world: &World) -> Result<[Option<String>; 3], Failure> {
    let deployment = world.deployments.get("web").await?.metadata;
    Ok([
        world.config_maps.get("coupons").await?.metadata.resource_version,
        world.services.get("web").await?.metadata.resource_version,
        Some(format!("{:?} {:?}", deployment.uid, deployment.generation)),
    ])
}
