//! What the endpoint of events answers.

use bytes::Bytes;
use futures::FutureExt as _;
use gitops_notify::{DispatchOptions, EventEndpoint, EventOptions};
use http_body_util::{BodyExt as _, Full};
use tower::ServiceExt as _;

use crate::setup::{dispatcher, event, is_delivered, nowhere, scripted};

async fn post(endpoint: &EventEndpoint, body: impl Into<Bytes>) -> (u16, String) {
    let request = http::Request::post("/any/path").body(Full::new(body.into())).unwrap();
    let answer: http::Response<Full<Bytes>> = endpoint.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn answers_as_flux() {
    let options = scripted(DispatchOptions::default(), |_| async { Ok(()) }.boxed());
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    let endpoint = EventEndpoint::new(dispatcher, EventOptions::default());
    let body = |message: &str| gitops_notify::encode_event(&event("app", message));
    assert_eq!(post(&endpoint, body("m")).await, (202, String::new()));
    assert_eq!(post(&endpoint, body("m")).await, (429, "Too Many Requests\n".to_owned()));
    assert_eq!(post(&endpoint, body("other")).await, (202, String::new()));
    assert_eq!(post(&endpoint, "{}").await, (202, String::new()), "nobody asked for it");
    assert_eq!(post(&endpoint, "{").await, (400, String::new()));
    assert_eq!(post(&endpoint, vec![b'x'; (3 << 20) + 1]).await, (413, String::new()));
    let receipts = receipts.wait(2).await;
    assert!(receipts.iter().all(is_delivered));
    assert_eq!(receipts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_taken_is_asked_for_again() {
    let options = scripted(DispatchOptions::default().queue(1, 1 << 20), |_| std::future::pending().boxed());
    let providers = (0..16).map(|number| nowhere(&format!("chat-{number}"))).collect();
    let (dispatcher, _, receipts) = dispatcher(providers, options);
    let endpoint = EventEndpoint::new(dispatcher, EventOptions::default());
    let body = |message: &str| gitops_notify::encode_event(&event("app", message));
    assert_eq!(post(&endpoint, body("first")).await.0, 202);
    assert_eq!(post(&endpoint, body("second")).await.0, 503);
    receipts.wait(16).await;
    assert_eq!(post(&endpoint, body("second")).await.0, 202);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_in_is_not_waited_for() {
    let (dispatcher, ..) = dispatcher(vec![], DispatchOptions::default());
    let endpoint = EventEndpoint::new(dispatcher, EventOptions::default());
    let start = tokio::time::Instant::now();
    let drops = futures::stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Some((Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(b" "))), ()))
    });
    let request = http::Request::post("/").body(http_body_util::StreamBody::new(Box::pin(drops))).unwrap();
    let answer: http::Response<Full<Bytes>> = endpoint.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(start.elapsed().as_secs(), 30);
}
