//! What happened to an object.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{Key, Stored};

/// One write.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) key: Key,
    /// What was there before.
    pub(crate) before: Option<Arc<Stored>>,
    pub(crate) change: Change,
    /// What watchers of whole objects are sent: made once for all that ask for one version of the kind.
    frames: Mutex<Vec<(&'static str, String, Bytes)>>,
}

/// What a write left.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put(Arc<Stored>),
    /// The last state, with the revision of the removal.
    Delete(Arc<Stored>),
}

impl Event {
    pub(super) fn new(revision: u64, key: Key, before: Option<Arc<Stored>>, change: Change) -> Self {
        Self { revision, key, before, change, frames: Mutex::default() }
    }

    /// Returns what watchers are sent of what happened under a name (`ADDED`), in a version.
    pub(crate) fn frame(&self, name: &'static str, version: &str, make: impl FnOnce() -> Bytes) -> Bytes {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., bytes)) =
            frames.iter().find(|(of, in_version, _)| *of == name && in_version == version)
        {
            return bytes.clone();
        }
        let bytes = make();
        frames.push((name, version.to_owned(), bytes.clone()));
        bytes
    }
}
