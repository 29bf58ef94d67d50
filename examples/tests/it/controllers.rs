//! `examples/controllers` as a program: in a cluster of its own, and never there by surprise.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gitops_api::source_v1::GitRepository;
use gitops_testkit::{GitServer, install_crypto};
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::programs::program;

const LONG: Duration = Duration::from_secs(60);
/// What tells of a cluster; of the machine that runs the tests nothing is to be told.
const SURROUNDINGS: [&str; 3] = ["KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"];

/// Returns the program with ports of its own and nothing around it but an empty home.
fn controllers(folder: &Path) -> Command {
    let mut command = Command::new(program("controllers"));
    for name in SURROUNDINGS {
        command.env_remove(name);
    }
    command.env("HOME", folder).kill_on_drop(true).stdout(Stdio::null()).stderr(Stdio::piped());
    command.arg("--storage-path").arg(folder.join("data"));
    for flag in
        ["--storage-addr", "--events-listen-addr", "--receiverAddr", "--metrics-addr", "--health-addr"]
    {
        command.args([flag, "127.0.0.1:0"]);
    }
    command
}

#[tokio::test]
async fn in_a_sandbox_the_kinds_are_there_and_others_may_come_in() {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let mut running = controllers(folder.path()).args(["--cluster", "sandbox"]).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let kubeconfig = loop {
        let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended: {said}"));
        said.push_str(&line);
        if let Some((_, path)) = line.split_once("export KUBECONFIG=") {
            break path.split_whitespace().next().unwrap().to_owned();
        }
    };
    assert!(said.contains("embedded API server, simulated workloads: ready after"), "{said}");
    // What it logs is read on, or it could not go on itself.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

    let read = Kubeconfig::read_from(&kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.unwrap();
    let repositories: Api<GitRepository> = Api::namespaced(Client::try_from(config).unwrap(), "flux-system");
    let server = GitServer::start().await.unwrap();
    server.repository("fleet").unwrap().commit("main", &[("a.txt", "a")]).unwrap();
    let repository = json!({
        "metadata": {"name": "fleet"},
        "spec": {"interval": "1h", "url": server.url("fleet"), "ref": {"branch": "main"}},
    });
    let repository: GitRepository = serde_json::from_value(repository).unwrap();
    repositories.create(&PostParams::default(), &repository).await.unwrap();
    let has_artifact = |repository: Option<&GitRepository>| {
        repository.and_then(|r| r.status.as_ref()?.artifact.as_ref()).is_some()
    };
    let seen = await_condition(repositories, "fleet", has_artifact);
    tokio::time::timeout(LONG, seen).await.unwrap().unwrap();

    let id = running.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let ended = tokio::time::timeout(LONG, running.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
    assert!(!Path::new(&kubeconfig).exists(), "the kubeconfig ends with the cluster");
}

#[tokio::test]
async fn who_was_given_a_cluster_that_cannot_be_reached_is_not_in_a_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let check = async |program: &mut Command, want: &str| {
        let output = tokio::time::timeout(LONG, program.output()).await.unwrap().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(want) && !said.contains("embedded"), "{said}");
    };
    let path = nowhere.to_str().unwrap();
    check(controllers(folder.path()).args(["--kubeconfig", path]), path).await;
    let none = "no cluster is found by KUBECONFIG, ~/.kube/config or the pod's service account";
    check(controllers(folder.path()).env("KUBECONFIG", path), none).await;
    // A pod whose account was not mounted.
    check(controllers(folder.path()).env("KUBERNETES_SERVICE_HOST", "10.0.0.1"), none).await;
    let both = ["--cluster", "sandbox", "--kubeconfig", path];
    check(controllers(folder.path()).args(both), "belongs to --cluster kubeconfig").await;
}
