//! The controllers that a cluster has: garbage collection, the end of namespaces, roles made of others, and
//! workloads that become ready though nothing runs.
//!
//! They follow the store as any watcher does, and write through the same door as clients: every rule holds
//! for them too.

mod agenda;
mod events;
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

use crate::schema::Kind;
use crate::server::{Door, Server};
use crate::signal::Listener;
use crate::store::{Event, Key};

pub(crate) use script::Script;
pub use script::{Scripted, Workloads};
pub use workloads::Workload;

/// Starts the controllers; they end with the server.
pub(crate) fn spawn(server: &Arc<Server>, usual: Workload, nodes: usize) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return tracing::warn!("outside of a tokio runtime the sandbox has no controllers");
    };
    let controllers = Controllers {
        cursor: 0,
        garbage: garbage::Collector::default(),
        workloads: workloads::Workloads::new(usual, nodes),
    };
    runtime.spawn(run(
        Arc::downgrade(server),
        server.store.subscribe(),
        server.script.subscribe(),
        controllers,
    ));
}

/// All controllers, which do one thing after the other: in the order that stands here, or as a schedule draws it.
struct Controllers {
    /// The revision up to which they know everything.
    cursor: u64,
    garbage: garbage::Collector,
    workloads: workloads::Workloads,
}

#[derive(Clone, Copy)]
enum Turn {
    Namespaces,
    Garbage,
    Roles,
    Workloads,
}

async fn run(server: Weak<Server>, mut news: Listener, mut said: Listener, mut controllers: Controllers) {
    loop {
        let (clock, next) = {
            let Some(server) = server.upgrade() else { return };
            server.powers.take_turn().await;
            let revision = news.see();
            let events = controllers.read(&server, revision).await;
            if said.has_news() {
                said.see();
                controllers.workloads.check_all(&server);
            }
            controllers.act(&server, &events).await;
            (server.clock.clone(), controllers.workloads.next())
        };
        let later = async {
            match next {
                Some(time) => clock.reach(time).await,
                None => std::future::pending().await,
            }
        };
        let goes_on = tokio::select! {
            biased;
            goes_on = news.changed() => goes_on,
            goes_on = said.changed() => goes_on,
            () = later => true,
        };
        if !goes_on {
            return;
        }
    }
}

impl Controllers {
    /// Takes up what has happened.
    async fn read(&mut self, server: &Arc<Server>, revision: u64) -> Vec<Arc<Event>> {
        let Ok((events, upto)) = server.store.events_after(self.cursor, |_| true) else {
            // The history was shorter than what happened: begin anew.
            self.cursor = revision;
            self.garbage = garbage::Collector::default();
            let (_, objects) = server.store.dump();
            for (key, bytes) in &objects {
                self.garbage.learn(key, bytes);
            }
            self.garbage.check_all(server).await;
            namespaces::check_all(server).await;
            roles::check_all(server).await;
            self.workloads.begin_anew(server);
            return Vec::new();
        };
        self.cursor = upto;
        for event in &events {
            self.garbage.follow(event);
        }
        self.workloads.follow(server, &events);
        events
    }

    /// Does what is due.
    async fn act(&mut self, server: &Arc<Server>, events: &[Arc<Event>]) {
        let mut turns = vec![Turn::Workloads, Turn::Roles, Turn::Garbage, Turn::Namespaces];
        while !turns.is_empty() {
            let last = turns.len() - 1;
            match turns.swap_remove(last - server.powers.draw(turns.len())) {
                Turn::Namespaces => namespaces::follow(server, events).await,
                Turn::Garbage => self.garbage.collect(server).await,
                Turn::Roles => roles::follow(server, events).await,
                Turn::Workloads => self.workloads.work(server).await,
            }
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
    server.powers.take_turn().await;
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
