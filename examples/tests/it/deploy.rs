//! `kubectl apply -k examples/controllers/deploy`, checked with our own kustomize and our own plan.

use std::path::Path;

use gitops_apply::{Applier, FieldManager, client_for};
use gitops_kustomize::Kustomize;
use gitops_manifest::{DirectoryTree, Manifests};
use gitops_testkit::{install_crypto, require_cluster};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;

#[path = "../../crds/main.rs"]
#[allow(dead_code)] // its `main`
mod crds;

const ACCOUNT: &str = "system:serviceaccount:flux-system:gitops-controllers";

fn build() -> Manifests {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("controllers/deploy");
    Kustomize::plain("").build(&DirectoryTree::open(folder).unwrap()).unwrap()
}

#[test]
fn the_definitions_are_those_of_the_served_kinds() {
    let written = include_str!("../../controllers/deploy/crds.yaml");
    let hint = "run: cargo run --example crds > examples/controllers/deploy/crds.yaml";
    assert!(
        written == crds::yaml(),
        "examples/controllers/deploy/crds.yaml is not what the crates say; {hint}"
    );
}

#[test]
fn the_flags_of_the_deployment_are_flags_of_the_program() {
    let manifests = build();
    let deployment = manifests.iter().find(|object| object.kind() == "Deployment").unwrap();
    let container = &deployment.value()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example.com/gitops-controllers:0.1.0");
    let arguments = container["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap());
    let parsed =
        <flags::Flags as clap::Parser>::try_parse_from(std::iter::once("controllers").chain(arguments));
    let flags = parsed.unwrap();
    let port = |name: &str| {
        let ports = container["ports"].as_array().unwrap();
        let port = ports.iter().find(|port| port["name"] == name).unwrap();
        format!(":{}", port["containerPort"])
    };
    assert_eq!(
        [
            flags.storage_addr,
            flags.events_listen_addr,
            flags.receiver_addr,
            flags.metrics_addr,
            flags.health_addr
        ],
        ["http", "http-events", "http-webhook", "http-prom", "healthz"].map(port)
    );
}

#[path = "../../controllers/flags.rs"]
#[allow(dead_code)] // the flags that the Deployment does not set
mod flags;

#[tokio::test]
async fn the_server_takes_everything_and_the_account_may_do_its_work() {
    let Some(cluster) = require_cluster().await else { return };
    install_crypto();
    let client = client_for(cluster.config().unwrap()).unwrap();
    let applier = Applier::new(client.clone(), FieldManager::new("kubectl"));
    let plan = applier.plan(&build()).await.unwrap();
    applier.apply(plan).await.unwrap();
    assert!(applier.plan(&build()).await.unwrap().is_unchanged(), "a second time changes nothing");

    // The binding to cluster-admin is left out here, so that the answers are those of the controllers' own role.
    let bindings: Api<k8s_openapi::api::rbac::v1::ClusterRoleBinding> = Api::all(client.clone());
    bindings.delete("gitops-controllers-cluster-reconciler", &Default::default()).await.unwrap();
    let may = async |verb: &str, group: &str, resource: &str, namespace: &str| {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(ACCOUNT.to_owned()),
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(verb.to_owned()),
                    group: Some(group.to_owned()),
                    resource: Some(resource.to_owned()),
                    subresource: Some(subresource.to_owned()),
                    namespace: Some(namespace.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(client.clone());
        // Rights take effect a moment after their objects are written, and are watched by the authorizer alone.
        api.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
    };
    let sources = "source.toolkit.fluxcd.io";
    let kustomizations = "kustomize.toolkit.fluxcd.io";
    let (images, notification) = ("image.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io");
    for (verb, group, resource, namespace) in [
        ("watch", sources, "gitrepositories", ""),
        ("patch", sources, "gitrepositories", "apps"),
        ("patch", sources, "gitrepositories/status", "apps"),
        ("watch", kustomizations, "kustomizations", ""),
        ("patch", kustomizations, "kustomizations", "apps"),
        ("patch", kustomizations, "kustomizations/status", "apps"),
        ("watch", images, "imagerepositories", ""),
        ("patch", images, "imagepolicies/status", "apps"),
        ("patch", notification, "providers", "apps"),
        ("watch", notification, "alerts", ""),
        ("patch", notification, "receivers/status", "apps"),
        ("get", "", "namespaces", "apps"),
        ("get", "", "secrets", "apps"),
        ("get", "", "configmaps", "apps"),
        ("create", "", "events", "apps"),
        ("patch", "", "events", "apps"),
        ("impersonate", "", "serviceaccounts", "apps"),
        ("create", "coordination.k8s.io", "leases", "flux-system"),
        ("patch", "coordination.k8s.io", "leases", "flux-system"),
    ] {
        assert!(
            may(verb, group, resource, namespace).await,
            "{ACCOUNT} may {verb} {resource} of '{group}' in '{namespace}'"
        );
    }
    for (verb, group, resource, namespace) in [
        ("create", "coordination.k8s.io", "leases", "kube-system"),
        ("update", "", "secrets", "apps"),
        ("impersonate", "", "users", ""),
        ("create", "apps", "deployments", "apps"),
    ] {
        assert!(
            !may(verb, group, resource, namespace).await,
            "{ACCOUNT} may not {verb} {resource} without the binding"
        );
    }
}
