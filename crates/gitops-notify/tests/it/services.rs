//! Messages over real HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gitops_notify::provider::{AddressPolicy, Clients, Credentials, Settings, provider};
use gitops_notify::{DispatchOptions, GiveUp, NotifyError, Outcome, RetryPolicy, SecretData};
use serde_json::{Value, json};

use crate::setup::{dispatcher, event, is_delivered, provider_of};
use crate::sink::{Sink, answer};

/// Waits so short that a test does not feel them.
fn hurried() -> DispatchOptions {
    let retry = RetryPolicy::default().waits(Duration::from_millis(1), Duration::from_millis(4));
    DispatchOptions::flux().retry(retry)
}

async fn send(spec: Value, credentials: Credentials) -> Result<(), NotifyError> {
    let object = provider_of("p", spec);
    let settings = Settings::new(&object.spec, &credentials, &Default::default())?;
    let wire = Clients::new(AddressPolicy::Any).wire(&settings)?;
    provider(&settings)?.deliver(&event("app", "m"), &wire).await
}

#[tokio::test]
async fn a_real_sink_that_fails_three_times_in_ten_gets_everything_in_order() {
    let seed = AtomicUsize::new(11);
    let sink = Sink::start(move |_, _| {
        let next = |seed: usize| {
            Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        };
        let drawn = seed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).unwrap() >> 33;
        answer(if drawn % 10 < 3 { 503 } else { 200 }, "")
    })
    .await;
    let object = provider_of("sink", json!({"type": "generic", "address": sink.url()}));
    let (dispatcher, _, receipts) = dispatcher(vec![object], hurried());
    for number in 0..40 {
        for name in ["a", "b", "c"] {
            dispatcher.accept(event(name, &format!("{number}"))).await.unwrap();
        }
    }
    let receipts = receipts.wait(120).await;
    assert!(receipts.iter().all(is_delivered));
    assert!(sink.got().len() > 120, "some came more than once");
    for name in ["a", "b", "c"] {
        let of_it = sink.got().into_iter().map(|got| serde_json::from_slice::<Value>(&got.body).unwrap());
        let of_it = of_it.filter(|body| body["involvedObject"]["name"] == name);
        let mut numbers: Vec<usize> =
            of_it.map(|body| body["message"].as_str().unwrap().parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{name}: {numbers:?}");
        numbers.dedup();
        assert_eq!(numbers, (0..40).collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test]
async fn a_real_sink_that_never_answers_ends_in_receipts_within_the_bound() {
    let silent = Sink::start(|_, _| None).await;
    let live = Sink::start(|_, _| answer(200, "")).await;
    let silent_spec = json!({"type": "generic", "address": silent.url(), "timeout": "50ms"});
    let providers = vec![
        provider_of("silent", silent_spec),
        provider_of("live", json!({"type": "generic", "address": live.url()})),
    ];
    let patience = Duration::from_millis(400);
    let retry =
        RetryPolicy::default().waits(Duration::from_millis(1), Duration::from_millis(4)).patience(patience);
    let (dispatcher, _, receipts) = dispatcher(providers, DispatchOptions::flux().retry(retry));
    for number in 0..10 {
        dispatcher.accept(event("app", &format!("{number}"))).await.unwrap();
    }
    let all = receipts.wait(20).await;
    let of =
        |name: &str| all.iter().filter(|receipt| receipt.provider.name == name).cloned().collect::<Vec<_>>();
    assert!(of("live").iter().all(is_delivered));
    let given_up = of("silent");
    assert_eq!(given_up.iter().map(|receipt| receipt.event).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert!(
        given_up.iter().all(
            |receipt| matches!(&receipt.outcome, Outcome::GivenUp(failed) if failed.why == GiveUp::Time)
        )
    );
    assert!(given_up[0].attempts > 1, "{:?}", given_up[0]);
}

#[tokio::test]
async fn a_refusal_is_told_in_fluxs_words_and_not_repeated() {
    let sink = Sink::start(|_, _| answer(400, "ok")).await;
    let object =
        provider_of("sink", json!({"type": "generic", "address": format!("{}/x?code=400", sink.url())}));
    let (dispatcher, _, receipts) = dispatcher(vec![object], hurried());
    dispatcher.accept(event("app", "m")).await.unwrap();
    let receipt = receipts.wait(1).await.remove(0);
    assert_eq!(
        receipt.to_string(),
        "failed to send notification for Kustomization/apps/app: postMessage failed: request failed: \
         request failed with status code 400: ok"
    );
    assert_eq!(sink.got().len(), 1);
    assert_eq!(sink.got()[0].uri, "/x?code=400");
}

#[tokio::test]
async fn retry_after_is_read_as_seconds_and_as_a_date() {
    let check = async |text: &'static str, want: Option<u64>| {
        let sink = Sink::start(move |_, _| {
            let mut busy = answer(429, "").unwrap();
            busy.headers_mut().insert("Retry-After", text.parse().unwrap());
            Some(busy)
        })
        .await;
        let error = send(json!({"type": "generic", "address": sink.url()}), Credentials::default())
            .await
            .unwrap_err();
        assert_eq!(error.retry_after().map(|wait| wait.as_secs()), want, "{text}");
        assert!(gitops_api::Failure::is_retryable(&error));
    };
    check("7", Some(7)).await;
    check("Wed, 21 Oct 2015 07:28:00 GMT", Some(0)).await;
    check("soon", None).await;
    check("-3", None).await;
}

#[tokio::test]
async fn only_the_start_of_a_long_answer_is_told_without_control_characters() {
    let sink =
        Sink::start(|_, _| answer(500, &format!("no\r\n\u{1b}[31mred\u{202e}{}", "x".repeat(1 << 20)))).await;
    let error =
        send(json!({"type": "generic", "address": sink.url()}), Credentials::default()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("status code 500: no   [31mred xxx"), "{text}");
    assert!(text.ends_with("x…") && text.len() < 700, "{}", text.len());
}

#[tokio::test]
async fn slack_says_in_its_answer_whether_it_took_the_message() {
    // Only at Slack's own address; the corpora hold what a refusal there becomes.
    let sink = Sink::start(|_, _| answer(200, r#"{"ok": false, "error": "invalid_auth"}"#)).await;
    send(json!({"type": "slack", "address": sink.url()}), Credentials::default()).await.unwrap();
}

#[tokio::test]
async fn a_message_calls_nobody_in_slack_but_the_alerts_own_words_may() {
    let sink = Sink::start(|_, _| answer(200, "ok")).await;
    let object = provider_of("p", json!({"type": "slack", "address": sink.url()}));
    let settings = Settings::new(&object.spec, &Credentials::default(), &Default::default()).unwrap();
    let wire = Clients::new(AddressPolicy::Any).wire(&settings).unwrap();
    let mut event = event("app", "fix <!channel> for <@U123>, a <b> & <https://x|y>");
    event.metadata.insert("oncall".to_owned(), "<!subteam^S1>".to_owned());
    provider(&settings).unwrap().deliver(&event, &wire).await.unwrap();
    let body: Value = serde_json::from_slice(&sink.got()[0].body).unwrap();
    let attachment = &body["attachments"][0];
    assert_eq!(attachment["text"], "fix &lt;!channel> for &lt;@U123>, a <b> & <https://x|y>");
    assert_eq!(attachment["fields"][0]["value"], "<!subteam^S1>");
}

#[tokio::test]
async fn the_secret_stands_before_the_spec_and_headers_of_the_connection_are_left_out() {
    let sink = Sink::start(|_, _| answer(200, "")).await;
    let secret = SecretData::new([
        ("address", format!(" {}/from-secret\n", sink.url())),
        (
            "headers",
            "Authorization: Bearer abc\nHost: evil.example\nContent-Length: '5'\nX-Custom: hello\n"
                .to_owned(),
        ),
    ]);
    let spec = json!({"type": "generic", "address": "http://from-spec.example", "secretRef": {"name": "s"}});
    send(spec, Credentials::default().secret(secret)).await.unwrap();
    let got = sink.got().remove(0);
    assert_eq!((got.method.as_str(), got.uri.to_string().as_str()), ("POST", "/from-secret"));
    assert_eq!(got.headers["authorization"], "Bearer abc");
    assert_eq!(got.headers["x-custom"], "hello");
    assert_eq!(got.headers["host"], sink.url().trim_start_matches("http://"));
    assert_eq!(got.headers["gotk-component"], "kustomize-controller");
    assert!(got.body.len() > 100);
}

#[tokio::test]
async fn a_proxy_stands_before_the_service() {
    let proxy = Sink::start(|_, _| answer(200, "")).await;
    let service = Sink::start(|_, _| answer(200, "")).await;
    let secret =
        |data: &[(&str, String)]| SecretData::new(data.iter().map(|(key, value)| (*key, value.clone())));
    let check = async |spec: Value, credentials: Credentials, user: Option<&str>| {
        let before = proxy.got().len();
        send(spec, credentials).await.unwrap();
        let got = proxy.got();
        assert_eq!(got.len(), before + 1);
        assert_eq!(got[before].uri.host(), Some("service.example"));
        let given = got[before].headers.get("proxy-authorization").map(|value| value.to_str().unwrap());
        assert_eq!(given, user);
    };
    let spec = |extra: Value| {
        let mut spec = json!({"type": "generic", "address": "http://service.example/x"});
        spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        spec
    };
    check(spec(json!({"proxy": proxy.url()})), Credentials::default(), None).await;
    let of_secret = Credentials::default().secret(secret(&[("proxy", proxy.url())]));
    check(spec(json!({"secretRef": {"name": "s"}, "proxy": service.url()})), of_secret, None).await;
    let own = secret(&[("address", proxy.url()), ("username", "u".to_owned()), ("password", "p".to_owned())]);
    let own = Credentials::default().proxy(own);
    check(spec(json!({"proxySecretRef": {"name": "s"}, "proxy": service.url()})), own, Some("Basic dTpw"))
        .await;
    assert!(service.got().is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_before_there_is_anything_to_send() {
    let check = |spec: Value, data: &[(&str, &str)], want: &str| {
        let object = provider_of("p", spec);
        let secret = SecretData::new(data.iter().map(|(key, value)| (*key, *value)));
        let credentials = Credentials::default().secret(secret);
        let made = Settings::new(&object.spec, &credentials, &Default::default())
            .and_then(|settings| provider(&settings).map(drop));
        assert_eq!(made.unwrap_err().to_string(), want);
    };
    let generic = |address: &str| json!({"type": "generic", "address": address});
    check(
        json!({"type": "generic"}),
        &[],
        "invalid generic provider: address is empty; set spec.address or the Secret's key 'address'",
    );
    check(generic("ftp://x"), &[], "invalid generic provider: address is neither http nor https");
    check(
        generic("https://a b"),
        &[],
        "invalid generic provider: address is no URL: invalid international domain name",
    );
    check(
        generic("https://x"),
        &[("headers", "[1")],
        "invalid generic provider: the Secret's key 'headers' is no YAML map of texts, such as `X-Team: blue`",
    );
    check(
        generic("https://x"),
        &[("headers", "a b: c")],
        "invalid generic provider: the Secret's key 'headers' has a name that no header has",
    );
    check(
        generic("https://x"),
        &[("headers", "a: \"b\\nc\"")],
        "invalid generic provider: the Secret's key 'headers' has a value that no header has",
    );
    check(
        json!({"type": "generic-hmac", "address": "https://x"}),
        &[("token", " ")],
        "invalid generic-hmac provider: the Secret needs a key 'token'",
    );
    check(
        json!({"type": "slack", "address": "https://x"}),
        &[("token", "a\nb")],
        "invalid slack provider: the Secret's 'token' has letters that no header has",
    );
    check(
        json!({"type": "generic", "address": "https://x", "certSecretRef": {"name": "certs"}}),
        &[],
        "invalid generic provider: secret 'certs' not found",
    );
    check(
        json!({"type": "generic", "address": "https://x", "serviceAccountName": "me"}),
        &[],
        "invalid generic provider: serviceAccountName needs object-level workload identity, which is switched off",
    );
    check(json!({"type": "matrix", "address": "https://x"}), &[], "provider type 'matrix' is not supported");
    check(
        json!({"type": "generic", "address": "https://x", "proxy": "gopher://p"}),
        &[],
        "invalid generic provider: proxy has an address that is neither http, https nor socks5",
    );
}

#[tokio::test]
async fn providers_with_the_same_connection_share_one() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                let mut seen = Vec::new();
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    seen.extend_from_slice(&buffer[..count]);
                    // Each of these bodies ends with the one closing brace of the outermost object.
                    if seen.ends_with(b"\"kustomize-controller\"}") {
                        seen.clear();
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                }
            });
        }
    });
    let specs = ["a", "b", "c"].map(|name| {
        provider_of(name, json!({"type": "generic", "address": format!("http://{address}/{name}")}))
    });
    let (dispatcher, _, receipts) = dispatcher(specs.to_vec(), hurried());
    for number in 0..5 {
        dispatcher.accept(event("app", &format!("{number}"))).await.unwrap();
        receipts.wait((number + 1) * 3).await;
    }
    assert!(receipts.all().iter().all(is_delivered));
    assert!(connections.load(Ordering::SeqCst) <= 3, "{connections:?} connections for 15 messages");
    server.abort();
}
