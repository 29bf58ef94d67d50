//! A tree in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::{Entry, EntryKind, FileTree, TreeError, path};

/// Files in memory, built by [`MemoryTree::insert`]. Directories exist by the files in them, or by
/// [`MemoryTree::insert_directory`].
///
/// ```
/// use gitops_manifest::{FileTree, MemoryTree};
///
/// let mut tree = MemoryTree::new();
/// tree.insert("apps/web.yaml", "kind: Namespace")?;
/// assert_eq!(tree.list("apps")?[0].name, "web.yaml");
/// # Ok::<(), gitops_manifest::TreeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTree {
    nodes: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    File { content: Bytes, executable: bool },
    Directory,
}

impl MemoryTree {
    /// Returns a tree without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file at a path, in place of a file that was there.
    ///
    /// # Errors
    /// [`TreeError::Path`] for a path that is not normal, [`TreeError::NotAFile`] when a directory is there,
    /// [`TreeError::NotADirectory`] when a part of the way is a file.
    pub fn insert(&mut self, path: impl Into<String>, content: impl Into<Bytes>) -> Result<(), TreeError> {
        self.put(path.into(), Node::File { content: content.into(), executable: false })
    }

    /// Puts an executable file at a path, in place of a file that was there.
    ///
    /// # Errors
    /// As [`MemoryTree::insert`].
    pub fn insert_executable(
        &mut self,
        path: impl Into<String>,
        content: impl Into<Bytes>,
    ) -> Result<(), TreeError> {
        self.put(path.into(), Node::File { content: content.into(), executable: true })
    }

    /// Makes a directory, which may stay empty.
    ///
    /// # Errors
    /// As [`MemoryTree::insert`].
    pub fn insert_directory(&mut self, path: impl Into<String>) -> Result<(), TreeError> {
        self.put(path.into(), Node::Directory)
    }

    /// Takes the file or the empty directory at a path away and returns whether one was there.
    pub fn remove(&mut self, path: &str) -> bool {
        if self.has_children(path) {
            return false;
        }
        self.nodes.remove(path).is_some()
    }

    /// Iterates over all files, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::File { content, .. } => Some((path.as_str(), content)),
            Node::Directory => None,
        })
    }

    /// Returns the number of files.
    pub fn len(&self) -> usize {
        self.files().count()
    }

    /// Returns whether the tree has no file.
    pub fn is_empty(&self) -> bool {
        self.files().next().is_none()
    }

    fn put(&mut self, path: String, node: Node) -> Result<(), TreeError> {
        path::check(&path)?;
        if path.is_empty() {
            return match node {
                Node::Directory => Ok(()),
                Node::File { .. } => Err(TreeError::NotAFile { path }),
            };
        }
        for (end, _) in path.match_indices('/') {
            if let Some(Node::File { .. }) = self.nodes.get(&path[..end]) {
                return Err(TreeError::NotADirectory { path: path[..end].to_owned() });
            }
        }
        match (&node, self.nodes.get(&path)) {
            (Node::Directory, Some(Node::File { .. })) => return Err(TreeError::NotADirectory { path }),
            (Node::File { .. }, Some(Node::Directory)) => return Err(TreeError::NotAFile { path }),
            (Node::File { .. }, None) if self.has_children(&path) => {
                return Err(TreeError::NotAFile { path });
            }
            _ => {}
        }
        self.nodes.insert(path, node);
        Ok(())
    }

    /// Iterates over everything below a directory with its path relative to it.
    fn below<'a>(&'a self, dir: &str) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let from = self.nodes.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        from.map_while(move |(path, node)| path.strip_prefix(prefix.as_str()).map(|rest| (rest, node)))
    }

    fn has_children(&self, dir: &str) -> bool {
        self.below(dir).next().is_some()
    }

    fn file(&self, path: &str) -> Result<(&Bytes, bool), TreeError> {
        path::check(path)?;
        match self.nodes.get(path) {
            Some(Node::File { content, executable }) => Ok((content, *executable)),
            Some(Node::Directory) => Err(TreeError::NotAFile { path: path.to_owned() }),
            None if path.is_empty() || self.has_children(path) => {
                Err(TreeError::NotAFile { path: path.to_owned() })
            }
            None => Err(TreeError::NotFound { path: path.to_owned() }),
        }
    }
}

impl FileTree for MemoryTree {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        self.file(path).map(|(content, _)| content.clone())
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        path::check(path)?;
        Ok(match self.nodes.get(path) {
            Some(Node::File { .. }) => Some(EntryKind::File),
            Some(Node::Directory) => Some(EntryKind::Directory),
            None if path.is_empty() || self.has_children(path) => Some(EntryKind::Directory),
            None => None,
        })
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        match self.kind(dir)? {
            None => return Err(TreeError::NotFound { path: dir.to_owned() }),
            Some(EntryKind::File) => return Err(TreeError::NotADirectory { path: dir.to_owned() }),
            Some(EntryKind::Directory) => {}
        }
        // Sorting paths is not sorting names: `a-b` stands between `a` and `a/c`.
        let mut entries = BTreeMap::new();
        for (rest, node) in self.below(dir) {
            match rest.split_once('/') {
                Some((name, _)) => entries.insert(name, EntryKind::Directory),
                None => entries.insert(
                    rest,
                    match node {
                        Node::File { .. } => EntryKind::File,
                        Node::Directory => EntryKind::Directory,
                    },
                ),
            };
        }
        Ok(entries.into_iter().map(|(name, kind)| Entry { name: name.to_owned(), kind }).collect())
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        self.file(path).map(|(_, executable)| executable)
    }
}
