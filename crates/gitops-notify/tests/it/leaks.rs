//! No secret in an error, a receipt, a debug text.

use gitops_notify::provider::{AddressPolicy, Clients, Credentials, Settings, provider};
use gitops_notify::receiver::ReceiveOptions;
use gitops_notify::{DispatchOptions, Dispatcher, Redactor, RetryPolicy, RouteOptions, Routes, SecretData};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

use crate::receive::{TOKEN, cluster, endpoint, path, receiver};
use crate::setup::{alert, event, provider_of};
use crate::sink::{Sink, answer};

const CANARIES: [&str; 5] =
    ["canary-token-1", "canary-header-2", "canary-path-3", "canary-user-4", "canary-query-5"];

fn clean(what: &str, text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{what} tells {canary}: {text}");
    }
}

fn credentials(address: &str) -> Credentials {
    Credentials::default().secret(SecretData::new([
        ("token", "canary-token-1".to_owned()),
        ("headers", "X-Key: canary-header-2\n".to_owned()),
        ("address", address.to_owned()),
    ]))
}

#[tokio::test]
async fn receipts_and_observations_tell_nothing_of_a_providers_secrets() {
    let echo = Sink::start(|_, got| {
        let headers = format!("{:?} {} {}", got.headers, got.uri, String::from_utf8_lossy(&got.body));
        answer(400, &headers)
    })
    .await;
    let host = echo.url().trim_start_matches("http://").to_owned();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    for kind in ["generic", "generic-hmac", "slack"] {
        for host in [host.as_str(), closed.as_str(), "name.invalid"] {
            let address = format!("http://canary-user-4:pw@{host}/canary-path-3?k=canary-query-5");
            let routes = Routes::new(RouteOptions::default());
            routes.set(&alert("a", "p"));
            let directory = gitops_notify::StaticDirectory::new();
            let spec = json!({"type": kind, "secretRef": {"name": "s"}});
            directory.set_provider(provider_of("p", spec), credentials(&address));
            let retry =
                RetryPolicy::default().waits(Duration::from_millis(1), Duration::from_millis(1)).attempts(2);
            let receipts = Arc::new(std::sync::Mutex::new(Vec::new()));
            let kept = Arc::clone(&receipts);
            let dispatcher =
                Dispatcher::new(routes, Arc::new(directory), DispatchOptions::flux().retry(retry))
                    .with_observer(move |seen: &gitops_notify::Observation| {
                        let warning = seen.warning().map(|warning| warning.message).unwrap_or_default();
                        kept.lock().unwrap().push(format!("{seen:?} {warning}"));
                    });
            dispatcher.accept(event("app", "m")).await.unwrap();
            dispatcher.shutdown(Duration::from_secs(20)).await;
            let seen = receipts.lock().unwrap().join("\n");
            assert!(seen.contains("GivenUp"), "{seen}");
            clean(kind, &seen);
            clean(kind, &format!("{dispatcher:?}"));
        }
    }
    assert_eq!(echo.got().len(), 3, "each kind reached it once");
}

#[tokio::test]
async fn what_is_made_of_settings_tells_nothing_when_printed() {
    let address = "https://canary-user-4@nowhere.example/canary-path-3?canary-query-5";
    for kind in ["generic", "generic-hmac", "slack", "telegram"] {
        let spec = json!({"type": kind, "channel": "c", "secretRef": {"name": "s"}});
        let credentials = credentials(address);
        let settings =
            Settings::new(&provider_of("p", spec).spec, &credentials, &Default::default()).unwrap();
        let wire = Clients::new(AddressPolicy::Any).wire(&settings).unwrap();
        let made = provider(&settings).unwrap();
        clean(kind, &format!("{settings:?} {credentials:?} {wire:?} {made:?} {:?}", settings.redactor()));
    }
    let bad = Settings::new(
        &provider_of("p", json!({"type": "generic", "secretRef": {"name": "s"}})).spec,
        &credentials("canary-path-3 is no address"),
        &Default::default(),
    );
    let error = bad.and_then(|settings| provider(&settings)).unwrap_err();
    clean("the error", &format!("{error} {error:?}"));
}

#[tokio::test]
async fn refused_webhooks_tell_neither_token_nor_signature_nor_body() {
    for kind in ["generic-hmac", "github", "gitlab"] {
        let cluster = cluster(Some(TOKEN.as_bytes()));
        let hooks = endpoint(&receiver(json!({"type": kind})), &cluster, ReceiveOptions::default());
        let request = http::Request::post(path())
            .header("X-Signature", "canary-token-1")
            .header("X-Hub-Signature-256", "canary-header-2")
            .header("X-Gitlab-Token", "canary-path-3")
            .body(http_body_util::Full::new(bytes::Bytes::from_static(b"canary-query-5")))
            .unwrap();
        let error = hooks.take(request).await.unwrap_err();
        clean(kind, &format!("{error} {error:?}"));
        assert!(!format!("{error:?}").contains(TOKEN));
        assert!(!format!("{error:?}").contains(&path()[6..]), "the path is secret too");
    }
}

#[tokio::test]
async fn known_secrets_leave_an_event_before_it_is_kept() {
    let sink = Sink::start(|_, _| answer(200, "")).await;
    let routes = Routes::new(RouteOptions::default());
    routes.set(&alert("a", "p"));
    let directory = gitops_notify::StaticDirectory::new();
    directory.set_provider(
        provider_of("p", json!({"type": "generic", "address": sink.url()})),
        Credentials::default(),
    );
    let options = DispatchOptions::flux().redactor(Redactor::new([b"canary-token-1".as_slice()]));
    let dispatcher = Dispatcher::new(routes, Arc::new(directory), options);
    let message = "push to https://canary-user-4:pw@git.example with canary-token-1 failed";
    dispatcher.accept(event("app", message)).await.unwrap();
    dispatcher.shutdown(Duration::from_secs(20)).await;
    let body = String::from_utf8_lossy(&sink.got()[0].body).into_owned();
    clean("the message", &body);
    assert!(body.contains("push to https://*****@git.example with ***** failed"), "{body}");
}
