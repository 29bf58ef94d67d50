//! What is told when a service does not do what it was asked. Every answer here repeats what it was sent.

use std::time::Duration;

use gitops_cloud::{CloudError, Http, HttpOptions, VaultTransit};
use serde_json::json;

use crate::PLAIN_BASE64;
use crate::server::{Answer, Server, http};

const TOKEN: &str = "s.canary-token";

async fn ask(server: &Server, http: Http) -> Result<(), CloudError> {
    let vault = VaultTransit::new(http, TOKEN);
    vault.decrypt(&server.address, "sops", "prod", "vault:v1:canary-cipher").await.map(drop)
}

/// The error and everything under it.
fn told(error: &CloudError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause}"));
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn no_error_repeats_what_was_sent_or_answered() {
    let echo = json!({ "errors": [format!("{TOKEN} is not allowed to read canary-cipher")], "error": TOKEN });
    let answers = [
        Answer::Text(403, echo.to_string()),
        Answer::Text(403, json!({ "error": "canary" }).to_string()),
        Answer::Text(400, format!("<Error><Code>{TOKEN} canary</Code></Error>")),
        Answer::ok(format!("no JSON, {TOKEN}")),
        Answer::ok(json!({ "data": { "plaintext": "canary, no base64" } })),
        Answer::ok("{}"),
        Answer::ok(vec!["canary"; 1 << 18].join(" ")),
    ];
    for answer in answers {
        let server = Server::start([answer]).await;
        let error = ask(&server, http()).await.unwrap_err();
        assert!(!told(&error).contains("canary"), "{}", told(&error));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start([Answer::ok("{}")]).await;
    let server = Server::start([Answer::Redirect(elsewhere.address.clone())]).await;
    let error = ask(&server, http()).await.unwrap_err();
    assert!(matches!(error, CloudError::Refused { status: 307, .. }), "{error}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn what_fails_in_passing_is_tried_again() {
    let good = Answer::ok(json!({ "data": { "plaintext": PLAIN_BASE64 } }));
    let server =
        Server::start([Answer::Text(503, String::new()), Answer::Text(429, String::new()), good]).await;
    ask(&server, http()).await.unwrap();
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let server = Server::start([Answer::Text(403, r#"{"errors":["permission denied"]}"#.to_owned())]).await;
    let error = ask(&server, http()).await.unwrap_err();
    assert_eq!(error.to_string(), "Vault refused with status 403");
    assert!(!error.is_retryable());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up() {
    let server = Server::start([Answer::Never]).await;
    let mut options = HttpOptions::default();
    (options.timeout, options.tries) = (Duration::from_millis(50), 1);
    let error = ask(&server, Http::new(options).unwrap()).await.unwrap_err();
    assert!(matches!(error, CloudError::NoAnswer { reason: "it took too long", .. }), "{error}");
}

#[test]
fn certificates_that_are_none_are_refused() {
    let mut options = HttpOptions::default();
    options.ca = Some(b"no certificate".to_vec());
    assert!(matches!(Http::new(options), Err(CloudError::Options { .. })));
}
