//! The checked-in table against a live server.

use gitops_testkit::require_bare_cluster;
use kubernetes_schema::Table;
use serde_json::Value;

/// What a server answers to a GET.
async fn get(client: &kube::Client, path: &str) -> Value {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    client.request(request).await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
}

#[tokio::test]
async fn the_checked_in_table_is_what_the_server_says() {
    let Some(cluster) = require_bare_cluster().await else { return };
    let client = cluster.client().unwrap();
    let version = get(&client, "/version").await;
    let index = get(&client, "/openapi/v3").await;
    let mut schemas = Vec::new();
    for (name, entry) in index["paths"].as_object().unwrap() {
        // Custom resources of other tests are no part of the table.
        let is_ours =
            !name.starts_with("apis/") || name.matches('.').count() == 0 || name.contains(".k8s.io");
        if is_ours {
            let mut document = get(&client, entry["serverRelativeURL"].as_str().unwrap()).await;
            schemas.push(document["components"]["schemas"].take());
        }
    }
    let schemas = schemas.iter().filter(|schemas| schemas.is_object());
    let live = Table::from_openapi(version["gitVersion"].as_str().unwrap(), schemas).unwrap();
    let (live, ours) = (live.to_text().unwrap(), include_str!("../../data/kubernetes.txt"));
    let difference = live.lines().zip(ours.lines()).find(|(live, ours)| live != ours);
    assert!(
        live == ours,
        "the table is not what the server says, first at {difference:?}; write it again with the example `extract`"
    );
}
