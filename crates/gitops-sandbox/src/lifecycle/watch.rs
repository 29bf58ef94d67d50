//! Watches: what happens to objects, as it happens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

use super::call::Call;
use super::present;
use super::reply::{Reply, partial};
use super::selectors::Selection;
use crate::schema::Kind;
use crate::server::{Server, to_bytes};
use crate::signal::Listener;
use crate::store::{Change, Event, Stored};
use crate::tables;
use crate::wire::media::View;
use crate::wire::status::{Answer, Cause, Refusal};

/// How long a watch lives that does not say: at least half an hour, and up to twice that.
const SHORTEST: u64 = 1800;

pub(super) fn watch(call: &mut Call<'_>) -> Answer<Reply> {
    let mut options = call.list_options();
    options.watch = true;
    options.check()?;
    let kind = Arc::clone(&call.kind);
    let mut fields = options.field_selector.clone();
    // The old form of a watch on one object names it in the path.
    if !call.target.name.is_empty() {
        let separator = if fields.is_empty() { "" } else { "," };
        fields = format!("{fields}{separator}metadata.name={}", call.target.name);
    }
    let selection = Selection::read(&kind, &options.label_selector, &fields)?;
    let asked = match options.revision.as_str() {
        "" | "0" => 0,
        text => text.parse().map_err(|_| {
            let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
            Refusal::unknown(Cause::invalid("resourceVersion", &json!(text), &why).text())
        })?,
    };
    let include = tables::Include::read(call.query.get("includeObject"))?;
    let server = Arc::clone(call.server);
    let mut watcher = Watcher {
        news: server.store.subscribe_to(&kind.resource),
        drops: server.powers.watch_drops(),
        view: View::Whole,
        include,
        namespace: call.target.namespace.clone(),
        selection,
        ready: VecDeque::new(),
        cursor: asked,
        bookmarks: options.bookmarks,
        ended: false,
        has_header: false,
        kind,
        server,
    };
    watcher.view = call.media.view;
    watcher.start(asked, options.send_initial_events)?;
    let seconds = options.timeout.filter(|seconds| *seconds > 0);
    let seconds = seconds.unwrap_or_else(|| SHORTEST + call.server.random(SHORTEST));
    Ok(Reply::Watch(Box::pin(watcher.run(Duration::from_secs(seconds)))))
}

struct Watcher {
    server: Arc<Server>,
    kind: Arc<Kind>,
    namespace: String,
    selection: Selection,
    view: View,
    include: tables::Include,
    news: Listener,
    /// Changes when all watches shall end.
    drops: Listener,
    ready: VecDeque<Bytes>,
    /// The revision up to which everything was sent.
    cursor: u64,
    bookmarks: bool,
    ended: bool,
    has_header: bool,
}

/// What may wake a watcher.
enum Woken {
    News,
    Bookmark,
    End,
}

impl Watcher {
    /// Prepares the first events.
    fn start(&mut self, asked: u64, send_initial: Option<bool>) -> Answer<()> {
        let store = &self.server.store;
        // Without a revision a watch starts with what is there.
        let from_now = match send_initial {
            Some(send) => send,
            None => asked == 0,
        };
        if !from_now {
            self.cursor = if asked == 0 { store.revision() } else { asked };
            let since = self.kind.custom.as_ref().map_or(0, |custom| custom.since);
            if asked > 0 && asked < since {
                self.too_old(asked);
            }
            return Ok(());
        }
        let page = store
            .list(&self.kind.resource, &self.namespace, None, None, 0)
            .map_err(|_| Refusal::expired("the list is gone"))?;
        for stored in page.items {
            let object = present::load(&self.kind, &stored);
            if self.selection.is_empty() || self.selection.fits(&object) {
                let bytes = self.frame("ADDED", object);
                self.ready.push_back(bytes);
            }
        }
        self.cursor = page.revision.max(asked.min(page.revision));
        if send_initial == Some(true) && self.bookmarks {
            let bookmark = self.bookmark(true);
            self.ready.push_back(bookmark);
        }
        Ok(())
    }

    fn too_old(&mut self, asked: u64) {
        let current = self.server.store.revision();
        let refusal = Refusal::expired(format!("too old resource version: {asked} ({current})"));
        self.ready.push_back(frame_bytes("ERROR", &to_bytes(&refusal.to_value())));
        self.ended = true;
    }

    fn run(self, lifetime: Duration) -> impl futures::Stream<Item = Bytes> + Send {
        let clock = self.server.clock.clone();
        let deadline = Box::pin(async move { clock.sleep(lifetime).await });
        stream::unfold((self, deadline), |(mut watcher, mut deadline)| async move {
            loop {
                if let Some(bytes) = watcher.take_ready() {
                    return Some((bytes, (watcher, deadline)));
                }
                if watcher.ended {
                    return None;
                }
                watcher.read();
                if !watcher.ready.is_empty() || watcher.ended {
                    continue;
                }
                let every = watcher.server.settings.bookmark_every;
                let clock = watcher.server.clock.clone();
                let woken = tokio::select! {
                    // In this order, so that a run can be repeated.
                    biased;
                    _ = watcher.drops.changed() => Woken::End,
                    () = &mut deadline => Woken::End,
                    news = watcher.news.changed() => if news { Woken::News } else { Woken::End },
                    () = clock.sleep(every), if watcher.bookmarks => Woken::Bookmark,
                };
                match woken {
                    Woken::News => watcher.server.powers.take_turn().await,
                    Woken::Bookmark => {
                        // What happened to other kinds has moved the revision on.
                        watcher.read();
                        if !watcher.ended {
                            let bookmark = watcher.bookmark(false);
                            watcher.ready.push_back(bookmark);
                        }
                    }
                    Woken::End => watcher.ended = true,
                }
            }
        })
    }

    /// Returns everything that is ready, as one piece.
    fn take_ready(&mut self) -> Option<Bytes> {
        match self.ready.len() {
            0 => None,
            1 => self.ready.pop_front(),
            _ => {
                let size = self.ready.iter().map(Bytes::len).sum();
                let mut all = Vec::with_capacity(size);
                self.ready.drain(..).for_each(|bytes| all.extend_from_slice(&bytes));
                Some(all.into())
            }
        }
    }

    /// Takes up what happened since the last time.
    fn read(&mut self) {
        self.news.see();
        let (resource, namespace) = (&self.kind.resource, &self.namespace);
        let wanted = |key: &crate::store::Key| {
            key.resource == *resource
                && (namespace.is_empty()
                    || key.path.strip_prefix(namespace.as_str()).is_some_and(|rest| rest.starts_with('/')))
        };
        match self.server.store.events_after(self.cursor, wanted) {
            Ok((events, upto)) => {
                for event in events {
                    self.take(&event);
                }
                self.cursor = upto;
            }
            Err(_) => self.too_old(self.cursor),
        }
    }

    fn take(&mut self, event: &Event) {
        let fast =
            self.selection.is_empty() && self.view == View::Whole && present::is_stored_form(&self.kind);
        if fast {
            let (name, stored): (_, &Arc<Stored>) = match (&event.change, &event.before) {
                (Change::Delete(stored), _) => ("DELETED", stored),
                (Change::Put(stored), None) => ("ADDED", stored),
                (Change::Put(stored), Some(_)) => ("MODIFIED", stored),
            };
            self.ready.push_back(event.frame(name, &self.kind.version, || {
                let mut bytes = Vec::with_capacity(stored.bytes.len() + 64);
                present::typed_bytes(&self.kind, stored, &mut bytes);
                frame_bytes(name, &bytes)
            }));
            return;
        }
        let load = |stored: &Stored| present::loaded(&self.server.store, &self.kind, stored);
        let fits = |object: &Value| self.selection.is_empty() || self.selection.fits(object);
        let before = event.before.as_ref().map(|stored| load(stored)).filter(|known| fits(&known.object));
        let (name, now) = match &event.change {
            Change::Delete(stored) if before.is_some() => ("DELETED", load(stored)),
            Change::Delete(_) => return,
            Change::Put(stored) => {
                let now = load(stored);
                match (before, fits(&now.object)) {
                    (None, true) => ("ADDED", now),
                    (Some(_), true) => ("MODIFIED", now),
                    // It no longer fits: to this watcher the object as it knew it is gone.
                    (Some(known), false) => {
                        let mut known = known.object.clone();
                        known["metadata"]["resourceVersion"] = json!(event.revision.to_string());
                        let bytes = self.frame("DELETED", known);
                        return self.ready.push_back(bytes);
                    }
                    (None, false) => return,
                }
            }
        };
        let bytes = if self.view == View::Whole {
            event.frame(name, &self.kind.version, || frame_bytes(name, &to_bytes(&now.object)))
        } else {
            self.frame(name, now.object.clone())
        };
        self.ready.push_back(bytes);
    }

    fn frame(&mut self, name: &str, object: Value) -> Bytes {
        let view = match self.view {
            View::Whole | View::PartialMetadataList => object,
            View::PartialMetadata => partial(&object),
            View::Table => {
                let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                let header = !std::mem::replace(&mut self.has_header, true);
                tables::table(&self.server, &self.kind, &[object], metadata, self.include, header)
            }
        };
        frame_bytes(name, &to_bytes(&view))
    }

    fn bookmark(&mut self, is_initial_end: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": self.cursor.to_string()});
        if is_initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let mut object = match self.kind.go() {
            Some(of) if self.view == View::Whole => crate::schema::decode::zero(of),
            _ => json!({}),
        };
        object["kind"] = json!(self.kind.kind);
        object["apiVersion"] = json!(self.kind.api_version());
        object["metadata"] = metadata;
        self.frame("BOOKMARK", object)
    }
}

fn frame_bytes(name: &str, object: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(object.len() + 32);
    bytes.extend_from_slice(b"{\"type\":\"");
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b"\",\"object\":");
    bytes.extend_from_slice(object);
    bytes.extend_from_slice(b"}\n");
    bytes.into()
}
