//! Any bytes as a webhook: its first line is each of the headers that receivers look at, the rest its body. No kind of
//! receiver breaks off, none that asks for a proof takes it, and filters end within their steps.
//!
//! `cargo +nightly fuzz run webhook`
#![no_main]

use std::sync::LazyLock;

use gitops_api::notification_v1::{ReceiverKind, ReceiverSpec};
use gitops_notify::receiver::{FilterRequest, ResourceFilter, Webhook, receiver};
use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

static FILTERS: LazyLock<Vec<ResourceFilter>> = LazyLock::new(|| {
    let texts = ["req.name == res.metadata.name", "has(req.a) && req.a.b.size() > 2", "req.all(k, req[k] != '')"];
    texts.iter().map(|text| ResourceFilter::new(text, false).expect("it is an expression")).collect()
});

fuzz_target!(|bytes: &[u8]| {
    let (line, body) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let Ok(value) = HeaderValue::from_bytes(line) else { return };
    let names = [
        "content-type", "x-signature", "x-hub-signature", "x-hub-signature-256", "x-github-event", "x-gitlab-token",
        "x-gitlab-event",
    ];
    let headers: HeaderMap = names.iter().map(|name| (name.parse().expect("a name"), value.clone())).collect();
    let webhook = Webhook::new(&Method::POST, &headers, body, b"a token that nobody guesses").takes_sha1(true);
    for kind in ["generic", "generic-hmac", "github", "gitlab"] {
        let spec = ReceiverSpec { kind: kind.into(), events: vec!["push".to_owned()], ..ReceiverSpec::default() };
        let verified = receiver(&spec).expect("it is built").verify(&webhook, &spec);
        assert_eq!(verified.is_ok(), spec.kind == ReceiverKind::Generic, "{kind}");
    }
    let Ok(request) = FilterRequest::read("application/json", body) else { return };
    for filter in FILTERS.iter() {
        if let Err(error) = filter.accepts(&json!({"metadata": {"name": "x"}}), &request) {
            assert!(!error.to_string().contains("broke off"), "{error}");
        }
    }
});
