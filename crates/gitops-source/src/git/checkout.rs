//! The files of one commit, read straight from the object store; nothing is written out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gitops_manifest::{Entry, EntryKind, FileTree, TreeError};
use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::tree::EntryKind as Mode;
use gix::objs::{Find as _, FindHeader as _, Kind, TreeRefIter};

use super::commit::CommitInfo;
use super::generation::Generation;
use crate::error::Cause;

/// How many entries of folders are kept in memory; a repository of a hundred thousand files has about as many.
const REMEMBERED_ENTRIES: usize = 200_000;

/// A commit and its files.
///
/// Files are read when they are asked for, from the packs. Symbolic links and submodules are left out, as they
/// are from Flux's artifacts. The objects stay on disk until the last checkout of their store is dropped.
pub struct Checkout {
    // Before the generation: files are closed before their folder is removed.
    handles: Mutex<Vec<gix::odb::Handle>>,
    folders: Mutex<Folders>,
    commit: CommitInfo,
    file_limit: u64,
    _generation: Arc<Generation>,
}

#[derive(Default)]
struct Folders {
    known: HashMap<ObjectId, Arc<[Item]>>,
    entries: usize,
}

/// One name in a folder.
struct Item {
    name: String,
    mode: Mode,
    id: ObjectId,
}

impl Checkout {
    pub(super) fn open(generation: &Arc<Generation>, id: &ObjectId, file_limit: u64) -> Result<Self, Cause> {
        let objects = generation.objects()?;
        let commit = CommitInfo::read(&objects, id)?;
        let checkout = Self {
            handles: Mutex::new(vec![objects]),
            folders: Mutex::default(),
            commit,
            file_limit,
            _generation: Arc::clone(generation),
        };
        checkout.folder("", checkout.commit.tree())?;
        Ok(checkout)
    }

    /// Returns what the commit says about itself.
    pub fn commit(&self) -> &CommitInfo {
        &self.commit
    }

    /// Returns the hash of what is at a path, the whole tree for `""`, none when nothing is there.
    ///
    /// Equal hashes mean equal content, so that work on a sub-path can stop where nothing in it changed.
    ///
    /// # Errors
    /// As [`FileTree::read`], but for [`TreeError::NotFound`].
    pub fn content_id(&self, path: &str) -> Result<Option<String>, TreeError> {
        Ok(self.find(path)?.map(|(_, id)| id.to_string()))
    }

    /// Returns the commit that a submodule's entry names, none for anything else.
    pub(super) fn submodule(&self, path: &str) -> Result<Option<ObjectId>, TreeError> {
        Ok(self.entry(path)?.filter(|(mode, _)| *mode == Mode::Commit).map(|(_, id)| id))
    }

    /// Returns what is at a path. Links and submodules count as nothing.
    fn find(&self, path: &str) -> Result<Option<(Mode, ObjectId)>, TreeError> {
        Ok(self.entry(path)?.filter(|(mode, _)| !matches!(mode, Mode::Link | Mode::Commit)))
    }

    fn entry(&self, path: &str) -> Result<Option<(Mode, ObjectId)>, TreeError> {
        check_path(path)?;
        let (mut mode, mut id) = (Mode::Tree, self.commit.tree());
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if mode != Mode::Tree {
                return Ok(None);
            }
            let folder = self.folder(path, id)?;
            let Ok(at) = folder.binary_search_by(|item| item.name.as_str().cmp(name)) else {
                return Ok(None);
            };
            (mode, id) = (folder[at].mode, folder[at].id);
        }
        Ok(Some((mode, id)))
    }

    fn file(&self, path: &str) -> Result<(Mode, ObjectId), TreeError> {
        match self.find(path)? {
            None => Err(TreeError::NotFound { path: path.to_owned() }),
            Some((Mode::Tree, _)) => Err(TreeError::NotAFile { path: path.to_owned() }),
            Some(found) => Ok(found),
        }
    }

    /// Returns a folder's entries, sorted by the bytes of their names.
    fn folder(&self, path: &str, id: ObjectId) -> Result<Arc<[Item]>, TreeError> {
        if let Some(known) = self.folders().known.get(&id) {
            return Ok(Arc::clone(known));
        }
        let items: Arc<[Item]> = self.with_object(path, id, Kind::Tree, |data| items(path, data))??.into();
        let mut folders = self.folders();
        if folders.entries + items.len() > REMEMBERED_ENTRIES {
            *folders = Folders::default();
        }
        folders.entries += items.len();
        folders.known.insert(id, Arc::clone(&items));
        Ok(items)
    }

    fn folders(&self) -> std::sync::MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_object<T>(
        &self,
        path: &str,
        id: ObjectId,
        kind: Kind,
        use_it: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, TreeError> {
        let lost = || TreeError::io(path, format!("object {id} is missing from the store or is no {kind}"));
        let handle = self.take_handle();
        let mut buffer = Vec::new();
        let outcome = match handle.try_find(&id, &mut buffer) {
            Ok(Some(object)) if object.kind == kind => Ok(use_it(object.data)),
            Ok(_) => Err(lost()),
            Err(e) => Err(TreeError::io(path, e.to_string())),
        };
        self.give_handle(handle);
        outcome
    }

    fn take_handle(&self) -> gix::odb::Handle {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        match handles.len() {
            0 | 1 => handles[0].clone(),
            _ => handles.swap_remove(1),
        }
    }

    fn give_handle(&self, handle: gix::odb::Handle) {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }
}

impl FileTree for Checkout {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        let (_, id) = self.file(path)?;
        let handle = self.take_handle();
        let header = handle.try_header(&id);
        self.give_handle(handle);
        match header {
            Ok(Some(header)) if header.size > self.file_limit => {
                Err(TreeError::TooLarge { path: path.to_owned(), limit: self.file_limit })
            }
            _ => self.with_object(path, id, Kind::Blob, Bytes::copy_from_slice),
        }
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        Ok(self.find(path)?.map(|(mode, _)| entry_kind(mode)))
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        match self.find(dir)? {
            None => Err(TreeError::NotFound { path: dir.to_owned() }),
            Some((Mode::Tree, id)) => Ok(self
                .folder(dir, id)?
                .iter()
                .filter(|item| !matches!(item.mode, Mode::Link | Mode::Commit))
                .map(|item| Entry { name: item.name.clone(), kind: entry_kind(item.mode) })
                .collect()),
            Some(_) => Err(TreeError::NotADirectory { path: dir.to_owned() }),
        }
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        Ok(self.file(path)?.0 == Mode::BlobExecutable)
    }
}

impl std::fmt::Debug for Checkout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkout").field("commit", &self.commit.id()).finish_non_exhaustive()
    }
}

fn entry_kind(mode: Mode) -> EntryKind {
    if mode == Mode::Tree { EntryKind::Directory } else { EntryKind::File }
}

fn check_path(path: &str) -> Result<(), TreeError> {
    let refuse = |reason| Err(TreeError::Path { path: path.to_owned(), reason });
    if path.is_empty() {
        return Ok(());
    }
    if path.contains('\0') {
        return refuse("holds a NUL");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse("is not a normal relative path");
    }
    Ok(())
}

/// Returns the entries of a tree object. Names that Git itself refuses to write are refused here too, and so are
/// those that are not text: no manifest could name them, and leaving them out silently would lose files.
fn items(path: &str, data: &[u8]) -> Result<Vec<Item>, TreeError> {
    let mut items = Vec::new();
    for entry in TreeRefIter::from_bytes(data, gix::hash::Kind::Sha1) {
        let entry = entry.map_err(|e| TreeError::io(path, e.to_string()))?;
        let refuse =
            |what| TreeError::io(path, format!("the name {:?} in this folder {what}", entry.filename));
        let name = entry.filename.to_str().map_err(|_| refuse("is not UTF-8"))?;
        if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) || name.eq_ignore_ascii_case(".git")
        {
            return Err(refuse("is not one that Git allows"));
        }
        items.push(Item { name: name.to_owned(), mode: entry.mode.kind(), id: entry.oid.to_owned() });
    }
    items.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    if items.windows(2).any(|pair| pair[0].name == pair[1].name) {
        return Err(TreeError::io(path, "this folder holds a name twice"));
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], want: Result<&[&str], &str>) {
        let mut data = Vec::new();
        for name in names {
            data.extend_from_slice(format!("100644 {name}\0").as_bytes());
            data.extend_from_slice(&[7; 20]);
        }
        let got =
            items("dir", &data).map(|items| items.into_iter().map(|item| item.name).collect::<Vec<_>>());
        match (got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want),
            (Err(error), Err(want)) => {
                let source = std::error::Error::source(&error).unwrap().to_string();
                assert!(source.contains(want), "{source}");
            }
            (got, want) => panic!("{names:?}: got {got:?}, want {want:?}"),
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        check(&["b", "a.yaml", "a"], Ok(&["a", "a.yaml", "b"]));
        check(&[".."], Err("is not one that Git allows"));
        check(&["."], Err("is not one that Git allows"));
        check(&["a/b"], Err("is not one that Git allows"));
        check(&[".GIT"], Err("is not one that Git allows"));
        check(&["a", "a"], Err("holds a name twice"));
    }

    #[test]
    fn paths_that_are_not_normal_are_refused() {
        for path in ["/a", "a/", "a//b", "./a", "a/../b", "..", "a\0"] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
        assert!(check_path("a/b.yaml").is_ok());
        assert!(check_path("").is_ok());
    }
}
