//! Which alerts an event matches, and what is made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use gitops_api::Event;
use gitops_api::notification_v1beta3::{Alert, Provider as ProviderObject, ProviderKind};
use gitops_notify::provider::{Credentials, Provider, Settings, SettingsOptions, Wire, provider};
use gitops_notify::{
    DispatchOptions, Dispatcher, EventEndpoint, EventOptions, NotifyError, ObjectKey, Observation, Outcome,
    RateLimiter, RouteOptions, Routes, Skip, StaticDirectory, clean_metadata, commit_status, decode_event,
    event_key, merge_metadata,
};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::runner::{block_on, body, same, secret};

pub(crate) fn judge(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    match case["feature"].as_str().unwrap() {
        "filter" => filter(input, expect),
        "source-match" => source_match(input, expect),
        "dispatch" | "notification-params" => params(input, expect),
        "create-notifier" => create(input, expect),
        "commit-status" | "commit-status-expr" => status(input, expect),
        "metadata-merge" => merge(input, expect),
        "metadata-cleanup" | "metadata-internal" => cleanup(case),
        "event-server" => server(input, expect),
        "rate-limit" => rate_limit(input, expect),
        "body-limit" => body_limit(input, expect),
        other => Err(format!("unknown feature {other}")),
    }
}

fn event(value: &Value) -> Event {
    decode_event(value.to_string().as_bytes()).unwrap()
}

fn alert(value: &Value) -> Alert {
    serde_json::from_value(value.clone()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The labels of the event's object, if it is among the objects.
fn labels(event: &Event, objects: &Value) -> BTreeMap<String, String> {
    let object = &event.involved_object;
    let is_it = |other: &&Value| {
        other["kind"].as_str() == object.kind.as_deref()
            && other["metadata"]["name"].as_str() == object.name.as_deref()
            && other["metadata"]["namespace"].as_str() == object.namespace.as_deref()
    };
    let found = list(objects).iter().find(is_it).map(|object| object["metadata"]["labels"].clone());
    found.and_then(|labels| serde_json::from_value(labels).ok()).unwrap_or_default()
}

fn filter(input: &Value, expect: &Value) -> Result<(), String> {
    let event = event(&input["event"]);
    let routes = Routes::new(RouteOptions::default());
    for value in list(&input["alerts"]) {
        routes.set(&alert(value));
    }
    let matched = routes.route(&event, Some(&labels(&event, &input["objects"])));
    same("count", matched.len(), &expect["matchedCount"])?;
    let names: BTreeSet<&str> = matched.iter().map(|route| route.alert().name.as_str()).collect();
    let wanted: BTreeSet<&str> = list(&expect["matched"]).iter().filter_map(Value::as_str).collect();
    if names == wanted { Ok(()) } else { Err(format!("matched {names:?}, want {wanted:?}")) }
}

fn source_match(input: &Value, expect: &Value) -> Result<(), String> {
    let event = event(&input["event"]);
    let routes = Routes::new(RouteOptions::default());
    routes.set(&alert(&input["alert"]));
    let matched = routes.route(&event, Some(&labels(&event, &input["objects"])));
    same("match", !matched.is_empty(), &expect["match"])
}

/// A provider that keeps what it is told.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Event>>);

#[derive(Debug)]
struct Recording(Arc<Recorder>);

impl Provider for Recording {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Generic
    }

    fn deliver<'a>(&'a self, event: &'a Event, _: &'a dyn Wire) -> BoxFuture<'a, Result<(), NotifyError>> {
        self.0.0.lock().unwrap().push(event.clone());
        Box::pin(async { Ok(()) })
    }
}

/// A directory of the objects of a case.
fn directory(objects: &Value) -> StaticDirectory {
    let directory = StaticDirectory::new();
    for object in list(objects) {
        if object["kind"] == "Provider" {
            let provider: ProviderObject = serde_json::from_value(object.clone()).unwrap();
            let credentials = credentials(&provider, objects);
            directory.set_provider(provider, credentials);
        }
        let reference = gitops_api::k8s_openapi::api::core::v1::ObjectReference {
            kind: object["kind"].as_str().map(str::to_owned),
            name: object["metadata"]["name"].as_str().map(str::to_owned),
            namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
            ..Default::default()
        };
        let labels = serde_json::from_value(object["metadata"]["labels"].clone()).unwrap_or_default();
        directory.set_labels(&reference, labels);
    }
    directory
}

/// What a controller would read for a provider.
fn credentials(provider: &ProviderObject, objects: &Value) -> Credentials {
    let namespace = provider.metadata.namespace.as_deref();
    let read = |reference: &Option<gitops_api::LocalObjectReference>| {
        let name = reference.as_ref()?.name.as_str();
        let is_it = |object: &&Value| {
            object["kind"] == "Secret"
                && object["metadata"]["name"] == name
                && object["metadata"]["namespace"].as_str() == namespace
        };
        list(objects).iter().find(is_it).map(secret)
    };
    let mut credentials = Credentials::default();
    credentials.secret = read(&provider.spec.secret_ref);
    credentials.certificates = read(&provider.spec.cert_secret_ref);
    credentials.proxy = read(&provider.spec.proxy_secret_ref);
    credentials
}

/// Takes one event through the dispatcher and returns what the providers were told and how it ended.
async fn dispatched(
    event: Event,
    alerts: &[Alert],
    objects: &Value,
    options: &Value,
) -> (Vec<Event>, Option<Outcome>) {
    let recorder = Arc::new(Recorder::default());
    let kept = Arc::clone(&recorder);
    let factory = move |settings: &Settings| match provider(settings) {
        // The cases are about what comes before the service, so one that is not built is as good as another.
        Ok(_) | Err(NotifyError::UnknownProvider { .. }) => {
            Ok(Arc::new(Recording(Arc::clone(&kept))) as Arc<dyn Provider>)
        }
        Err(error) => Err(error),
    };
    let settings =
        SettingsOptions::default().object_level_identity(options["objectLevelWorkloadIdentity"] == true);
    let routes =
        Routes::new(RouteOptions::default().no_cross_namespace(options["noCrossNamespaceRefs"] == true));
    for alert in alerts {
        routes.set(alert);
    }
    let dispatcher = Dispatcher::new(
        routes,
        Arc::new(directory(objects)),
        DispatchOptions::flux().settings(settings).factory(factory),
    );
    let mut seen = dispatcher.observations();
    let accepted = dispatcher.accept(event).await.unwrap();
    let mut outcome = None;
    for _ in 0..accepted.deliveries {
        while let Some(observation) = seen.next().await {
            if let Observation::Receipt(receipt) = observation {
                outcome = Some(receipt.outcome);
                break;
            }
        }
    }
    let told = recorder.0.lock().unwrap().clone();
    (told, outcome)
}

fn params(input: &Value, expect: &Value) -> Result<(), String> {
    let event = event(&input["event"]);
    let mut alert = alert(&input["alert"]);
    // The cases begin behind the matching.
    let object = &input["event"]["involvedObject"];
    alert.spec.event_sources = vec![
        serde_json::from_value(
            json!({"kind": object["kind"], "name": object["name"], "namespace": object["namespace"]}),
        )
        .unwrap(),
    ];
    let (told, outcome) = block_on(dispatched(event, &[alert], &input["objects"], &input["options"]));
    let got = match outcome {
        Some(Outcome::Delivered) => "sent",
        Some(Outcome::Skipped(Skip::Suspended)) => "skipped",
        Some(Outcome::Skipped(_)) => "dropped-commit-status",
        // Alerts that must not look into another namespace do not match at all here; Flux matches first.
        Some(_) | None => "error",
    };
    same("outcome", got, &expect["outcome"])?;
    let metadata = told.first().map(|event| event.metadata.clone()).unwrap_or_default();
    for (key, value) in expect["metadataIncludes"].as_object().into_iter().flatten() {
        same(key, metadata.get(key).cloned().unwrap_or_default(), value)?;
    }
    Ok(())
}

fn create(input: &Value, expect: &Value) -> Result<(), String> {
    let object: ProviderObject = serde_json::from_value(input["provider"].clone()).unwrap();
    let made = Settings::new(
        &object.spec,
        &credentials(&object, &input["objects"]),
        &SettingsOptions::default().object_level_identity(true),
    )
    .and_then(|settings| provider(&settings));
    match made {
        Err(error) if expect["error"] == false => Err(error.to_string()),
        made => same("error", made.is_err(), &expect["error"]),
    }
}

fn status(input: &Value, expect: &Value) -> Result<(), String> {
    let mut provider = input["provider"].clone();
    if let Some(expression) = input["expression"].as_str() {
        provider["spec"] = json!({"type": "github", "commitStatusExpr": expression});
    }
    let provider: ProviderObject = serde_json::from_value(provider).unwrap();
    let alert = (!input["alert"].is_null()).then(|| alert(&input["alert"]));
    match commit_status(&provider, &event(&input["event"]), alert.as_ref()) {
        Ok(_) if expect["error"] == true => Err("no error".to_owned()),
        Ok(name) => same("commitStatus", name.unwrap_or_default(), &expect["commitStatus"]),
        Err(_) if expect["error"] == true => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn merge(input: &Value, expect: &Value) -> Result<(), String> {
    let merged = merge_metadata(&event(&input["event"]), &alert(&input["alert"]).spec);
    let wanted = if expect["metadata"].is_null() { json!({}) } else { expect["metadata"].clone() };
    same("metadata", json!(merged.metadata), &wanted)?;
    same("conflict", !merged.conflicts.is_empty(), &expect["conflict"])?;
    if expect["conflict"] == true {
        same("annotations", json!(merged.conflicts), &expect["event"]["annotations"])?;
        let observed = Observation::MetadataConflict {
            event: 0,
            alert: ObjectKey::new("ns", "alert"),
            conflicts: merged.conflicts,
        };
        let warning = observed.warning().unwrap();
        same("reason", warning.reason, &expect["event"]["reason"])?;
        same("message", warning.message, &expect["event"]["message"])?;
    }
    Ok(())
}

fn cleanup(case: &Value) -> Result<(), String> {
    let mut event = event(&case["input"]["event"]);
    let wanted = &case["expect"]["metadata"];
    let wanted = if wanted.is_null() { json!({}) } else { wanted.clone() };
    if case["feature"] == "metadata-cleanup" {
        clean_metadata(&mut event);
    } else {
        gitops_notify::drop_token(&mut event);
    }
    same("metadata", json!(event.metadata), &wanted)
}

fn server(input: &Value, expect: &Value) -> Result<(), String> {
    let alerts: Vec<Alert> = list(&input["alerts"]).iter().map(alert).collect();
    let (told, _) =
        block_on(dispatched(event(&input["event"]), &alerts, &input["objects"], &input["options"]));
    same("forwarded", !told.is_empty(), &expect["forwarded"])?;
    let routes = Routes::new(RouteOptions::default());
    let status = block_on(post(routes, input["event"].to_string().into_bytes()));
    same("status", status, &expect["status"])
}

async fn post(routes: Routes, body: Vec<u8>) -> u16 {
    let dispatcher = Dispatcher::new(routes, Arc::new(StaticDirectory::new()), DispatchOptions::flux());
    let request = http::Request::post("/").body(Full::new(bytes::Bytes::from(body))).unwrap();
    let endpoint = EventEndpoint::new(dispatcher, EventOptions::default());
    let answer: http::Response<Full<bytes::Bytes>> = endpoint.oneshot(request).await.unwrap();
    answer.status().as_u16()
}

fn rate_limit(input: &Value, expect: &Value) -> Result<(), String> {
    let mut limiter = RateLimiter::new(Duration::from_secs(300));
    let now = Instant::now();
    for previous in list(&input["previous"]) {
        let _ = limiter.admit(&event_key(&event(previous)), now);
    }
    let key = event_key(&event(&input["event"]));
    same("key", key.as_str(), &expect["key"])?;
    let limited = limiter.admit(&key, now).is_err();
    same("limited", limited, &expect["limited"])?;
    // The handler behind upstream's limiter answers 200.
    same("status", if limited { 429 } else { 200 }, &expect["status"])
}

fn body_limit(input: &Value, expect: &Value) -> Result<(), String> {
    let status = block_on(post(Routes::new(RouteOptions::default()), body(input)));
    let served = status == 202;
    same("served", served, &expect["served"])?;
    // The handler behind upstream's limit answers 200.
    same("status", if served { 200 } else { status }, &expect["status"])
}
