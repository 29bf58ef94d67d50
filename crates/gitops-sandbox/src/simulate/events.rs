//! The events that controllers write, folded as client-go's recorder folds them (`tools/record`): the same event
//! again counts up, many that differ in their message become one, and who tells too much is not heard.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::agenda::{Agenda, Task};
use super::ask;
use crate::server::Server;
use crate::store::Key;

/// How many events are remembered for folding (`maxLruCacheEntries`).
const REMEMBERED: usize = 4096;
/// After so many events that differ only in their message they become one (`defaultAggregateMaxEvents`).
const SIMILAR: usize = 10;
/// Within this time (`defaultAggregateIntervalInSeconds`).
const SIMILAR_WITHIN: i64 = 600;
/// How many events a controller may write of one object at once (`defaultSpamBurst`).
const BURST: f64 = 25.0;
/// And how many a second after that (`defaultSpamQPS`).
const REFILL: f64 = 1.0 / 300.0;
/// How long the API server keeps an event after its last write (`--event-ttl`).
const KEPT: Duration = Duration::from_secs(3600);

/// What happened to an object.
pub(super) struct Happened<'h> {
    /// The controller that tells.
    pub(super) by: &'static str,
    pub(super) api_version: &'h str,
    pub(super) kind: &'h str,
    pub(super) object: &'h Value,
    /// The part of the object (`spec.containers{app}`), or nothing.
    pub(super) part: &'h str,
    pub(super) is_warning: bool,
    pub(super) reason: &'h str,
    pub(super) message: &'h str,
}

/// What the recorder remembers.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Events that were written: where, and how often.
    written: HashMap<String, (Key, u64)>,
    /// In which order they were written.
    order: VecDeque<String>,
    /// The messages of similar events, and when the last of them came.
    similar: HashMap<String, (Vec<String>, Timestamp)>,
    /// How many events a controller may still write of an object, and since when.
    left: HashMap<String, (f64, Timestamp)>,
    /// What the last event is named after.
    last_name: i128,
}

/// What is to be done about an event.
enum Fold {
    Drop,
    /// Writes it new, with this message.
    New(String),
    /// Counts up the one that is there.
    Again(Key, u64, String),
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: what was is no longer.
    pub(super) fn clear(&self) {
        let mut known = self.lock();
        let last_name = known.last_name;
        *known = Known { last_name, ..Known::default() };
    }

    /// Writes an event.
    pub(super) async fn write(&self, server: &Arc<Server>, agenda: &Agenda, happened: Happened<'_>) {
        let now = server.clock.now();
        let source = of(&happened, false);
        let (fold, key) = self.lock().fold(&happened, &source, now);
        let stamp = server.clock.stamp();
        let namespace = text(happened.object, "namespace");
        let namespace = if namespace.is_empty() { "default" } else { namespace };
        let events = format!("/api/v1/namespaces/{namespace}/events");
        let stored = match fold {
            Fold::Drop => return,
            Fold::Again(event, count, message) => {
                let change = json!({"count": count, "lastTimestamp": stamp, "message": message});
                let name = event.path.rsplit('/').next().unwrap_or_default();
                let path = format!("{events}/{name}");
                let (code, _) =
                    ask(server, "PATCH", &path, "application/strategic-merge-patch+json", &change).await;
                // It may be gone: then it is told anew.
                if code == 404 {
                    self.create(server, &happened, namespace, &message, count).await
                } else {
                    Some(event)
                }
            }
            Fold::New(message) => self.create(server, &happened, namespace, &message, 1).await,
        };
        if let Some(event) = stored {
            agenda.add(now.saturating_add(KEPT).unwrap_or(now), Task::Expire(event.clone()));
            if let Some((at, _)) = self.lock().written.get_mut(&key) {
                *at = event;
            }
        }
    }

    async fn create(
        &self,
        server: &Arc<Server>,
        happened: &Happened<'_>,
        namespace: &str,
        message: &str,
        count: u64,
    ) -> Option<Key> {
        let stamp = server.clock.stamp();
        let object = happened.object;
        let mut involved = json!({
            "kind": happened.kind, "namespace": object["metadata"]["namespace"], "name": object["metadata"]["name"],
            "uid": object["metadata"]["uid"], "apiVersion": happened.api_version,
            "resourceVersion": object["metadata"]["resourceVersion"],
        });
        if !happened.part.is_empty() {
            involved["fieldPath"] = json!(happened.part);
        }
        let mut event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"namespace": namespace},
            "involvedObject": involved, "reason": happened.reason, "message": message,
            "source": {"component": happened.by}, "firstTimestamp": stamp, "lastTimestamp": stamp, "count": count,
            "type": if happened.is_warning { "Warning" } else { "Normal" }, "eventTime": null,
            "reportingComponent": happened.by, "reportingInstance": "",
        });
        let path = format!("/api/v1/namespaces/{namespace}/events");
        loop {
            let name = self.lock().name(text(object, "name"), server.clock.now());
            event["metadata"]["name"] = json!(name);
            match ask(server, "POST", &path, "application/json", &event).await.0 {
                201 => return Some(Key::new(&"events".into(), namespace, &name)),
                // Told at the same time on a clock that stands, before the state was restored.
                409 => {}
                // In a namespace that ends nothing can be told, as on a real server.
                _ => return None,
            }
        }
    }

    /// Deletes an event that nobody has written for as long as events are kept.
    pub(super) async fn expire(&self, server: &Arc<Server>, event: &Key) {
        let Some(stored) = server.store.get(event) else { return };
        let object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        let last: Option<Timestamp> = object["lastTimestamp"].as_str().and_then(|text| text.parse().ok());
        let oldest = server.clock.now().saturating_sub(KEPT).ok();
        if let (Some(last), Some(oldest)) = (last, oldest)
            && last.as_second() <= oldest.as_second()
            && let Some((_, path)) = super::path_of(server, event)
        {
            ask(server, "DELETE", &path, "application/json", &Value::Null).await;
        }
    }
}

impl Known {
    /// Returns a name that no other event has.
    fn name(&mut self, of: &str, now: Timestamp) -> String {
        self.last_name = now.as_nanosecond().max(self.last_name + 1);
        format!("{of}.{:x}", self.last_name)
    }

    fn fold(&mut self, happened: &Happened<'_>, source: &str, now: Timestamp) -> (Fold, String) {
        let (left, since) = self.left.entry(source.to_owned()).or_insert((BURST, now));
        let passed = now.duration_since(*since).as_secs_f64().max(0.0);
        (*left, *since) = ((*left + passed * REFILL).min(BURST), now);
        let may = *left >= 1.0;
        *left -= if may { 1.0 } else { 0.0 };
        let similar = of(happened, true);
        let mut key = format!("{similar}\n{}", happened.message);
        let mut message = happened.message.to_owned();
        let (messages, last) = self.similar.entry(similar.clone()).or_insert_with(|| (Vec::new(), now));
        if now.as_second() - last.as_second() > SIMILAR_WITHIN {
            messages.clear();
        }
        *last = now;
        if !messages.contains(&message) {
            messages.push(message.clone());
        }
        if messages.len() >= SIMILAR {
            messages.truncate(SIMILAR - 1);
            message = format!("(combined from similar events): {message}");
            key = similar;
        }
        let fold = if let Some((event, count)) = self.written.get_mut(&key) {
            *count += 1;
            Fold::Again(event.clone(), *count, message)
        } else {
            // Where it is stands here once it is written.
            let nowhere = Key::new(&"events".into(), text(happened.object, "namespace"), "unwritten");
            self.written.insert(key.clone(), (nowhere, 1));
            self.order.push_back(key.clone());
            Fold::New(message)
        };
        if self.order.len() > REMEMBERED {
            self.forget();
        }
        (if may { fold } else { Fold::Drop }, key)
    }

    /// Forgets the older half, and what belongs to it.
    fn forget(&mut self) {
        let older = self.order.len() / 2;
        for key in self.order.drain(..older) {
            self.written.remove(&key);
        }
        self.similar.clear();
        self.left.clear();
    }
}

fn text<'o>(object: &'o Value, name: &str) -> &'o str {
    object["metadata"][name].as_str().unwrap_or_default()
}

/// Returns who tells of which object; with the reason, what similar events have in common.
fn of(happened: &Happened<'_>, with_reason: bool) -> String {
    let object = happened.object;
    let kind = if happened.is_warning { "Warning" } else { "Normal" };
    let mut parts = vec![
        happened.by,
        happened.kind,
        text(object, "namespace"),
        text(object, "name"),
        text(object, "uid"),
        happened.api_version,
        kind,
    ];
    if with_reason {
        parts.extend([happened.part, happened.reason]);
    }
    parts.join("\n")
}
