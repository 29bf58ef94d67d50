//! Act 8: a newer image appears in a registry; the policy picks it, and says why.

use gitops_api::image_v1::{ImagePolicy, ImageRepository};
use gitops_image::{Policy, TagSet};

use crate::failure::Failure;
use crate::setup::apply_images;
use crate::show::Show;
use crate::watch::{expect, until};
use crate::world::{World, request};

/// The repository in the registry, and what it has in the beginning.
const IMAGE: &str = "example/test-app";
const TAGS: [&str; 4] =
    ["main-0b9c1d2-1606334201", "main-1f2e3d4-1606364286", "dev-5a6b7c8-1606999999", "latest"];
const NEWER: &str = "main-9a8b7c6-1606394400";

pub(crate) async fn play(world: &World, show: &Show) -> Result<String, Failure> {
    TAGS.iter().for_each(|tag| world.registry.push(IMAGE, tag));
    show.step("two documents more: what to scan, and which tag is the latest", apply_images(world)).await?;
    let latest = |policy: &ImagePolicy| Some(policy.status.as_ref()?.latest_ref.as_ref()?.tag.clone());
    show.step(&format!("the policy picks {} of {} tags", TAGS[1], TAGS.len()), async {
        let want = Some(TAGS[1].to_owned());
        until(&world.policies, "test-app", "the latest tag", latest, want).await.map(drop)
    })
    .await?;

    world.registry.push(IMAGE, NEWER);
    let policy = show
        .step(&format!("{NEWER} appears in the registry; the policy picks it"), async {
            // Every interval does this, which is a minute.
            request(&world.images, "test-app").await?;
            let want = Some(NEWER.to_owned());
            until(&world.policies, "test-app", "the latest tag", latest, want).await
        })
        .await?;
    show.step("the policy says what it was before, and the chat hears it", async {
        let previous =
            policy.status.as_ref().and_then(|s| Some(s.observed_previous_ref.as_ref()?.tag.as_str()));
        expect("the tag before", previous, Some(TAGS[1]))?;
        world.chat.until_said(&format!("resolved to {NEWER}")).await.map(drop)
    })
    .await?;
    show.step("and why it is this tag:", explain(world, &policy, show)).await?;
    Ok(format!("1 of {} tags picked, 4 with a reason why not", TAGS.len() + 1))
}

/// Decides once more, by the SDK itself, and shows the reasons.
async fn explain(world: &World, policy: &ImagePolicy, show: &Show) -> Result<(), Failure> {
    let repository: ImageRepository = world.images.get("test-app").await?;
    let scanned = repository.status.and_then(|status| status.last_scan_result).unwrap_or_default();
    let tags = TagSet::new(scanned.latest_tags)?;
    let decides = Policy::new(&policy.spec)?;
    let decision = decides.decide(&tags);
    expect("what the policy decides", decision.latest().ok(), Some(NEWER))?;
    let fates: Vec<String> = decision.fates().map(|(tag, fate)| format!("{tag}: {fate}")).collect();
    for (tag, why) in [(TAGS[1], "beaten"), (TAGS[2], "filtered out"), (TAGS[3], "filtered out")] {
        let said = fates.iter().any(|fate| fate.starts_with(&format!("{tag}: {why}")));
        expect(&format!("whether {tag} was {why}"), said, true)?;
    }
    decision.to_string().lines().for_each(|line| show.aside(&format!("      {line}"), false));
    Ok(())
}
