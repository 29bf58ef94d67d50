//! What a cluster of this program's own lacks at first: the kinds, and the namespace of the controllers.

use std::error::Error;

use gitops_apply::{Applier, FieldManager};
use gitops_examples::cluster::Cluster;
use gitops_examples::kinds::definitions;
use gitops_manifest::{Manifests, Object};
use kube::Client;
use serde_json::json;

/// Installs the definitions of the kinds that can be served, and the namespace.
pub(crate) async fn install(client: &Client, namespace: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut objects = Vec::new();
    for definition in definitions() {
        objects.push(Object::new(serde_json::to_value(definition)?)?);
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    objects.push(Object::new(namespace)?);
    let applier = Applier::new(client.clone(), FieldManager::new("controllers"));
    let plan = applier.plan(&Manifests::from(objects)).await?;
    applier.apply(plan).await?;
    Ok(())
}

/// Says what this cluster is and how to get there; on the standard error, as everything that is no output.
pub(crate) fn introduce(cluster: &Cluster) {
    eprintln!("{}", cluster.describe());
    if let Some(path) = cluster.kubeconfig() {
        eprintln!(
            "  export KUBECONFIG={}    # for kubectl and flux, while this program runs",
            path.display()
        );
    }
}
