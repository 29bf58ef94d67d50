//! Where the play takes place: in a sandbox, a control plane of its own, or a cluster that the user has.

use gitops_examples::cluster::{Cluster, Surroundings};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;

use crate::failure::Failure;
use crate::flags::Flags;
use crate::show::Show;
use crate::world::{SHOP_NAMESPACE, SYSTEM};

/// Finds or starts the cluster of the user's choice. What nobody named is not touched: KUBECONFIG alone is no choice here.
pub(crate) async fn of_choice(flags: &Flags, show: &Show) -> Result<Cluster, Failure> {
    let (told, mut steps) = tokio::sync::mpsc::unbounded_channel();
    let opening = flags.at.open(Surroundings::default(), move |line| {
        // The listener has only gone when the play was interrupted.
        let _ = told.send(line.to_owned());
    });
    let tell = async {
        while let Some(line) = steps.recv().await {
            show.aside(&format!("    {line}"), false);
        }
    };
    let (cluster, ()) = tokio::join!(opening, tell);
    let cluster = cluster?;
    if !cluster.is_own() {
        leaves_room(&cluster).await?;
    }
    show.line(&format!("  · {}", cluster.describe()));
    Ok(cluster)
}

/// A user's cluster must not have what the play makes and removes.
async fn leaves_room(cluster: &Cluster) -> Result<(), Failure> {
    let namespaces: Api<Namespace> = Api::all(cluster.client().clone());
    for name in [SYSTEM, SHOP_NAMESPACE] {
        if namespaces.get_opt(name).await?.is_some() {
            let found = format!("{} has it", cluster.config().cluster_url);
            let what =
                format!("the namespace {name}, which the quickstart makes and removes; take another cluster");
            return Err(Failure::Unexpected { what, expected: "no such namespace".to_owned(), found });
        }
    }
    Ok(())
}
