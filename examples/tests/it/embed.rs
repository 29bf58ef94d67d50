//! `examples/embed`, run as its users run it.

use std::collections::BTreeMap;

use clap::Parser;
use gitops_testkit::{Cluster, GitServer, Repository, require_cluster};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

#[path = "../../embed/main.rs"]
#[allow(dead_code)] // its `main`
mod program;

/// A cluster, a namespace of our own in it, and a repository.
struct World {
    cluster: std::sync::Arc<Cluster>,
    namespace: String,
    server: GitServer,
    repository: Repository,
    store: tempfile::TempDir,
}

impl World {
    async fn new(cluster: std::sync::Arc<Cluster>) -> Self {
        let namespace = cluster.namespace().await.unwrap();
        let server = GitServer::start().await.unwrap();
        let repository = server.repository("fleet").unwrap();
        Self { cluster, namespace, server, repository, store: tempfile::tempdir().unwrap() }
    }

    async fn embed(&self, more: &[&str]) -> Result<(), String> {
        let (url, store) = (self.server.url("fleet"), self.store.path().display().to_string());
        let kubeconfig = self.cluster.kubeconfig().display().to_string();
        let mut arguments =
            vec!["embed", "--url", &url, "--path", "app", "--store", &store, "--kubeconfig", &kubeconfig];
        arguments.extend(["--namespace", &self.namespace, "--target-namespace", &self.namespace]);
        arguments.extend(more);
        program::run(program::flags::Flags::parse_from(arguments)).await.map_err(|error| error.to_string())
    }

    async fn names(&self) -> BTreeMap<String, String> {
        let api: Api<ConfigMap> = Api::namespaced(self.cluster.client().unwrap(), &self.namespace);
        let list = api.list(&Default::default()).await.unwrap();
        let versions =
            list.into_iter().map(|map| (map.metadata.name.unwrap(), map.metadata.resource_version.unwrap()));
        versions.filter(|(name, _)| name != "kube-root-ca.crt").collect()
    }
}

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n")
}

#[tokio::test]
async fn a_path_is_applied_kept_and_pruned_without_any_kind_of_ours() {
    let Some(cluster) = require_cluster().await else { return };
    let world = World::new(cluster).await;
    let files = [("app/a.yaml", config_map("a", "one")), ("app/b.yaml", config_map("b", "one"))];
    let files: Vec<_> = files.iter().map(|(path, content)| (*path, content.as_str())).collect();
    world.repository.commit("main", &files).unwrap();

    world.embed(&["--dry-run"]).await.unwrap();
    assert!(world.names().await.is_empty(), "a plan writes nothing");

    world.embed(&[]).await.unwrap();
    let first = world.names().await;
    assert_eq!(first.keys().collect::<Vec<_>>(), ["a", "b", "embed"]);

    world.embed(&[]).await.unwrap();
    assert_eq!(world.names().await, first, "the same commit writes nothing");

    world.repository.change("main").delete("app/b.yaml").commit().unwrap();
    world.embed(&[]).await.unwrap();
    let last = world.names().await;
    assert_eq!(last.keys().collect::<Vec<_>>(), ["a", "embed"]);
    assert_eq!(last["a"], first["a"], "what did not change is not written");

    let bad = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata: {key: [not, a, text]}\n";
    world.repository.commit("main", &[("app/a.yaml", bad), ("app/c.yaml", &config_map("c", "one"))]).unwrap();
    let error = world.embed(&[]).await.unwrap_err();
    assert!(error.contains("/a "), "{error}");
    assert_eq!(world.names().await, last, "nothing of a set that is refused is written");
}
