//! Tags in memory, for tests and for programs that run once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::store::{RepositoryKey, TagStore, Written};
use super::tag_set::TagSet;
use crate::error::ImageError;

/// Tags in memory.
#[derive(Debug, Default)]
pub struct MemoryTagStore {
    tags: Mutex<BTreeMap<RepositoryKey, TagSet>>,
}

impl MemoryTagStore {
    /// Returns a store that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No call leaves the map half changed, so it can be used whatever happened to another thread.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RepositoryKey, TagSet>> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TagStore for MemoryTagStore {
    fn read(&self, key: &RepositoryKey) -> Result<Option<TagSet>, ImageError> {
        Ok(self.lock().get(key).cloned())
    }

    fn write(&self, key: &RepositoryKey, tags: &TagSet) -> Result<Written, ImageError> {
        let mut stored = self.lock();
        if stored.get(key) == Some(tags) {
            return Ok(Written::Unchanged);
        }
        stored.insert(key.clone(), tags.clone());
        Ok(Written::Changed)
    }

    fn remove(&self, key: &RepositoryKey) -> Result<bool, ImageError> {
        Ok(self.lock().remove(key).is_some())
    }
}
