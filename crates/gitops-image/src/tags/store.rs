//! Where the tags of repositories are kept between scans.

use std::fmt;

use super::tag_set::TagSet;
use crate::error::ImageError;

/// Whose tags they are: an ImageRepository by its namespace and name.
///
/// # Difference from Flux
/// Flux's default database keeps tags by the name of the image, so two ImageRepositories of one image with different
/// exclusion lists overwrite each other's tags.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryKey {
    namespace: String,
    name: String,
}

impl RepositoryKey {
    /// Returns the key of a namespace and a name.
    ///
    /// # Errors
    /// [`ImageError::StoreName`] when one of them cannot be the name of a directory.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Result<Self, ImageError> {
        let key = Self { namespace: namespace.into(), name: name.into() };
        for (what, text) in [("namespace", &key.namespace), ("name", &key.name)] {
            let is_name = !text.is_empty()
                && text.len() <= 253
                && !text.starts_with('.')
                && !text.contains(['/', '\\', '\0']);
            if !is_name {
                return Err(ImageError::StoreName { what, text: text.clone() });
            }
        }
        Ok(key)
    }

    /// Returns the namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for RepositoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The tags are stored.
    Changed,
    /// The very same tags were stored already, and nothing was written.
    Unchanged,
}

/// Keeps the tags of repositories.
///
/// Implementations are shared between threads. What one call wrote is what every later call reads, whatever happens
/// to the process in between; a write that fails leaves what was there. The suite `tags::conformance` (feature
/// `conformance`) tells whether an implementation keeps this.
pub trait TagStore: Send + Sync {
    /// Returns a repository's tags, or none when none are stored or what is stored is damaged: then they must be
    /// scanned again.
    ///
    /// # Errors
    /// [`ImageError::Store`] when the store does not answer.
    fn read(&self, key: &RepositoryKey) -> Result<Option<TagSet>, ImageError>;

    /// Stores a repository's tags in place of those that are stored, unless they are the same.
    ///
    /// # Errors
    /// [`ImageError::Store`] when the store does not take them.
    fn write(&self, key: &RepositoryKey, tags: &TagSet) -> Result<Written, ImageError>;

    /// Removes a repository's tags and tells whether there were any.
    ///
    /// # Errors
    /// [`ImageError::Store`] when the store does not do it.
    fn remove(&self, key: &RepositoryKey) -> Result<bool, ImageError>;
}

/// A shared store is a store.
impl<S: TagStore + ?Sized> TagStore for std::sync::Arc<S> {
    fn read(&self, key: &RepositoryKey) -> Result<Option<TagSet>, ImageError> {
        (**self).read(key)
    }
    fn write(&self, key: &RepositoryKey, tags: &TagSet) -> Result<Written, ImageError> {
        (**self).write(key, tags)
    }
    fn remove(&self, key: &RepositoryKey) -> Result<bool, ImageError> {
        (**self).remove(key)
    }
}
