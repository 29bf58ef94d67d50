//! Act 4: a file is removed from Git, and its object from the cluster.

use crate::failure::Failure;
use crate::fleet::SHOP;
use crate::show::Show;
use crate::watch::{expect, until_gone, until_told};
use crate::world::{World, inventory};

pub(crate) async fn play(world: &World, show: &Show) -> Result<String, Failure> {
    let coupons = format!("{SHOP}/coupons.yaml");
    let revision = world.fleet.commit("Withdraw the coupons", |change| change.delete(&coupons))?;

    show.step("the source sees the commit", world.pull(&revision)).await?;
    let shop = show.step("the shop is at the commit, and healthy", world.shop_is_at(&revision)).await?;
    show.step("the ConfigMap coupons is gone, from the cluster and from the inventory", async {
        until_gone(&world.config_maps, "coupons", "the ConfigMap coupons").await?;
        let id = "quickstart-shop_coupons__ConfigMap".to_owned();
        expect("whether the inventory still has it", inventory(&shop).contains(&id), false)?;
        expect("the number of objects in the inventory", inventory(&shop).len(), 4)?;
        until_told(
            &world.events,
            "Kustomization",
            "shop",
            "Progressing",
            "ConfigMap/quickstart-shop/coupons deleted",
        )
        .await
    })
    .await?;
    Ok("1 object deleted, 4 untouched".to_owned())
}
