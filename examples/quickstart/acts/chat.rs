//! Act 7: a chat has heard of every act; now it is told to leave something out.

use gitops_api::notification_v1beta3::Alert;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::failure::Failure;
use crate::fleet::SHOP;
use crate::show::Show;
use crate::watch::{expect, until_told};
use crate::world::{SYSTEM, World};

/// What the chat must have heard of each act so far.
const HEARD: [&str; 6] = [
    "stored artifact for commit 'Begin the fleet'",
    "ConfigMap/quickstart-shop/settings configured",
    "Service/quickstart-shop/web created\nDeployment/quickstart-shop/web configured",
    "ConfigMap/quickstart-shop/coupons deleted",
    "spec.replicas: Invalid value: -1",
    "stored artifact for commit 'Greet in the evening'",
];

pub(crate) async fn play(world: &World, show: &Show) -> Result<String, Failure> {
    show.step("the chat heard of all six acts, and sees what is bad", async {
        for text in HEARD {
            let message = world.chat.until_said(text).await?;
            expect("the channel", message.channel.as_str(), "fleet")?;
            expect("whether it is shown as bad", message.is_bad, text.contains("Invalid value"))?;
        }
        // It happened, as the first act has seen, and the Alert leaves it out.
        expect("messages about health", said(world, "Health check passed"), 0)
    })
    .await?;
    let before = said(world, "coupons created");

    show.step("kubectl patch alert fleet: leave the coupons out too", async {
        let list = json!({"spec": {"exclusionList": ["^Health check passed", "ConfigMap/[^/]+/coupons"]}});
        let alerts: Api<Alert> = Api::namespaced(world.client.clone(), SYSTEM);
        alerts.patch("fleet", &PatchParams::default(), &Patch::Merge(list)).await?;
        Ok(())
    })
    .await?;
    let coupons = format!("{SHOP}/coupons.yaml");
    let content = include_str!("../fleet/apps/shop/coupons.yaml");
    let back = world.fleet.commit("Bring them back", |change| change.file(&coupons, content))?;
    show.step("a commit brings the coupons back, and the shop tells so", async {
        world.announce_push().await?;
        world.shop_is_at(&back).await?;
        let told = "ConfigMap/quickstart-shop/coupons created";
        until_told(&world.events, "Kustomization", "shop", "Progressing", told).await
    })
    .await?;
    let content = include_str!("../fleet/apps/shop/coupons.yaml").replace("coupons", "offers");
    let last =
        world.fleet.commit("Make an offer", |change| change.file(&format!("{SHOP}/offers.yaml"), content))?;
    show.step("the chat hears of the next commit, and has not heard of the coupons", async {
        world.announce_push().await?;
        world.shop_is_at(&last).await?;
        // What one object tells arrives in order: what was left out would have come before this.
        world.chat.until_said("ConfigMap/quickstart-shop/offers created").await?;
        expect("messages about new coupons", said(world, "coupons created"), before)
    })
    .await?;
    Ok(format!("{} messages in the chat, 1 left out", world.chat.messages().len()))
}

fn said(world: &World, text: &str) -> usize {
    world.chat.messages().iter().filter(|message| message.text.contains(text)).count()
}
