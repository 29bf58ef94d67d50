//! Webhooks: who may send them, what they lead to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use gitops_api::notification_v1::Receiver;
use gitops_notify::receiver::{
    Candidate, ReceiveOptions, ReceiverEndpoint, Receivers, Resources, Selection, Target, Trigger,
    webhook_path,
};
use gitops_notify::{Cause, ObjectKey, SecretData};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const TOKEN: &str = "hook-token";

/// Objects by kind and name, all in `apps`; a Secret `token`; what was asked.
pub(crate) struct Cluster {
    objects: BTreeMap<(String, String), Value>,
    token: Option<Vec<u8>>,
    pub(crate) asked: Mutex<Vec<Trigger>>,
}

impl Resources for Cluster {
    fn secret<'a>(&'a self, secret: &'a ObjectKey) -> BoxFuture<'a, Result<Option<SecretData>, Cause>> {
        assert_eq!(secret.to_string(), "apps/token");
        let data = self.token.clone().map(|token| SecretData::new([("token", token)]));
        Box::pin(async move { Ok(data) })
    }

    fn find<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Candidate>, Cause>> {
        let of_kind = self.objects.iter().filter(|((kind, _), _)| *kind == target.kind);
        let found = of_kind.filter(|((_, name), metadata)| match &target.selection {
            Selection::Name(wanted) => name == wanted,
            Selection::Labels(labels) => labels.iter().all(|(key, value)| metadata["labels"][key] == *value),
            _ => false,
        });
        let found: Vec<Candidate> = found
            .map(|((_, name), metadata)| Candidate {
                key: ObjectKey::new(target.namespace.clone(), name),
                metadata: metadata.clone(),
            })
            .collect();
        let missing = matches!(target.selection, Selection::Name(_)) && found.is_empty();
        Box::pin(async move { if missing { Err("not found".into()) } else { Ok(found) } })
    }

    fn trigger<'a>(&'a self, trigger: &'a Trigger) -> BoxFuture<'a, Result<(), Cause>> {
        self.asked.lock().unwrap().push(trigger.clone());
        Box::pin(async { Ok(()) })
    }
}

pub(crate) fn cluster(token: Option<&[u8]>) -> Arc<Cluster> {
    let object = |name: &str, labels: Value| {
        (("GitRepository".to_owned(), name.to_owned()), json!({"name": name, "labels": labels}))
    };
    let objects = [
        object("app", json!({"team": "blue"})),
        object("web", json!({"team": "blue"})),
        object("other", json!({"team": "red"})),
    ];
    Arc::new(Cluster { objects: objects.into(), token: token.map(<[u8]>::to_vec), asked: Mutex::default() })
}

/// A receiver `hook` in `apps` with this spec, ready.
pub(crate) fn receiver(spec: Value) -> Receiver {
    let mut object = json!({
        "metadata": {"name": "hook", "namespace": "apps"},
        "spec": {"secretRef": {"name": "token"}, "resources": [{"kind": "GitRepository", "name": "app"}]},
        "status": {
            "webhookPath": path(),
            "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        },
    });
    object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    serde_json::from_value(object).unwrap()
}

pub(crate) fn path() -> String {
    webhook_path(TOKEN.as_bytes(), "hook", "apps")
}

pub(crate) fn endpoint(
    object: &Receiver,
    cluster: &Arc<Cluster>,
    options: ReceiveOptions,
) -> ReceiverEndpoint {
    let receivers = Receivers::new();
    receivers.set(object);
    ReceiverEndpoint::new(receivers, Arc::clone(cluster) as Arc<dyn Resources>, options)
}

pub(crate) async fn send(
    endpoint: &ReceiverEndpoint,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> u16 {
    let mut request = http::Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
    let answer: http::Response<Full<Bytes>> = endpoint.clone().oneshot(request).await.unwrap();
    answer.status().as_u16()
}

/// Sends a webhook to a receiver of this spec, and returns the status and the names of what was asked.
async fn outcome(
    spec: Value,
    options: ReceiveOptions,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Vec<String>) {
    let cluster = cluster(Some(TOKEN.as_bytes()));
    let endpoint = endpoint(&receiver(spec), &cluster, options);
    let status = send(&endpoint, &path(), headers, body.as_bytes()).await;
    let asked = cluster.asked.lock().unwrap();
    (status, asked.iter().map(|trigger| trigger.key.name.clone()).collect())
}

#[tokio::test]
async fn a_webhook_asks_what_its_receiver_names() {
    let check = async |resources: Value, want: (u16, &[&str])| {
        let spec = json!({"type": "generic", "resources": resources});
        let got = outcome(spec, ReceiveOptions::default(), &[], "{}").await;
        assert_eq!(
            (got.0, got.1.iter().map(String::as_str).collect::<Vec<_>>()),
            (want.0, want.1.to_vec()),
            "{resources}"
        );
    };
    let kind = "GitRepository";
    check(json!([{"kind": kind, "name": "app"}]), (200, &["app"])).await;
    check(json!([{"kind": kind, "name": "app"}, {"kind": kind, "name": "other"}]), (200, &["app", "other"]))
        .await;
    check(json!([{"kind": kind, "name": "*", "matchLabels": {"team": "blue"}}]), (200, &["app", "web"]))
        .await;
    check(json!([{"kind": kind, "name": "*", "matchLabels": {"team": "none"}}]), (200, &[])).await;
    check(json!([{"kind": kind, "name": "*"}]), (500, &[])).await;
    check(json!([{"kind": kind, "name": "gone"}, {"kind": kind, "name": "app"}]), (500, &["app"])).await;
    check(json!([{"kind": "Kustomization", "name": "app"}]), (500, &[])).await;
}

#[tokio::test]
async fn filters_choose_among_the_objects() {
    let check = async |filter: Value, each: &str, body: &str, media_type: &str, want: (u16, &[&str])| {
        let resource =
            json!({"kind": "GitRepository", "name": "*", "matchLabels": {"team": "blue"}, "filter": each});
        let mut spec = json!({"type": "generic", "resources": [resource]});
        spec["resourceFilter"] = filter;
        let headers = [("Content-Type", media_type)];
        let got = outcome(spec, ReceiveOptions::default(), &headers, body).await;
        assert_eq!(
            (got.0, got.1.iter().map(String::as_str).collect::<Vec<_>>()),
            (want.0, want.1.to_vec()),
            "{body}"
        );
    };
    let json_type = "application/json; charset=utf-8";
    let by_name = json!("req.repository == res.metadata.name");
    check(by_name.clone(), "", r#"{"repository": "web"}"#, json_type, (200, &["web"])).await;
    check(by_name.clone(), "", r#"{"repository": "none"}"#, json_type, (200, &[])).await;
    check(by_name.clone(), "", r#"{"repository": "web"}"#, "text/plain", (500, &[])).await;
    check(by_name.clone(), "", "{}", json_type, (500, &[])).await;
    check(by_name.clone(), "", "{", json_type, (500, &[])).await;
    check(by_name.clone(), "", "[]", json_type, (500, &[])).await;
    check(json!("true"), "res.metadata.name == 'app'", "{}", json_type, (200, &["app"])).await;
    check(json!("false"), "true", "{}", json_type, (200, &[])).await;
    check(json!("has(req.repository)"), "", "null", json_type, (200, &[])).await;
    check(json!("res.metadata.nothing == 'x'"), "", "{}", json_type, (500, &[])).await;
    check(json!("'no truth'"), "", "{}", json_type, (500, &[])).await;
}

#[tokio::test]
async fn all_objects_of_one_webhook_get_one_new_token() {
    let cluster = cluster(Some(TOKEN.as_bytes()));
    let spec = json!({"type": "generic", "resources": [{"kind": "GitRepository", "name": "*", "matchLabels": {"team": "blue"}}]});
    let endpoint = endpoint(&receiver(spec), &cluster, ReceiveOptions::default());
    for _ in 0..2 {
        assert_eq!(send(&endpoint, &path(), &[], b"").await, 200);
    }
    let asked = cluster.asked.lock().unwrap().clone();
    assert_eq!(asked[0].requested_at, asked[1].requested_at);
    assert_ne!(asked[1].requested_at, asked[2].requested_at);
    assert_eq!(asked[0].api_version, "source.toolkit.fluxcd.io/v1");
    let patch =
        json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": asked[0].requested_at}}});
    assert_eq!(asked[0].patch(), patch);
}

#[tokio::test]
async fn only_the_whole_path_with_its_query_leads_to_a_receiver() {
    let cluster = cluster(Some(TOKEN.as_bytes()));
    let endpoint = endpoint(&receiver(json!({"type": "generic"})), &cluster, ReceiveOptions::default());
    let path = path();
    let check =
        async |path: &str, want: u16| assert_eq!(send(&endpoint, path, &[], b"").await, want, "{path}");
    check(&path, 200).await;
    check(&format!("{path}?x=1"), 404).await;
    check(&format!("{path}/"), 404).await;
    check(&path.to_uppercase(), 404).await;
    check(&path[..path.len() - 1], 404).await;
    check("/hook/", 404).await;
    check("/", 404).await;
}

#[tokio::test]
async fn receivers_that_are_closed_or_lack_their_token_say_so() {
    let check = async |object: &Receiver, token: Option<&[u8]>, want: u16| {
        let cluster = cluster(token);
        assert_eq!(
            send(&endpoint(object, &cluster, ReceiveOptions::default()), &path(), &[], b"").await,
            want
        );
        assert!(cluster.asked.lock().unwrap().is_empty() || want == 200);
    };
    let token = Some(TOKEN.as_bytes());
    let open = receiver(json!({"type": "generic"}));
    check(&open, token, 200).await;
    check(&open, None, 400).await;
    check(&receiver(json!({"type": "generic", "suspend": true})), token, 503).await;
    let mut unready = open.clone();
    unready.status.as_mut().unwrap().conditions.clear();
    check(&unready, token, 503).await;
    check(&receiver(json!({"type": "harbor"})), token, 400).await;
}

#[tokio::test]
async fn other_namespaces_can_be_ruled_out() {
    let resources = json!([{"kind": "GitRepository", "name": "app", "namespace": "infra"}]);
    let check = async |options: ReceiveOptions, want: u16| {
        let spec = json!({"type": "generic", "resources": resources});
        assert_eq!(outcome(spec, options, &[], "").await.0, want);
    };
    check(ReceiveOptions::default(), 200).await;
    check(ReceiveOptions::default().no_cross_namespace(true), 500).await;
}

#[tokio::test]
async fn gitlab_proves_itself_with_the_token() {
    let spec = json!({"type": "gitlab", "events": ["Push Hook", "tag push hook"]});
    let check = async |headers: &[(&str, &str)], want: u16| {
        assert_eq!(
            outcome(spec.clone(), ReceiveOptions::default(), headers, "{}").await.0,
            want,
            "{headers:?}"
        );
    };
    let token = ("X-Gitlab-Token", TOKEN);
    let push = ("X-Gitlab-Event", "Push Hook");
    check(&[token, push], 200).await;
    check(&[token, ("x-gitlab-event", "Tag Push Hook")], 200).await;
    check(&[token, ("X-Gitlab-Event", "Issue Hook")], 400).await;
    check(&[token], 400).await;
    check(&[push], 400).await;
    check(&[("X-Gitlab-Token", ""), push], 400).await;
    check(&[("X-Gitlab-Token", "hook-toke"), push], 400).await;
    check(&[("X-Gitlab-Token", "hook-token "), push], 400).await;
    check(&[("X-Gitlab-Token", "hook-token2"), push], 400).await;
    check(&[("X-Gitlab-Token", "HOOK-TOKEN"), push], 400).await;
    check(&[("X-Gitlab-Token", "h\u{f6}\u{f6}k"), push], 400).await;
    check(&[token, ("X-Gitlab-Token", "x"), push], 400).await;
}

#[tokio::test]
async fn an_empty_token_proves_nothing() {
    let check = async |kind: &str, headers: &[(&str, &str)], want: u16| {
        let cluster = cluster(Some(b""));
        let endpoint = endpoint(&receiver(json!({"type": kind})), &cluster, ReceiveOptions::flux());
        assert_eq!(send(&endpoint, &path(), headers, b"").await, want, "{kind}");
    };
    // What `openssl dgst -sha256 -hmac ""` makes of nothing.
    let signature = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    check("gitlab", &[], 400).await;
    check("gitlab", &[("X-Gitlab-Token", "")], 400).await;
    check("generic-hmac", &[("X-Signature", signature)], 400).await;
    check("github", &[("X-Hub-Signature-256", signature), ("Content-Type", "application/json")], 400).await;
    check("generic", &[], 200).await;
}

#[tokio::test]
async fn two_receivers_with_one_path_are_told_apart_by_nobody_so_the_first_by_name_answers() {
    // Token, name and namespace are joined without a mark.
    assert_eq!(webhook_path(b"a", "bc", "d"), webhook_path(b"ab", "c", "d"));
    let cluster = cluster(Some(TOKEN.as_bytes()));
    let receivers = Receivers::new();
    let (first, mut second) =
        (receiver(json!({"type": "generic"})), receiver(json!({"type": "generic", "suspend": true})));
    second.metadata.name = Some("a-hook".to_owned());
    receivers.set(&second);
    receivers.set(&first);
    let endpoint = ReceiverEndpoint::new(
        receivers.clone(),
        Arc::clone(&cluster) as Arc<dyn Resources>,
        ReceiveOptions::default(),
    );
    assert_eq!(send(&endpoint, &path(), &[], b"").await, 503);
    receivers.remove(&ObjectKey::new("apps", "a-hook"));
    assert_eq!(send(&endpoint, &path(), &[], b"").await, 200);
    receivers.remove(&ObjectKey::new("apps", "hook"));
    assert_eq!(send(&endpoint, &path(), &[], b"").await, 404);
}

#[tokio::test]
async fn a_receiver_whose_path_changes_leaves_the_old_one() {
    let cluster = cluster(Some(TOKEN.as_bytes()));
    let receivers = Receivers::new();
    let mut object = receiver(json!({"type": "generic"}));
    receivers.set(&object);
    object.status.as_mut().unwrap().webhook_path = Some("/hook/new".to_owned());
    receivers.set(&object);
    let endpoint = ReceiverEndpoint::new(
        receivers,
        Arc::clone(&cluster) as Arc<dyn Resources>,
        ReceiveOptions::default(),
    );
    assert_eq!(send(&endpoint, &path(), &[], b"").await, 404);
    assert_eq!(send(&endpoint, "/hook/new", &[], b"").await, 200);
}
