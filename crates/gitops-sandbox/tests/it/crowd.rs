//! Hundreds of servers in one process.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use gitops_sandbox::Sandbox;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::client::client;

const SERVERS: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_servers_live_in_one_process_and_know_nothing_of_each_other() {
    let start = Instant::now();
    let servers: Vec<Sandbox> = (0..SERVERS).map(|_| Sandbox::start()).collect();
    let started = start.elapsed();
    let answered: Vec<usize> = stream::iter(servers.iter().enumerate())
        .map(|(number, sandbox)| async move {
            let api: Api<ConfigMap> = Api::default_namespaced(client(sandbox));
            let name = format!("of-{number}");
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
            api.patch(&name, &PatchParams::apply("test"), &Patch::Apply(object)).await?;
            let own = ListParams::default().fields("metadata.name!=kube-root-ca.crt");
            Ok::<_, kube::Error>(api.list(&own).await?.items.len())
        })
        .buffer_unordered(16)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(answered, [1; SERVERS]);
    println!("{SERVERS} servers started in {started:.1?} and answered within {:.1?}", start.elapsed());
    // Far above what it takes: this tells a table read once for each server from one read once for all.
    assert!(started < Duration::from_secs(60), "{started:?}");
}
