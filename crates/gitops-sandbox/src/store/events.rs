//! What happened to an object.

use std::sync::Arc;

use super::{Key, Stored};

/// One write.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) key: Key,
    /// What was there before.
    pub(crate) before: Option<Arc<Stored>>,
    pub(crate) change: Change,
}

/// What a write left.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put(Arc<Stored>),
    /// The last state, with the revision of the removal.
    Delete(Arc<Stored>),
}
