//! A registry of images with as much of its protocol as a scan needs: whether it is one, and which tags a repository has.
//!
//! The tests of the SDK ask a real one; this one is here so that the quickstart needs nothing but Rust and Git.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::failure::Failure;

type Repositories = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// A running registry.
#[derive(Debug)]
pub(crate) struct Registry {
    host: String,
    repositories: Repositories,
}

impl Registry {
    /// Starts a registry without images on a free port.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let host = listener.local_addr()?.to_string();
        let repositories = Repositories::default();
        let app = Router::new().fallback(answer).with_state(repositories.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { host, repositories })
    }

    /// Returns host and port, as they stand in the name of an image.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Adds a tag to a repository.
    pub(crate) fn push(&self, repository: &str, tag: &str) {
        let mut repositories = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        repositories.entry(repository.to_owned()).or_default().push(tag.to_owned());
    }
}

/// Answers `GET /v2/` and `GET /v2/<repository>/tags/list`.
async fn answer(State(repositories): State<Repositories>, uri: Uri) -> (StatusCode, Json<Value>) {
    if uri.path() == "/v2/" {
        return (StatusCode::OK, Json(json!({})));
    }
    let repository = uri.path().strip_prefix("/v2/").and_then(|path| path.strip_suffix("/tags/list"));
    let repositories = repositories.lock().unwrap_or_else(PoisonError::into_inner);
    match repository.and_then(|name| Some((name, repositories.get(name)?))) {
        Some((name, tags)) => (StatusCode::OK, Json(json!({"name": name, "tags": tags}))),
        None => {
            let error = json!({"code": "NAME_UNKNOWN", "message": "repository name not known to registry"});
            (StatusCode::NOT_FOUND, Json(json!({"errors": [error]})))
        }
    }
}
