//! The sink remembers what is posted and answers as it is told.

use std::time::Duration;

use axum::http::StatusCode;
use gitops_testkit::{EventSink, TestkitError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn post(sink: &EventSink, body: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(sink.address()).await.unwrap();
    let request = format!(
        "POST /a?b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn events_are_remembered_and_waited_for() {
    let sink = EventSink::start().await.unwrap();
    let waiting = sink.wait_for(Duration::from_secs(20), |event| event.json()["reason"] == "Second");
    let posting = async {
        assert!(post(&sink, r#"{"reason": "First"}"#).await.starts_with("HTTP/1.1 202"));
        sink.answer_with(StatusCode::SERVICE_UNAVAILABLE);
        assert!(post(&sink, r#"{"reason": "Second"}"#).await.starts_with("HTTP/1.1 503"));
    };
    let (second, ()) = tokio::join!(waiting, posting);
    assert_eq!(second.unwrap().uri, "/a?b");
    assert_eq!(sink.received().len(), 2);
    sink.clear();
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn an_event_that_does_not_come_is_an_error_that_names_the_others() {
    let sink = EventSink::start().await.unwrap();
    post(&sink, r#"{"reason": "First"}"#).await;
    let error = sink.wait_for(Duration::from_millis(1), |_| false).await.unwrap_err();
    assert!(matches!(&error, TestkitError::Timeout { what, .. } if what.contains("First")), "{error}");
}
