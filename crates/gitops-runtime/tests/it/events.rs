//! Events reach the API server and the notification endpoint, each once.

use std::time::Duration;

use gitops_runtime::events::{Delivery, Notice, Recorder, Reporter};
use gitops_testkit::{EventSink, require_bare_cluster};
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::api::{Api, ListParams, PostParams};

fn reporter() -> Reporter {
    Reporter { controller: "source-controller".to_owned(), instance: "pod-1".to_owned() }
}

#[tokio::test]
async fn repeated_events_are_counted_and_traces_are_not_posted() {
    let Some(cluster) = require_bare_cluster().await else { return };
    let (client, namespace) = (cluster.client().unwrap(), cluster.namespace().await.unwrap());
    let sink = EventSink::start().await.unwrap();
    let mut object = ConfigMap::default();
    object.metadata.name = Some("app".to_owned());
    object.metadata.annotations =
        Some([("event.toolkit.fluxcd.io/team".to_owned(), "blue".to_owned())].into());
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    let object = maps.create(&PostParams::default(), &object).await.unwrap();

    let (recorder, delivered) = Recorder::start(client.clone(), reporter(), Some(Delivery::to(&sink.url())));
    for _ in 0..3 {
        recorder
            .publish(&object, Notice::info("NewArtifact", "stored").with("revision", "main@sha1:a"))
            .await;
    }
    recorder.publish(&object, Notice::error("GitOperationFailed", "no")).await;
    recorder.publish(&object, Notice::trace("GitOperationSucceeded", "nothing new")).await;
    drop(recorder);
    delivered.await.unwrap();

    let events: Vec<Event> =
        Api::namespaced(client, &namespace).list(&ListParams::default()).await.unwrap().items;
    let mut told: Vec<_> = events
        .iter()
        .map(|e| (e.type_.clone().unwrap(), e.reason.clone().unwrap(), e.count.unwrap()))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            ("Normal".to_owned(), "GitOperationSucceeded".to_owned(), 1),
            ("Normal".to_owned(), "NewArtifact".to_owned(), 3),
            ("Warning".to_owned(), "GitOperationFailed".to_owned(), 1),
        ]
    );
    let posted = sink.received();
    assert_eq!(posted.len(), 4);
    let first = posted[0].json();
    assert_eq!(first["involvedObject"]["name"], "app");
    assert_eq!(first["severity"], "info");
    assert_eq!(first["metadata"]["revision"], "main@sha1:a");
    assert_eq!(first["metadata"]["event.toolkit.fluxcd.io/team"], "blue");
}

#[tokio::test]
async fn a_sink_that_fails_for_a_while_gets_the_event_later() {
    let Some(cluster) = require_bare_cluster().await else { return };
    let (client, namespace) = (cluster.client().unwrap(), cluster.namespace().await.unwrap());
    let sink = EventSink::start().await.unwrap();
    sink.answer_with(axum::http::StatusCode::SERVICE_UNAVAILABLE);
    let mut object = ConfigMap::default();
    object.metadata.name = Some("app".to_owned());
    object.metadata.namespace = Some(namespace);
    let (recorder, delivered) = Recorder::start(client, reporter(), Some(Delivery::to(&sink.url())));
    recorder.publish(&object, Notice::info("NewArtifact", "stored")).await;
    sink.wait_for(Duration::from_secs(20), |_| true).await.unwrap();
    sink.answer_with(axum::http::StatusCode::ACCEPTED);
    drop(recorder);
    delivered.await.unwrap();
    assert!(sink.received().len() >= 2);
}
