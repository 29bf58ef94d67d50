//! Read-only files of a folder, an archive or a Git tree.

mod directory;
mod memory;
mod path;

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;

pub use self::directory::DirectoryTree;
pub use self::memory::MemoryTree;
pub use self::path::{join, normalise};

/// Files that can be listed and read, and never changed.
///
/// Paths are relative to the tree's root, parted by `/`, without `.`, `..`, empty parts, a leading `/` or
/// NUL; `""` is the root. Every implementation refuses other paths with [`TreeError::Path`], and none
/// answers with anything that lies outside its root. [`normalise`] and [`join`] turn what people write into
/// such paths.
pub trait FileTree: Send + Sync {
    /// Returns the content of a file.
    ///
    /// # Errors
    /// [`TreeError::NotFound`] when nothing is there, [`TreeError::NotAFile`] for a directory,
    /// [`TreeError::Path`] for a path that is not normal, [`TreeError::Outside`] for a link that leads out,
    /// [`TreeError::Io`] when reading fails.
    fn read(&self, path: &str) -> Result<Bytes, TreeError>;

    /// Returns what is at a path, `None` when nothing is.
    ///
    /// # Errors
    /// As [`FileTree::read`], but for [`TreeError::NotFound`].
    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError>;

    /// Returns a directory's entries, sorted by the bytes of their names.
    ///
    /// Links that lead out of the tree or nowhere, sockets and devices are left out.
    ///
    /// # Errors
    /// As [`FileTree::read`], with [`TreeError::NotADirectory`] for a file.
    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError>;

    /// Returns whether a file has its executable bit set.
    ///
    /// # Errors
    /// As [`FileTree::read`].
    fn is_executable(&self, path: &str) -> Result<bool, TreeError>;
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    /// The name, without the directory.
    pub name: String,
    /// What the name leads to.
    pub kind: EntryKind,
}

/// Why a tree did not answer. Each names the path as it was asked for.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// Nothing is at the path.
    #[error("{path}: no such file or directory")]
    NotFound {
        /// The path that was asked for.
        path: String,
    },
    /// A file was asked for, and a directory is there.
    #[error("{path}: is a directory, not a file")]
    NotAFile {
        /// The path that was asked for.
        path: String,
    },
    /// A directory was asked for, and a file is there.
    #[error("{path}: is a file, not a directory")]
    NotADirectory {
        /// The path that was asked for.
        path: String,
    },
    /// The path is not a normal path inside the tree.
    #[error("{path:?}: {reason}")]
    Path {
        /// The path that was asked for.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A link at the path, or on the way to it, leads out of the tree.
    #[error("{path}: a link leads out of the root")]
    Outside {
        /// The path that was asked for.
        path: String,
    },
    /// The file is larger than the tree hands out.
    #[error("{path}: is larger than {limit} bytes")]
    TooLarge {
        /// The path that was asked for.
        path: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The store under the tree failed.
    #[error("{path}: cannot be read")]
    Io {
        /// The path that was asked for.
        path: String,
        /// What the store said.
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl TreeError {
    /// Returns the error of a store that failed while it read a path.
    pub fn io(path: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Io { path: path.into(), source: Arc::from(source.into()) }
    }

    /// Returns the path as it was asked for.
    pub fn path(&self) -> &str {
        match self {
            Self::NotFound { path }
            | Self::NotAFile { path }
            | Self::NotADirectory { path }
            | Self::Path { path, .. }
            | Self::Outside { path }
            | Self::TooLarge { path, .. }
            | Self::Io { path, .. } => path,
        }
    }

    /// Returns whether nothing is at the path.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// A reference to a tree is a tree.
impl<T: FileTree + ?Sized> FileTree for &T {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        (**self).read(path)
    }
    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        (**self).kind(path)
    }
    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        (**self).list(dir)
    }
    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        (**self).is_executable(path)
    }
}

/// A shared tree is a tree.
impl<T: FileTree + ?Sized> FileTree for Arc<T> {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        (**self).read(path)
    }
    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        (**self).kind(path)
    }
    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        (**self).list(dir)
    }
    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        (**self).is_executable(path)
    }
}
