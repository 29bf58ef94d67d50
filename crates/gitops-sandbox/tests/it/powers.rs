//! What tests can do to a sandbox: time, faults, snapshots, the log of requests, and the unit test of an operator.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use gitops_sandbox::{Clock, Fault, Matching, Sandbox, Security};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};

use crate::client::{client, config_map};

fn standing() -> Clock {
    Clock::standing_at("2026-01-02T03:04:05Z".parse().unwrap())
}

#[tokio::test]
async fn a_lost_reply_leaves_what_was_written() {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    sandbox.inject(Fault::lost_reply().on(Matching::any().method("POST").path("/configmaps")));
    let error = api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap_err();
    assert!(matches!(error, kube::Error::Service(_)), "{error:?}");
    assert_eq!(api.get("a").await.unwrap().data.unwrap()["k"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_cuts_a_real_connection() {
    gitops_testkit::install_crypto();
    let sandbox = Sandbox::start();
    let listener = sandbox.listen("127.0.0.1:0".parse().unwrap(), Security::Tls).await.unwrap();
    let remote = crate::runtime::over_tls(&listener).await;
    let api: Api<ConfigMap> = Api::default_namespaced(remote);
    sandbox.inject(Fault::lost_reply().on(Matching::any().method("POST").path("/configmaps")));
    let error = api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap_err();
    assert!(!matches!(error, kube::Error::Api(_)), "{error:?}");
    assert_eq!(api.get("a").await.unwrap().data.unwrap()["k"], "1");
}

#[tokio::test]
async fn a_status_fault_happens_as_often_as_asked() {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let fault = Fault::status(403, "Forbidden", "not today").on(Matching::any().method("POST"));
    sandbox.inject(fault.times(2));
    for _ in 0..2 {
        let error = api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap_err();
        assert!(matches!(error, kube::Error::Api(status) if status.code == 403));
    }
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
}

#[tokio::test]
async fn faults_of_one_kind_happen_one_after_another() {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    sandbox.inject(Fault::status(429, "TooManyRequests", "first"));
    sandbox.inject(Fault::status(503, "ServiceUnavailable", "then"));
    for code in [429, 503] {
        let error = api.get("a").await.unwrap_err();
        assert!(matches!(&error, kube::Error::Api(status) if status.code == code), "{error:?}");
    }
    sandbox.inject(Fault::status(500, "InternalError", "never"));
    sandbox.clear_faults();
    assert!(api.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn a_watch_ends_after_as_many_events_as_asked() {
    let sandbox = Sandbox::builder().without_controllers().start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &config_map(name, "1")).await.unwrap();
    }
    sandbox.inject(Fault::ended_watch(2).on(Matching::any().query("watch=true")));
    let events = api.watch(&WatchParams::default(), "0").await.unwrap();
    let names: Vec<String> = events
        .map_ok(|event| match event {
            WatchEvent::Added(object) => object.name_any(),
            other => format!("{other:?}"),
        })
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let sandbox = Sandbox::builder().without_controllers().start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let snapshot = sandbox.snapshot();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    sandbox.save(&path).unwrap();
    api.delete("a", &kube::api::DeleteParams::default()).await.unwrap();
    sandbox.restore(&snapshot);
    assert_eq!(api.get("a").await.unwrap().data.unwrap()["k"], "1");
    let other = Sandbox::builder().without_controllers().start();
    other.load(&path).unwrap();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&other));
    assert_eq!(api.get("a").await.unwrap().data.unwrap()["k"], "1");
}

#[tokio::test]
async fn watchers_follow_a_restore() {
    let sandbox = Sandbox::builder().without_controllers().start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let snapshot = sandbox.snapshot();
    let mut seen =
        std::pin::pin!(watcher(api.clone(), watcher::Config::default()).default_backoff().applied_objects());
    assert_eq!(seen.try_next().await.unwrap().unwrap().name_any(), "a");
    api.create(&PostParams::default(), &config_map("b", "1")).await.unwrap();
    assert_eq!(seen.try_next().await.unwrap().unwrap().name_any(), "b");
    sandbox.restore(&snapshot);
    // The error that tells of 410 comes first, then the list.
    let object = loop {
        if let Some(Ok(object)) = seen.next().await {
            break object;
        }
    };
    assert_eq!(object.name_any(), "a");
    assert!(api.get_opt("b").await.unwrap().is_none());
}

#[tokio::test]
async fn the_log_tells_what_was_asked() {
    let sandbox = Sandbox::builder().without_controllers().start();
    sandbox.log_requests();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    api.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let asked = sandbox.take_requests();
    let asked: Vec<_> =
        asked.iter().map(|asked| (asked.method.as_str(), asked.path.as_str(), asked.status)).collect();
    assert_eq!(asked, [("POST", "/api/v1/namespaces/default/configmaps", 201)]);
    assert!(sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_delay_waits_for_the_servers_clock() {
    let clock = standing();
    let sandbox = Sandbox::builder().without_controllers().clock(clock.clone()).start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    sandbox.inject(Fault::delay(Duration::from_secs(3600)).on(Matching::any().method("POST")));
    let object = config_map("a", "1");
    let parameters = PostParams::default();
    let (created, ()) = tokio::join!(api.create(&parameters, &object), async {
        clock.sleeper().await;
        assert!(api.get_opt("a").await.unwrap().is_none(), "it waits before it writes");
        clock.advance(Duration::from_secs(3600));
    });
    let created = created.unwrap().metadata.creation_timestamp.unwrap();
    assert_eq!(created.0.to_string(), "2026-01-02T04:04:05Z");
}

#[tokio::test]
async fn bookmarks_and_ends_of_watches_come_with_the_servers_clock() {
    let clock = standing();
    let builder = Sandbox::builder().without_controllers().clock(clock.clone());
    let sandbox = builder.bookmark_every(Duration::from_secs(60)).start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let from = sandbox.revision().to_string();
    let mut events = api.watch(&WatchParams::default().timeout(90), &from).await.unwrap().boxed();
    // Something else is written, of which this watch only learns by a bookmark.
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::default_namespaced(client(&sandbox));
    let secret = serde_json::from_value(serde_json::json!({"metadata": {"name": "a"}})).unwrap();
    secrets.create(&PostParams::default(), &secret).await.unwrap();
    let (bookmark, ()) = tokio::join!(events.next(), async {
        clock.sleeper().await;
        clock.advance(Duration::from_secs(60));
    });
    let Some(Ok(WatchEvent::Bookmark(bookmark))) = bookmark else { panic!("{bookmark:?}") };
    assert_eq!(bookmark.metadata.resource_version, sandbox.revision().to_string());
    let mut rest = events.filter(|event| std::future::ready(!matches!(event, Ok(WatchEvent::Bookmark(_)))));
    let (end, ()) = tokio::join!(rest.next(), async {
        clock.sleeper().await;
        clock.advance(Duration::from_secs(60));
    });
    assert!(end.is_none(), "{end:?}");
}

/// The code of an operator: it copies a ConfigMap into another, with the color of the day.
async fn paint(client: Client) -> Result<(), kube::Error> {
    let api: Api<ConfigMap> = Api::default_namespaced(client);
    for plan in api.list(&ListParams::default().labels("paint=true")).await? {
        let name = format!("{}-painted", plan.name_any());
        let value = plan.data.unwrap_or_default().remove("k").unwrap_or_default();
        match api.create(&PostParams::default(), &config_map(&name, &format!("{value} blue"))).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            other => drop(other?),
        }
    }
    Ok(())
}

/// How its author tests it: a sandbox for each test, and whatever can go wrong.
#[tokio::test]
async fn an_operator_is_tested_in_a_few_lines() {
    let sandbox = Sandbox::builder().strict().start();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let mut plan = config_map("wall", "light");
    plan.labels_mut().insert("paint".to_owned(), "true".to_owned());
    api.create(&PostParams::default(), &plan).await.unwrap();

    // Its first write happens, but it does not learn so.
    sandbox.inject(Fault::lost_reply().on(Matching::any().method("POST")));
    paint(client(&sandbox)).await.unwrap_err();
    sandbox.log_requests();
    paint(client(&sandbox)).await.unwrap();

    assert_eq!(api.get("wall-painted").await.unwrap().data.unwrap()["k"], "light blue");
    let asked: Vec<_> =
        sandbox.take_requests().into_iter().map(|asked| (asked.method, asked.status)).collect();
    let asked: Vec<_> = asked.iter().map(|(method, status)| (method.as_str(), *status)).collect();
    assert_eq!(asked, [("GET", 200), ("POST", 409), ("GET", 200)]);
}
