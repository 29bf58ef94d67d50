//! A server that notes what it is asked and answers from a list.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use gitops_cloud::{Http, HttpOptions};

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body's form, in its order.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What is answered. The last one is repeated.
#[derive(Clone)]
pub(crate) enum Answer {
    Text(u16, String),
    Redirect(String),
    Never,
}

impl Answer {
    pub(crate) fn ok(body: impl ToString) -> Self {
        Self::Text(200, body.to_string())
    }
}

pub(crate) struct Server {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let notes = asked.clone();
        let handle = move |request: Request| {
            let (notes, answers) = (notes.clone(), answers.clone());
            async move {
                let asked = read(request).await;
                notes.lock().unwrap().push(asked);
                let answer = {
                    let mut answers = answers.lock().unwrap();
                    if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
                };
                respond(answer).await
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handle)).await });
        Self { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn read(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Asked {
        line: format!("{} {}", parts.method, parts.uri),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn respond(answer: Answer) -> Response {
    let builder = Response::builder();
    match answer {
        Answer::Text(status, body) => builder.status(status).body(Body::from(body)).unwrap(),
        Answer::Redirect(to) => builder.status(307).header("location", to).body(Body::empty()).unwrap(),
        Answer::Never => std::future::pending().await,
    }
}

/// A client that does not wait long.
pub(crate) fn http() -> Http {
    let mut options = HttpOptions::default();
    options.delay = Duration::ZERO;
    Http::new(options).unwrap()
}
