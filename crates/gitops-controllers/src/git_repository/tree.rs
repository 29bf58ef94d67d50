//! Trees over trees: only some folders of one, and others put into it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gitops_manifest::{Entry, EntryKind, FileTree, TreeError};

/// A tree of which only the listed folders are seen; files beside them are not, as in Flux.
pub(super) struct Sparse<'a> {
    tree: &'a dyn FileTree,
    folders: Vec<String>,
}

impl<'a> Sparse<'a> {
    /// Takes the folders as the specification lists them, a leading `./` or a trailing `/` allowed. A folder that does
    /// not exist is returned as the error.
    pub(super) fn new(tree: &'a dyn FileTree, folders: &[String]) -> Result<Self, String> {
        let folders: Vec<String> = folders.iter().map(|f| normal(f)).collect();
        for folder in &folders {
            if !matches!(tree.kind(folder), Ok(Some(_))) {
                return Err(folder.clone());
            }
        }
        Ok(Self { tree, folders })
    }

    fn inside(&self, path: &str) -> bool {
        self.folders.iter().any(|f| {
            f.is_empty() || path == f || path.strip_prefix(f.as_str()).is_some_and(|r| r.starts_with('/'))
        })
    }

    fn leads_to(&self, path: &str) -> bool {
        path.is_empty()
            || self.folders.iter().any(|f| f.strip_prefix(path).is_some_and(|r| r.starts_with('/')))
    }
}

impl FileTree for Sparse<'_> {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        if self.inside(path) {
            self.tree.read(path)
        } else {
            Err(TreeError::NotFound { path: path.to_owned() })
        }
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        if self.inside(path) || self.leads_to(path) { self.tree.kind(path) } else { Ok(None) }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let mut entries = self.tree.list(path)?;
        entries.retain(|e| {
            let child = join(path, &e.name);
            self.inside(&child) || self.leads_to(&child)
        });
        Ok(entries)
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        self.tree.is_executable(path)
    }
}

/// A tree with others in it, each at its own path; what was at that path before is hidden.
pub(super) struct Grafted<'a> {
    trunk: &'a dyn FileTree,
    branches: BTreeMap<String, Arc<dyn FileTree>>,
}

impl<'a> Grafted<'a> {
    pub(super) fn new(trunk: &'a dyn FileTree) -> Self {
        Self { trunk, branches: BTreeMap::new() }
    }

    /// Puts a tree at a path.
    pub(super) fn graft(&mut self, path: &str, tree: Arc<dyn FileTree>) {
        self.branches.insert(normal(path), tree);
    }

    /// Returns the tree that has a path, and the path in it.
    fn find<'p>(&self, path: &'p str) -> (&dyn FileTree, &'p str) {
        for (at, tree) in &self.branches {
            if path == at {
                return (tree.as_ref(), "");
            }
            if let Some(rest) = path.strip_prefix(at.as_str()).and_then(|r| r.strip_prefix('/')) {
                return (tree.as_ref(), rest);
            }
        }
        (self.trunk, path)
    }

    /// The names in a folder that exist because a branch hangs below it.
    fn forks(&self, path: &str) -> Vec<Entry> {
        let below = |at: &String| {
            let rest =
                if path.is_empty() { Some(at.as_str()) } else { at.strip_prefix(path)?.strip_prefix('/') };
            rest.and_then(|r| r.split('/').next()).map(str::to_owned)
        };
        self.branches
            .keys()
            .filter_map(below)
            .map(|name| Entry { name, kind: EntryKind::Directory })
            .collect()
    }
}

impl FileTree for Grafted<'_> {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        let (tree, rest) = self.find(path);
        tree.read(rest)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        if !self.forks(path).is_empty() {
            return Ok(Some(EntryKind::Directory));
        }
        let (tree, rest) = self.find(path);
        tree.kind(rest)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let forks = self.forks(path);
        let (tree, rest) = self.find(path);
        let known = match tree.list(rest) {
            Err(TreeError::NotFound { .. }) if !forks.is_empty() => Vec::new(),
            other => other?,
        };
        let mut entries: BTreeMap<String, Entry> = known.into_iter().map(|e| (e.name.clone(), e)).collect();
        entries.extend(forks.into_iter().map(|e| (e.name.clone(), e)));
        Ok(entries.into_values().collect())
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        let (tree, rest) = self.find(path);
        tree.is_executable(rest)
    }
}

/// A folder of a tree, as a tree of its own.
pub(super) struct Below {
    tree: Arc<dyn FileTree>,
    folder: String,
}

impl Below {
    pub(super) fn new(tree: Arc<dyn FileTree>, folder: &str) -> Self {
        Self { tree, folder: normal(folder) }
    }
}

impl FileTree for Below {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        self.tree.read(&join(&self.folder, path))
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        self.tree.kind(&join(&self.folder, path))
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        self.tree.list(&join(&self.folder, path))
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        self.tree.is_executable(&join(&self.folder, path))
    }
}

fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}

/// Returns a path without `.` parts; `..` goes up, but never above the root.
pub(crate) fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitops_manifest::MemoryTree;

    fn tree(files: &[&str]) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for file in files {
            tree.insert(*file, Bytes::from((*file).to_owned())).unwrap();
        }
        tree
    }

    fn walk(tree: &dyn FileTree, at: &str, into: &mut Vec<String>) {
        for entry in tree.list(at).unwrap() {
            let path = join(at, &entry.name);
            match entry.kind {
                EntryKind::Directory => walk(tree, &path, into),
                _ => into.push(path),
            }
        }
    }

    fn files(tree: &dyn FileTree) -> Vec<String> {
        let mut found = Vec::new();
        walk(tree, "", &mut found);
        found
    }

    #[test]
    fn sparse_shows_the_folders_and_nothing_beside_them() {
        let all = tree(&["a/deep/y", "a/x", "ab/z", "c/w", "root"]);
        let sparse = Sparse::new(&all, &["./a".into(), "c/".into()]).map_err(|_| ()).unwrap();
        assert_eq!(files(&sparse), ["a/deep/y", "a/x", "c/w"]);
        assert!(sparse.read("root").is_err());
        assert_eq!(Sparse::new(&all, &["nope".into()]).err(), Some("nope".to_owned()));
    }

    #[test]
    fn grafts_hide_what_was_there_and_make_their_folders() {
        let (trunk, lib) = (tree(&["a", "vendored/conf/old"]), tree(&["conf/x", "other"]));
        let mut grafted = Grafted::new(&trunk);
        grafted.graft("vendored/conf", Arc::new(Below::new(Arc::new(lib), "conf")));
        assert_eq!(files(&grafted), ["a", "vendored/conf/x"]);
        assert_eq!(grafted.read("vendored/conf/x").unwrap(), Bytes::from("conf/x"));
    }

    #[test]
    fn paths_never_lead_above_the_root() {
        for (path, want) in [("./a/", "a"), ("../../a", "a"), ("a/../b", "b"), ("/", "")] {
            assert_eq!(normal(path), want);
        }
    }
}
