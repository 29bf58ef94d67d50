//! The controllers that a cluster has: garbage collection, the end of namespaces, roles made of others, and
//! workloads that become ready though nothing runs.
//!
//! They follow the store as any watcher does, and write through the same door as clients: every rule holds
//! for them too.

mod garbage;
mod namespaces;
mod roles;
mod script;
mod workloads;

use std::sync::{Arc, Weak};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::schema::Kind;
use crate::server::{Door, Server};
use crate::store::{Event, Key};

pub(crate) use script::Script;
pub use script::{Scripted, Workloads};
pub use workloads::Workload;
use workloads::Workloads as Controllers;

/// Starts the controllers; they end with the server.
pub(crate) fn spawn(server: &Arc<Server>, usual: Workload) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return tracing::warn!("outside of a tokio runtime the sandbox has no controllers");
    };
    runtime.spawn(run(Arc::downgrade(server), server.store.subscribe(), server.script.subscribe(), usual));
}

async fn run(
    server: Weak<Server>,
    mut news: watch::Receiver<u64>,
    mut said: watch::Receiver<u64>,
    usual: Workload,
) {
    let mut cursor = 0;
    let mut garbage = garbage::Collector::default();
    let (later, mut again) = mpsc::unbounded_channel();
    let mut workloads = Controllers::new(usual, later);
    loop {
        {
            let Some(server) = server.upgrade() else { return };
            let revision = *news.borrow_and_update();
            let events = match server.store.events_after(cursor, |_| true) {
                Ok((events, upto)) => {
                    cursor = upto;
                    events
                }
                // The history was shorter than what happened: begin anew.
                Err(_) => {
                    cursor = revision;
                    garbage = garbage::Collector::default();
                    let (_, objects) = server.store.dump();
                    for (key, bytes) in &objects {
                        garbage.learn(key, bytes);
                    }
                    garbage.check_all(&server).await;
                    namespaces::check_all(&server).await;
                    roles::check_all(&server).await;
                    workloads.forget();
                    workloads.check_all(&server);
                    Vec::new()
                }
            };
            for event in &events {
                garbage.follow(event);
                workloads.follow(event);
            }
            namespaces::follow(&server, &events).await;
            garbage.collect(&server).await;
            roles::follow(&server, &events).await;
            if said.has_changed().is_ok_and(|changed| changed) {
                said.mark_unchanged();
                workloads.check_all(&server);
            }
            workloads.work(&server).await;
        }
        let goes_on = tokio::select! {
            changed = news.changed() => changed.is_ok(),
            changed = said.changed() => {
                said.mark_changed();
                changed.is_ok()
            }
            key = again.recv() => {
                // The controllers hold a sender themselves, so there is always a next one.
                key.into_iter().for_each(|key| workloads.again(key));
                true
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// Returns the path of an object.
fn path_of(server: &Server, key: &Key) -> Option<(Arc<Kind>, String)> {
    let kind = server.kinds.stored().into_iter().find(|kind| kind.resource == key.resource)?;
    let base =
        if kind.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}", kind.api_version()) };
    let path = match key.path.split_once('/') {
        Some((namespace, name)) if kind.namespaced => {
            format!("{base}/namespaces/{namespace}/{}/{name}", kind.plural)
        }
        _ => format!("{base}/{}/{}", kind.plural, key.path),
    };
    Some((kind, path))
}

/// Asks the server as a controller does; gives the status and the body.
async fn ask(server: &Arc<Server>, method: &str, path: &str, content: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, content)
        .header(http::header::USER_AGENT, "kube-controller-manager/sandbox")
        .body(());
    let Ok(request) = request else { return (400, Value::Null) };
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(crate::server::to_bytes(body)) };
    let response = server.respond(&request.into_parts().0, &bytes, Door::Inside);
    let status = response.status().as_u16();
    let body =
        response.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Returns what an event left, if anything.
fn current(event: &Event) -> Option<Value> {
    match &event.change {
        crate::store::Change::Put(stored) => serde_json::from_slice(&stored.bytes).ok(),
        crate::store::Change::Delete(_) => None,
    }
}
