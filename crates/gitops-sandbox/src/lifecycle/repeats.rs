//! Applies that changed nothing: asked again, they change nothing again.
//!
//! What an apply comes to follows from the object, the configuration, the options and the schema, and from
//! nothing else once the object is there. A controller that applies the same set again and again is answered
//! from what was found out the first time, as long as nobody has changed the object.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::call::Call;
use super::reply::Reply;
use crate::schema::Kind;
use crate::store::Key;
use crate::wire::query::WriteOptions;

/// Of how many applies is known that they change nothing.
const MOST: usize = 4096;
/// How large their configurations may be together.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The applies that are known to change nothing, the oldest forgotten first.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<Known>);

#[derive(Default)]
struct Known {
    applies: HashMap<Place, Apply>,
    order: VecDeque<Place>,
    bytes: usize,
}

/// Of applies by one manager to one object the last one is known, tried ones apart from real ones.
type Place = (Key, String, bool);

struct Apply {
    revision: u64,
    kind: Arc<Kind>,
    subresource: String,
    options: WriteOptions,
    body: Bytes,
    warnings: Vec<String>,
}

impl Repeats {
    /// Answers an apply of which is known that it changes nothing.
    pub(super) fn answer(&self, call: &mut Call<'_>, key: &Key, options: &WriteOptions) -> Option<Reply> {
        let place = (key.clone(), options.field_manager.clone(), options.dry_run);
        let (revision, warnings) = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let apply = known.applies.get(&place).filter(|apply| apply.is_asked(call, options))?;
            (apply.revision, apply.warnings.clone())
        };
        let stored = call.server.store.get(key).filter(|stored| stored.revision == revision)?;
        call.warn_all(&warnings);
        Some(Reply::Stored(200, stored))
    }

    /// Forgets everything: other objects may have the revisions of those that were there.
    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }

    /// Remembers that an apply changed nothing at this revision of the object.
    pub(super) fn remember(&self, call: &Call<'_>, key: Key, options: &WriteOptions, revision: u64) {
        let place = (key, options.field_manager.clone(), options.dry_run);
        let apply = Apply {
            revision,
            kind: Arc::clone(&call.kind),
            subresource: call.target.subresource.clone(),
            options: options.clone(),
            // The bytes of the request may be a part of something larger.
            body: Bytes::copy_from_slice(call.body),
            warnings: call.warnings.clone(),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.bytes += apply.body.len();
        match known.applies.insert(place.clone(), apply) {
            Some(before) => known.bytes -= before.body.len(),
            None => known.order.push_back(place),
        }
        while known.order.len() > MOST || known.bytes > MOST_BYTES {
            let Some(oldest) = known.order.pop_front() else { break };
            let forgotten = known.applies.remove(&oldest);
            known.bytes -= forgotten.map_or(0, |apply| apply.body.len());
        }
    }
}

impl Apply {
    fn is_asked(&self, call: &Call<'_>, options: &WriteOptions) -> bool {
        // A definition that changed made other kinds.
        Arc::ptr_eq(&self.kind, &call.kind)
            && self.subresource == call.target.subresource
            && self.options == *options
            && self.body == *call.body
    }
}
