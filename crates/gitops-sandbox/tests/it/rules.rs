//! What the server refuses of built-in kinds, and what it remarks about what it takes.
//!
//! The scripts in `rules/` were played on kube-apiserver 1.35.4 with `transcripts.py record`; of each answer they keep
//! the status, the causes of a refusal and the warnings. Where a cause names an address, a uid or a difference of two
//! Go values, only its reason and its field are kept.

use bytes::Bytes;
use gitops_sandbox::Sandbox;
use http::Request;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Requests that follow each other in a namespace of their own, which `{ns}` stands for.
#[derive(Debug, Deserialize)]
struct Script {
    name: String,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    method: String,
    path: String,
    #[serde(rename = "type", default = "json")]
    media: String,
    #[serde(default)]
    body: Value,
    status: u16,
    /// `Required spec.ports: Required value`, or without what stands behind the colon.
    #[serde(default)]
    causes: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

impl Step {
    /// The request that makes a namespace.
    fn namespace(name: &str) -> Self {
        Self {
            method: "POST".to_owned(),
            path: "/api/v1/namespaces".to_owned(),
            media: json(),
            body: json!({"metadata": {"name": name}}),
            status: 201,
            causes: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

fn json() -> String {
    "application/json".to_owned()
}

/// What came of a request, as far as the scripts keep it.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    causes: Vec<String>,
    warnings: Vec<String>,
}

async fn ask(sandbox: &Sandbox, step: &Step) -> (Answer, Value) {
    let body = if step.body.is_null() { Bytes::new() } else { step.body.to_string().into() };
    let request = Request::builder()
        .method(step.method.as_str())
        .uri(step.path.as_str())
        .header("accept", "application/json")
        .header("content-type", step.media.as_str())
        .body(http_body_util::Full::new(body))
        .unwrap();
    let response = sandbox.service().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let warning = |value: &http::HeaderValue| {
        let text = value.to_str().unwrap().strip_prefix("299 - ").unwrap();
        serde_json::from_str::<String>(text).unwrap()
    };
    let mut warnings: Vec<String> = response.headers().get_all("warning").iter().map(warning).collect();
    warnings.sort();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let refused = if status == 422 { body["details"]["causes"].as_array().cloned() } else { None };
    let causes = refused.into_iter().flatten().map(|cause| {
        let text = |name: &str| cause[name].as_str().unwrap_or_default().to_owned();
        let reason = text("reason").replace("FieldValue", "");
        format!("{reason} {}: {}", text("field"), text("message"))
    });
    (Answer { status, causes: causes.collect(), warnings }, body)
}

/// Plays scripts, one a line, and holds each answer to the recorded one.
async fn check(scripts: &str) {
    let sandbox = Sandbox::builder().without_controllers().start();
    for (number, line) in scripts.lines().enumerate() {
        let namespace = format!("n{number}");
        let script: Script = serde_json::from_str(&line.replace("{ns}", &namespace)).unwrap();
        let (made, _) = ask(&sandbox, &Step::namespace(&namespace)).await;
        assert_eq!(made.status, 201);
        for (position, step) in script.steps.iter().enumerate() {
            let (mut answer, body) = ask(&sandbox, step).await;
            for (found, wanted) in answer.causes.iter_mut().zip(&step.causes) {
                if found.split(": ").next() == Some(wanted) {
                    found.clone_from(wanted);
                }
            }
            let mut warnings = step.warnings.clone();
            warnings.sort();
            let wanted = Answer { status: step.status, causes: step.causes.clone(), warnings };
            assert_eq!(
                answer, wanted,
                "{}, step {position}: {} {}\n{body}",
                script.name, step.method, step.path
            );
        }
    }
}

#[tokio::test]
async fn pods_are_held_to_the_rules_of_the_server() {
    check(include_str!("rules/pods.jsonl")).await;
}

#[tokio::test]
async fn what_makes_pods_is_held_to_the_rules_of_the_server() {
    check(include_str!("rules/workloads.jsonl")).await;
}

#[tokio::test]
async fn services_and_their_addresses_are_held_to_the_rules_of_the_server() {
    check(include_str!("rules/network.jsonl")).await;
}

#[tokio::test]
async fn storage_is_held_to_the_rules_of_the_server() {
    check(include_str!("rules/storage.jsonl")).await;
}

#[tokio::test]
async fn roles_and_policies_are_held_to_the_rules_of_the_server() {
    check(include_str!("rules/policies.jsonl")).await;
}

#[tokio::test]
async fn all_other_kinds_are_held_to_the_rules_of_the_server() {
    check(include_str!("rules/others.jsonl")).await;
}
