//! Act 6: a push is announced by a signed webhook, and live at once.

use std::time::{Duration, Instant};

use gitops_api::annotations;
use k8s_openapi::api::core::v1::ConfigMap;

use crate::failure::Failure;
use crate::fleet::SHOP;
use crate::hook::{TOKEN, announce};
use crate::show::{Show, seconds};
use crate::watch::{expect, until};
use crate::world::World;

/// A busy machine may take longer than the usual fraction of a second; the interval is a minute.
const SOON: Duration = Duration::from_secs(5);

pub(crate) async fn play(world: &World, show: &Show) -> Result<String, Failure> {
    let address = world.hook_address().await?;
    let settings = format!("{SHOP}/settings.yaml");
    let content = world.fleet.read(&settings)?.replace("good night", "good evening");
    let revision = world.fleet.commit("Greet in the evening", |change| change.file(&settings, content))?;

    show.step("somebody who does not know the token announces a push, and is refused", async {
        let before = asked(world).await?;
        expect("the answer to a forged signature", announce(&address, "a guess").await?, 400)?;
        expect("the last request on the GitRepository", asked(world).await?, before)
    })
    .await?;
    let took = show
        .step("the forge announces the push, signed; the greeting in the cluster is the new one", async {
            let announced = Instant::now();
            expect("the answer to the forge", announce(&address, TOKEN).await?, 200)?;
            let greeting = |map: &ConfigMap| map.data.as_ref()?.get("greeting").cloned();
            let want = Some("good evening".to_owned());
            until(&world.config_maps, "settings", "the greeting", greeting, want).await?;
            Ok(announced.elapsed())
        })
        .await?;
    expect("whether the push was live soon", took < SOON, true)?;
    world.shop_is_at(&revision).await?;
    Ok(format!("live {} after the webhook, not after a minute", seconds(took)))
}

/// Returns the last request to reconcile that stands on the source.
async fn asked(world: &World) -> Result<Option<String>, Failure> {
    let annotations = world.repositories.get("flux-system").await?.metadata.annotations;
    Ok(annotations.and_then(|mut all| all.remove(annotations::REQUESTED_AT)))
}
