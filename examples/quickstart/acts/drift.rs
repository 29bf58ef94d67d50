//! Act 3: the cluster is changed by hand and brought back to what Git says.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::failure::Failure;
use crate::show::Show;
use crate::watch::{expect, until, until_told};
use crate::world::World;

pub(crate) async fn play(world: &World, show: &Show) -> Result<String, Failure> {
    show.step("kubectl scale deployment web --replicas=5; kubectl delete service web", async {
        let by_hand =
            PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(json!({"spec": {"replicas": 5}}));
        let scaled = world.deployments.patch("web", &by_hand, &patch).await?;
        expect("replicas of the Deployment web", replicas(&scaled), Some(5))?;
        world.services.delete("web", &DeleteParams::default()).await?;
        expect("the Service web", world.services.get_opt("web").await?.map(|_| "is there"), None)
    })
    .await?;

    // Every interval does this; so that nobody waits ten minutes, it is asked for.
    show.step("flux reconcile kustomization shop (an annotation on it)", world.reconcile_shop()).await?;
    show.step("the Deployment has 2 replicas again, and the Service is back", async {
        until(&world.deployments, "web", "replicas of the Deployment web", replicas, Some(2)).await?;
        expect(
            "the Service web",
            world.services.get_opt("web").await?.map(|_| "is there"),
            Some("is there"),
        )?;
        let changes = "Service/quickstart-shop/web created\nDeployment/quickstart-shop/web configured";
        until_told(&world.events, "Kustomization", "shop", "Progressing", changes).await
    })
    .await?;
    Ok("1 object reset, 1 made again".to_owned())
}

fn replicas(deployment: &Deployment) -> Option<i32> {
    deployment.spec.replicas
}
