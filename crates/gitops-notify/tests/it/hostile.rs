//! Bodies and expressions that were made to hurt.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gitops_notify::receiver::{FilterRequest, ReceiveOptions, ReceiverEndpoint, ResourceFilter};
use gitops_notify::{
    BodyLimits, DispatchOptions, EventEndpoint, EventOptions, NotifyError, RouteOptions, Routes,
};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;

use crate::receive::{TOKEN, cluster, endpoint, path, receiver, send};
use crate::setup::{alert_of, dispatcher, event};

const GIGABYTE: u64 = 1 << 30;

/// A body of a gigabyte that says nothing of its length, and how much of it was asked for.
fn gigabyte() -> (impl http_body::Body<Data = Bytes, Error = std::io::Error> + Send, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let chunk = Bytes::from(vec![b'['; 64 << 10]);
    let chunks = futures::stream::unfold((), move |()| {
        let chunk = chunk.clone();
        let sent = counted.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        let next = (sent < GIGABYTE).then(|| (Ok(Frame::data(chunk)), ()));
        async move { next }
    });
    (StreamBody::new(Box::pin(chunks)), asked)
}

#[tokio::test]
async fn of_a_gigabyte_no_more_is_read_than_the_limit() {
    let (events, ..) = dispatcher(vec![], DispatchOptions::default());
    let events = EventEndpoint::new(events, EventOptions::default());
    let (body, asked) = gigabyte();
    let refused = events.take(http::Request::post("/").body(body).unwrap()).await;
    assert!(matches!(refused, Err(NotifyError::BodyTooLarge { limit: 3_145_728 })), "{refused:?}");
    assert!(asked.load(Ordering::SeqCst) < 4 << 20);

    let cluster = cluster(Some(TOKEN.as_bytes()));
    let hooks = endpoint(&receiver(json!({"type": "generic"})), &cluster, ReceiveOptions::default());
    let (body, asked) = gigabyte();
    let refused = hooks.take(http::Request::post(path()).body(body).unwrap()).await;
    assert!(matches!(refused, Err(NotifyError::BodyTooLarge { limit: 3_145_728 })), "{refused:?}");
    assert!(asked.load(Ordering::SeqCst) < 4 << 20);
    assert!(cluster.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_read_for_a_path_that_nobody_has() {
    let hooks: ReceiverEndpoint =
        endpoint(&receiver(json!({"type": "generic"})), &cluster(None), ReceiveOptions::default());
    let (body, asked) = gigabyte();
    let refused = hooks.take(http::Request::post("/hook/none").body(body).unwrap()).await;
    assert!(matches!(refused, Err(NotifyError::NoReceiver)));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_that_says_it_is_long_is_refused_unread() {
    let (events, ..) = dispatcher(vec![], DispatchOptions::default());
    let events = EventEndpoint::new(events, EventOptions::default().body(BodyLimits::default().bytes(100)));
    let body = http_body_util::Full::new(Bytes::from(vec![b' '; 101]));
    let refused = events.take(http::Request::post("/").body(body).unwrap()).await;
    assert!(matches!(refused, Err(NotifyError::BodyTooLarge { limit: 100 })));
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_deep_end_in_an_answer() {
    let spec = json!({"type": "generic", "resourceFilter": "req.a == 'b'"});
    let cluster = cluster(Some(TOKEN.as_bytes()));
    let hooks = endpoint(&receiver(spec), &cluster, ReceiveOptions::default());
    let check = async |body: &[u8]| {
        let headers = [("Content-Type", "application/json")];
        assert_eq!(send(&hooks, &path(), &headers, body).await, 500);
    };
    check(b"{").await;
    check(b"\xff").await;
    check("[".repeat(1 << 20).as_bytes()).await;
    check("{\"a\":".repeat(1 << 18).as_bytes()).await;
    check(format!("{{\"a\": {}1{}}}", "[".repeat(128), "]".repeat(128)).as_bytes()).await;
    assert!(cluster.asked.lock().unwrap().is_empty());
}

#[test]
fn expressions_cost_no_more_than_they_may() {
    let numbers: Vec<u32> = (0..2000).collect();
    let request = FilterRequest::default().with_body(json!({"n": numbers}));
    let check = |text: &str| {
        let filter = ResourceFilter::new(text, false).unwrap();
        let start = std::time::Instant::now();
        let refused = filter.accepts(&json!({"metadata": {"name": "x"}}), &request);
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("it takes more than 1000000 steps"), "{text}");
        // Not a measurement: unbounded, these would take hours.
        assert!(start.elapsed() < Duration::from_secs(30));
    };
    check("req.n.all(a, req.n.all(b, req.n.all(c, a + b + c >= 0)))");
    check("req.n.map(a, req.n.map(b, req.n.map(c, a))).size() > 0");
    let refused = ResourceFilter::new(&format!("{}true", "!".repeat(10_000)), false).unwrap_err().to_string();
    assert!(refused.contains("at most 2048 are read"), "{refused}");
    assert!(ResourceFilter::new(&"(".repeat(2000), false).is_err());
}

#[tokio::test]
async fn a_long_body_for_many_objects_is_not_filtered_without_end() {
    struct Many(Mutex<usize>);
    impl gitops_notify::receiver::Resources for Many {
        fn secret<'a>(
            &'a self,
            _: &'a gitops_notify::ObjectKey,
        ) -> futures::future::BoxFuture<'a, Result<Option<gitops_notify::SecretData>, gitops_notify::Cause>>
        {
            Box::pin(async { Ok(Some(gitops_notify::SecretData::new([("token", TOKEN)]))) })
        }
        fn find<'a>(
            &'a self,
            _: &'a gitops_notify::receiver::Target,
        ) -> futures::future::BoxFuture<
            'a,
            Result<Vec<gitops_notify::receiver::Candidate>, gitops_notify::Cause>,
        > {
            let object = |number| gitops_notify::receiver::Candidate {
                key: gitops_notify::ObjectKey::new("apps", format!("app-{number}")),
                metadata: json!({}),
            };
            Box::pin(async move { Ok((0..5000).map(object).collect()) })
        }
        fn trigger<'a>(
            &'a self,
            _: &'a gitops_notify::receiver::Trigger,
        ) -> futures::future::BoxFuture<'a, Result<(), gitops_notify::Cause>> {
            *self.0.lock().unwrap() += 1;
            Box::pin(async { Ok(()) })
        }
    }
    let receivers = gitops_notify::receiver::Receivers::new();
    let resources = json!([{"kind": "GitRepository", "name": "*", "matchLabels": {"a": "b"}}]);
    receivers.set(&receiver(json!({"type": "generic", "resourceFilter": "true", "resources": resources})));
    let many = Arc::new(Many(Mutex::default()));
    let hooks = ReceiverEndpoint::new(receivers, many.clone(), ReceiveOptions::default());
    let headers = [("Content-Type", "application/json")];
    let body = format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(send(&hooks, &path(), &headers, body.as_bytes()).await, 500);
    assert_eq!(*many.0.lock().unwrap(), 0);
    assert_eq!(send(&hooks, &path(), &headers, b"{}").await, 200);
    assert_eq!(*many.0.lock().unwrap(), 5000);
}

#[test]
fn patterns_that_were_made_to_be_slow_are_not() {
    let routes = Routes::new(RouteOptions::default());
    let spec = json!({
        "providerRef": {"name": "chat"},
        "eventSources": [{"kind": "Kustomization", "name": "*"}],
        "exclusionList": ["(a+)+$", "(a|aa)+$", "^(.*?,){30}P", "(x{1000}){1000}", "[".repeat(5000)],
    });
    let route = routes.set(&alert_of("a", spec));
    assert_eq!(route.invalid_patterns().len(), 2, "{:?}", route.invalid_patterns());
    let start = std::time::Instant::now();
    let message = format!("{}b", "a".repeat(39_000));
    assert_eq!(routes.route(&event("app", &message), None).len(), 1);
    // Not a measurement: a backtracking engine would take longer than the universe has been there.
    assert!(start.elapsed() < Duration::from_secs(30));
}
