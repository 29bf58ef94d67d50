//! Events reach a chat, and signed webhooks start work.

use std::time::Duration;

use gitops_api::kustomize_v1::Kustomization;
use gitops_api::notification_v1::Receiver;
use gitops_api::notification_v1beta3::{Alert, Provider};
use gitops_api::source_v1::GitRepository;
use gitops_testkit::{EventSink, Received};
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::rig::{Conditioned, Rig};

const PATIENCE: Duration = Duration::from_secs(60);

/// Signs as GitHub does, with a program that nobody here wrote.
fn signature(token: &str, body: &str) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", token, "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let said = String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap();
    format!("sha256={}", said.split_whitespace().next().unwrap())
}

impl Rig {
    async fn receiver(&self, spec: Value) -> String {
        self.apply_secret("token", "Opaque", json!({"token": "hook-token"})).await;
        self.apply::<Receiver>("hook", spec).await;
        self.path_after(None).await
    }

    /// Waits until the receiver is ready with another path than this one.
    async fn path_after(&self, before: Option<&str>) -> String {
        let path = |r: &Receiver| r.status.as_ref()?.webhook_path.clone();
        let is_ready = |r: &Receiver| {
            path(r).is_some_and(|path| Some(path.as_str()) != before)
                && r.ready().is_some_and(|c| c.status == "True")
        };
        path(&self.until("hook", "ready", is_ready).await).unwrap()
    }

    /// Sends a webhook of GitHub's, signed with a token; returns the answer's status.
    async fn push_hook(&self, path: &str, token: &str) -> u16 {
        let body = r#"{"ref":"refs/heads/main"}"#;
        let request = reqwest::Client::new()
            .post(format!("{}{path}", self.hooks))
            .header("Content-Type", "application/json")
            .header("X-GitHub-Event", "push")
            .header("X-Hub-Signature-256", signature(token, body))
            .body(body);
        request.send().await.unwrap().status().as_u16()
    }

    async fn asked(&self, name: &str) -> Option<String> {
        let source = self.api::<GitRepository>().get(name).await.unwrap();
        source.annotations().get(gitops_api::annotations::REQUESTED_AT).cloned()
    }
}

fn says(text: &str) -> impl Fn(&Received) -> bool {
    move |request| request.json()["message"].as_str().is_some_and(|message| message.contains(text))
}

#[tokio::test]
async fn an_alert_sends_what_it_asks_for_in_order() {
    let Some(rig) = Rig::start().await else { return };
    let sink = EventSink::start().await.unwrap();
    rig.apply::<Provider>("chat", json!({"type": "generic", "address": sink.url()})).await;
    let sources = json!([{"kind": "GitRepository", "name": "*"}, {"kind": "Kustomization", "name": "app"}]);
    let spec = json!({"providerRef": {"name": "chat"}, "eventSources": sources, "exclusionList": ["secret"]});
    rig.apply::<Alert>("all", spec).await;
    rig.push_first(&[("a.yaml", &rig.config_map("a", "1"))]);
    rig.apply_both().await;
    rig.until_applied().await;
    sink.wait_for(PATIENCE, says("stored artifact")).await.unwrap();
    sink.wait_for(PATIENCE, says("/a created")).await.unwrap();

    let (excluded, told) = (rig.config_map("secret", "1"), rig.config_map("b", "1"));
    rig.push(&[("secret.yaml", Some(&excluded))]).await;
    rig.until_applied().await;
    rig.until_told("Kustomization", "app", "Normal", "Progressing", &["/secret created"]).await;
    rig.push(&[("b.yaml", Some(&told))]).await;
    rig.until_applied().await;
    // What one object tells comes in order: what was left out would have come before this.
    sink.wait_for(PATIENCE, says("/b created")).await.unwrap();
    assert!(!sink.received().iter().any(says("/secret created")), "an excluded message was sent");
    let provider = rig.api::<Provider>().get("chat").await.unwrap();
    assert_eq!(provider.finalizers(), ["finalizers.fluxcd.io"]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_on_the_alert() {
    let Some(rig) = Rig::start().await else { return };
    let spec =
        json!({"providerRef": {"name": "nope"}, "eventSources": [{"kind": "GitRepository", "name": "*"}]});
    rig.apply::<Alert>("lost", spec).await;
    rig.push_first(&[("a.yaml", &rig.config_map("a", "1"))]);
    rig.apply_both().await;
    let text = "Provider.notification.toolkit.fluxcd.io \"nope\" not found";
    rig.until_told("Alert", "lost", "Warning", "NotificationDispatchFailed", &[text]).await;
}

#[tokio::test]
async fn a_signed_webhook_brings_a_commit_and_a_forged_one_does_nothing() {
    let Some(rig) = Rig::start().await else { return };
    rig.push_first(&[("a.yaml", &rig.config_map("a", "1"))]);
    rig.apply_both().await;
    rig.until_applied().await;
    let resources = json!([{"kind": "GitRepository", "name": "app"}]);
    let spec =
        json!({"type": "github", "events": ["push"], "secretRef": {"name": "token"}, "resources": resources});
    let path = rig.receiver(spec).await;

    let before = rig.asked("app").await;
    assert_eq!(rig.push_hook(&path, "guess").await, 400);
    assert_eq!(rig.push_hook("/hook/0", "hook-token").await, 404);
    assert_eq!(rig.asked("app").await, before);

    rig.repository.commit("main", &[("a.yaml", &rig.config_map("a", "2"))]).unwrap();
    assert_eq!(rig.push_hook(&path, "hook-token").await, 200);
    rig.until_applied().await;
    assert_eq!(rig.config_map_value("a").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_webhook_asks_the_objects_with_its_labels() {
    let Some(rig) = Rig::start().await else { return };
    rig.push_first(&[("a.yaml", &rig.config_map("a", "1"))]);
    for (name, team) in [("one", "blue"), ("two", "red")] {
        rig.apply_object::<GitRepository>(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "labels": {"team": team}},
            "spec": {"interval": "10m", "url": rig.git.url("app"), "ref": {"branch": "main"}},
        }))
        .await;
    }
    let resources = json!([{"kind": "GitRepository", "name": "*", "matchLabels": {"team": "blue"}}]);
    let spec = json!({"type": "github", "secretRef": {"name": "token"}, "resources": resources});
    let path = rig.receiver(spec).await;
    assert_eq!(rig.push_hook(&path, "hook-token").await, 200);
    assert!(rig.asked("one").await.is_some());
    assert!(rig.asked("two").await.is_none());
}

#[tokio::test]
async fn a_receiver_follows_its_secret() {
    let Some(rig) = Rig::start().await else { return };
    let resources =
        json!([{"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "name": "app"}]);
    let spec = json!({"type": "github", "secretRef": {"name": "token"}, "resources": resources});
    rig.apply::<Receiver>("hook", spec.clone()).await;
    let missing = ["unable to read token from secret", "not found"];
    let failed = |r: &Receiver| {
        r.ready()
            .is_some_and(|c| c.reason == "TokenNotFound" && missing.iter().all(|t| c.message.contains(t)))
    };
    rig.until("hook", "without token", failed).await;
    rig.until_told("Receiver", "hook", "Warning", "Failed", &missing).await;
    let path = rig.receiver(spec).await;

    // With the label that asks for it a changed Secret counts at once.
    rig.apply_object::<k8s_openapi::api::core::v1::Secret>(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": {"token": "another"},
        "metadata": {"name": "token", "labels": {"reconcile.fluxcd.io/watch": "Enabled"}},
    }))
    .await;
    let next = rig.path_after(Some(&path)).await;
    assert_eq!(rig.push_hook(&path, "hook-token").await, 404);
    // The Kustomization is not there.
    assert_eq!(rig.push_hook(&next, "another").await, 500);
    assert!(rig.api::<Kustomization>().get_opt("app").await.unwrap().is_none());
}
