//! The confined root: every file and directory a build touches is read here, and none lies outside the tree.

use bytes::Bytes;
use gitops_manifest::{EntryKind, FileTree};

use crate::error::BuildError;

/// The names of a kustomization file, in the order in which they are looked for.
pub(crate) const KUSTOMIZATION_FILES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a build may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most files that are read; 20,000.
    pub files: usize,
    /// The largest file in bytes; 16 MiB.
    pub file_bytes: usize,
    /// The most bytes that are read in all; 256 MiB.
    pub bytes: usize,
    /// The deepest nesting of kustomizations; 64.
    pub depth: usize,
    /// The most YAML nodes that a build holds, with those that anchors copy; 5,000,000.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 20_000, file_bytes: 16 << 20, bytes: 256 << 20, depth: 64, nodes: 5_000_000 }
    }
}

/// Which files a kustomization may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LoadRestrictions {
    /// Files in or below its own directory, as the kustomize command does.
    RootOnly,
    /// Any file of the tree, as Flux does.
    #[default]
    None,
}

/// The tree and what has been taken from it.
pub(crate) struct Root<'a> {
    tree: &'a dyn FileTree,
    mount: &'a str,
    restrictions: LoadRestrictions,
    pub(crate) limits: Limits,
    files: usize,
    bytes: usize,
}

/// One directory that is built, and those that led to it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The directory, relative to the tree, without slashes at its ends.
    pub(crate) dir: String,
    referrers: Vec<String>,
}

impl<'a> Root<'a> {
    pub(crate) fn new(
        tree: &'a dyn FileTree,
        mount: &'a str,
        restrictions: LoadRestrictions,
        limits: Limits,
    ) -> Self {
        Self { tree, mount, restrictions, limits, files: 0, bytes: 0 }
    }

    /// Returns a path as error texts show it.
    pub(crate) fn shown(&self, path: &str) -> String {
        let mount = self.mount.trim_end_matches('/');
        if path.is_empty() {
            if mount.is_empty() { "/".to_owned() } else { mount.to_owned() }
        } else {
            format!("{mount}/{path}")
        }
    }

    /// Opens the directory that the build starts from; steps out of the root stay at the root, as Flux takes them.
    pub(crate) fn open(&self, path: &str) -> Result<Place, BuildError> {
        if path.contains('\0') {
            return Err(BuildError::Refused(format!("path {path:?} holds a NUL")));
        }
        let dir = rooted(path);
        Ok(Place { dir, referrers: Vec::new() })
    }

    /// Returns the path that a file of the kustomization names.
    pub(crate) fn resolve(&self, place: &Place, path: &str, field: &str) -> Result<String, BuildError> {
        let from = self.shown(&place.dir);
        let refused = |why: &str| Err(BuildError::Refused(format!("{field} '{path}' in '{from}' {why}")));
        if path.contains('\0') {
            return refused("holds a NUL");
        }
        if is_remote(path) {
            return refused("is remote; remote resources are not fetched, copy them into the repository");
        }
        if path.starts_with('/') {
            return refused("is an absolute path, it must be relative");
        }
        let mut parts: Vec<&str> = place.dir.split('/').filter(|part| !part.is_empty()).collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        return refused("leads out of the root");
                    }
                }
                part => parts.push(part),
            }
        }
        Ok(parts.join("/"))
    }

    /// Reads a file that a kustomization names.
    pub(crate) fn load(&mut self, place: &Place, path: &str, field: &str) -> Result<Bytes, BuildError> {
        let full = self.resolve(place, path, field)?;
        if self.restrictions == LoadRestrictions::RootOnly {
            let (file, root) = (self.shown(&full), self.shown(&place.dir));
            match self.kind(&full)? {
                Some(EntryKind::Directory) => {
                    return Err(BuildError::Missing(format!("'{file}' must resolve to a file")));
                }
                _ if is_below(&full, &place.dir) => return self.read(&full),
                _ => {}
            }
            return Err(BuildError::Refused(format!("security; file '{file}' is not in or below '{root}'")));
        }
        self.read(&full)
    }

    /// Reads a file of the tree.
    pub(crate) fn read(&mut self, path: &str) -> Result<Bytes, BuildError> {
        self.files += 1;
        if self.files > self.limits.files {
            return Err(BuildError::Limit(format!("the build reads more than {} files", self.limits.files)));
        }
        let bytes = self.tree.read(path).map_err(|error| BuildError::tree(&error, &self.shown(path)))?;
        self.bytes += bytes.len();
        if bytes.len() > self.limits.file_bytes {
            let (shown, limit) = (self.shown(path), self.limits.file_bytes);
            return Err(BuildError::Limit(format!("read {shown}: the file is larger than {limit} bytes")));
        }
        if self.bytes > self.limits.bytes {
            return Err(BuildError::Limit(format!("the build reads more than {} bytes", self.limits.bytes)));
        }
        Ok(bytes)
    }

    pub(crate) fn kind(&self, path: &str) -> Result<Option<EntryKind>, BuildError> {
        match self.tree.kind(path) {
            Ok(kind) => Ok(kind),
            Err(error) if error.is_not_found() => Ok(None),
            Err(gitops_manifest::TreeError::NotADirectory { .. }) => Ok(None),
            Err(error) => Err(BuildError::tree(&error, &self.shown(path))),
        }
    }

    pub(crate) fn tree(&self) -> &'a dyn FileTree {
        self.tree
    }

    /// Opens a directory that a kustomization names.
    pub(crate) fn descend(&self, place: &Place, path: &str, field: &str) -> Result<Place, BuildError> {
        if path.is_empty() {
            return Err(BuildError::Invalid("new root cannot be empty".to_owned()));
        }
        if path.starts_with('/') {
            return Err(BuildError::Refused(format!("new root '{path}' cannot be absolute")));
        }
        let dir = self.resolve(place, path, field)?;
        match self.kind(&dir)? {
            Some(EntryKind::Directory) => {}
            Some(EntryKind::File) => {
                let shown = self.shown(&dir);
                return Err(BuildError::Missing(format!(
                    "must build at directory: '{shown}': file is not directory"
                )));
            }
            None => {
                let (shown, gone) = (self.shown(&dir), self.shown(&self.first_missing(&dir)?));
                return Err(BuildError::Missing(format!(
                    "must build at directory: not a valid directory: evalsymlink failure on '{shown}' : lstat {gone}: no such file or directory"
                )));
            }
        }
        for visited in place.referrers.iter().chain([&place.dir]).rev() {
            if is_below(visited, &dir) {
                return Err(BuildError::Cycle(format!(
                    "cycle detected: candidate root '{}' contains visited root '{}'",
                    self.shown(&dir),
                    self.shown(visited)
                )));
            }
        }
        let mut referrers = place.referrers.clone();
        referrers.push(place.dir.clone());
        if referrers.len() > self.limits.depth {
            let chain: Vec<String> = referrers.iter().map(|dir| self.shown(dir)).collect();
            return Err(BuildError::Limit(format!(
                "kustomizations nest deeper than {} levels: {}",
                self.limits.depth,
                chain.join(" -> ")
            )));
        }
        Ok(Place { dir, referrers })
    }

    /// Returns the first part of a path that does not exist.
    fn first_missing(&self, path: &str) -> Result<String, BuildError> {
        for (at, _) in path.match_indices('/') {
            if self.kind(&path[..at])?.is_none() {
                return Ok(path[..at].to_owned());
            }
        }
        Ok(path.to_owned())
    }

    /// Returns the name of the directory's kustomization file and what is in it.
    pub(crate) fn kustomization(
        &mut self,
        place: &Place,
    ) -> Result<Option<(&'static str, Bytes)>, BuildError> {
        let mut found = None;
        for name in KUSTOMIZATION_FILES {
            let path = join(&place.dir, name);
            if self.kind(&path)? == Some(EntryKind::File) {
                if found.is_some() {
                    let shown = self.shown(&place.dir);
                    return Err(BuildError::Invalid(format!(
                        "Found multiple kustomization files under: {shown}\n"
                    )));
                }
                found = Some(name);
            }
        }
        found.map(|name| Ok((name, self.read(&join(&place.dir, name))?))).transpose()
    }
}

/// Returns the directory of the tree that a path leads to; steps out of the root stay at the root.
pub(crate) fn rooted(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
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

/// Joins a directory of the tree and a name in it.
pub(crate) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Tells whether a path is the directory or below it.
fn is_below(path: &str, dir: &str) -> bool {
    dir.is_empty() || path == dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// Tells whether kustomize would fetch such a path from elsewhere.
pub(crate) fn is_remote(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let schemes =
        ["http://", "https://", "ssh://", "file://", "git::", "gh:", "git@", "github.com:", "github.com/"];
    if schemes.iter().any(|scheme| lower.starts_with(scheme)) || lower.contains("::") && lower.contains("//")
    {
        return true;
    }
    // `user@host:path` and anything that says how to check it out.
    let scp = path.split_once('@').is_some_and(|(user, rest)| !user.contains('/') && rest.contains(':'));
    scp || path.contains("?ref=")
        || path.contains("?version=")
        || path.contains(".git//")
        || path.contains("_git/")
}
