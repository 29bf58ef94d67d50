//! Objects in the store, and where they are.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use serde_json::Value;

/// The kind of an object as it is stored: group and plural (`deployments.apps`).
pub(crate) type Resource = Arc<str>;

/// Where an object is: its resource, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) resource: Resource,
    /// `namespace/name`, or the name alone.
    pub(crate) path: Arc<str>,
}

impl Key {
    pub(crate) fn new(resource: &Resource, namespace: &str, name: &str) -> Self {
        let path = if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() };
        Self { resource: Arc::clone(resource), path }
    }
}

/// An object as it is stored.
pub(crate) struct Stored {
    /// Its JSON, with `metadata.resourceVersion`.
    pub(crate) bytes: Bytes,
    pub(crate) revision: u64,
    /// Whether it is as it was created: nobody has written it since.
    pub(crate) is_new: bool,
    /// Whether it was written in another shape than it is read in: who writes it again changes it.
    is_reshaped: AtomicBool,
    /// Its read form, as long as somebody keeps it.
    loaded: Mutex<Weak<Loaded>>,
}

/// An object as it was read for requests in one version of its kind.
pub(crate) struct Loaded {
    pub(crate) object: Value,
    /// For whom it was read: the same bytes read for another version are another object.
    pub(crate) reader: Arc<dyn Any + Send + Sync>,
    /// How large the object is as it is stored.
    pub(crate) size: usize,
}

impl Stored {
    pub(crate) fn new(bytes: Bytes, revision: u64, is_new: bool) -> Self {
        Self { bytes, revision, is_new, is_reshaped: AtomicBool::new(false), loaded: Mutex::new(Weak::new()) }
    }

    pub(crate) fn is_reshaped(&self) -> bool {
        self.is_reshaped.load(Ordering::Relaxed)
    }

    /// Notes that it was written in another shape than it is read in.
    pub(crate) fn set_reshaped(&self) {
        self.is_reshaped.store(true, Ordering::Relaxed);
    }

    /// Returns what was read for this reader, if it is still there.
    pub(crate) fn loaded<R>(&self, reader: &Arc<R>) -> Option<Arc<Loaded>> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).upgrade()?;
        let is_it = Arc::as_ptr(&loaded.reader).cast::<()>() == Arc::as_ptr(reader).cast::<()>();
        is_it.then_some(loaded)
    }

    /// Remembers the read form as long as somebody keeps it.
    pub(crate) fn remember(&self, loaded: &Arc<Loaded>) {
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(loaded);
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").field("revision", &self.revision).finish_non_exhaustive()
    }
}
