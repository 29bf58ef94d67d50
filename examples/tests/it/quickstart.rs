//! `examples/quickstart` in a cluster that a user has: it plays, and leaves nothing behind. In a cluster of its own it is
//! played by `./test`.

use std::process::{Command, Output};

use gitops_testkit::{Cluster, require_own_cluster};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;

use crate::programs::program;

async fn play(cluster: &Cluster) -> Output {
    let kubeconfig = cluster.kubeconfig().to_owned();
    let run = move || {
        let mut quickstart = Command::new(program("quickstart"));
        quickstart.args(["--cluster", "kubeconfig", "--kubeconfig"]).arg(kubeconfig).output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn a_users_cluster_is_played_in_and_left_as_it_was() {
    let Some(cluster) = require_own_cluster(Cluster::builder().with_controllers()).await else { return };
    let _pods = cluster.simulate_all_pods();
    let namespaces: Api<Namespace> = Api::all(cluster.client().unwrap());
    let kinds: Api<CustomResourceDefinition> = Api::all(cluster.client().unwrap());

    let output = play(&cluster).await;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    for act in (1..=8).map(|act| format!("Act {act}: ")).chain(["All eight acts, ".to_owned()]) {
        assert!(said.contains(&act), "{said}");
    }
    assert!(!said.contains('\u{1b}'), "no colours where nobody sees them: {said}");
    for name in ["flux-system", "quickstart-shop"] {
        let namespace = namespaces.get_opt(name).await.unwrap();
        let is_going = namespace.is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_some());
        assert!(is_going, "the namespace {name} is left behind");
    }
    assert!(kinds.list(&ListParams::default()).await.unwrap().items.is_empty(), "kinds are left behind");
}

#[tokio::test]
async fn a_cluster_with_a_flux_system_of_its_own_is_not_touched() {
    let Some(cluster) = require_own_cluster(Cluster::builder()).await else { return };
    let namespaces: Api<Namespace> = Api::all(cluster.client().unwrap());
    let theirs = serde_json::from_value(json!({"metadata": {"name": "flux-system"}})).unwrap();
    namespaces.create(&PostParams::default(), &theirs).await.unwrap();

    let output = play(&cluster).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("expected: no such namespace"), "{said}");
    let kinds: Api<CustomResourceDefinition> = Api::all(cluster.client().unwrap());
    assert!(
        kinds.list(&ListParams::default()).await.unwrap().items.is_empty(),
        "kinds were installed: {said}"
    );
}
