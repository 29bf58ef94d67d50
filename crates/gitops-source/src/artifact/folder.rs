//! A folder on disk as archives see it: files and directories, and no link is followed.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use gitops_manifest::{Entry, EntryKind, FileTree, TreeError};

/// The tree of a folder without its symlinks, devices, pipes and sockets: Flux drops them from artifacts.
///
/// [`DirectoryTree`](gitops_manifest::DirectoryTree) differs: it follows the links that stay inside. File names that are
/// not UTF-8 are left out.
#[derive(Debug, Clone)]
pub struct LinklessFolder {
    root: PathBuf,
}

impl LinklessFolder {
    /// Returns the tree of a folder.
    ///
    /// # Errors
    /// When nothing is there or it is no directory.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, TreeError> {
        let shown = || root.as_ref().display().to_string();
        let real = fs::canonicalize(&root).map_err(|e| fault(&shown(), e))?;
        if !real.is_dir() {
            return Err(TreeError::NotADirectory { path: shown() });
        }
        Ok(Self { root: real })
    }

    /// Returns where a path is on disk and what is there, if no link is on the way.
    fn place(&self, path: &str) -> Result<Option<(PathBuf, EntryKind)>, TreeError> {
        let mut place = self.root.clone();
        let mut kind = EntryKind::Directory;
        for part in path.split('/') {
            if path.is_empty() {
                break;
            }
            if matches!(part, "" | "." | "..") || part.contains('\0') {
                return Err(TreeError::Path { path: path.to_owned(), reason: "the path is not normal" });
            }
            if kind != EntryKind::Directory {
                return Ok(None);
            }
            place.push(part);
            kind = match fs::symlink_metadata(&place) {
                Ok(metadata) if metadata.is_file() => EntryKind::File,
                Ok(metadata) if metadata.is_dir() => EntryKind::Directory,
                Ok(_) => return Ok(None),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(fault(path, e)),
            };
        }
        Ok(Some((place, kind)))
    }

    fn file(&self, path: &str) -> Result<fs::File, TreeError> {
        match self.place(path)? {
            None => Err(TreeError::NotFound { path: path.to_owned() }),
            Some((_, EntryKind::Directory)) => Err(TreeError::NotAFile { path: path.to_owned() }),
            Some((place, EntryKind::File)) => open_unlinked(&place).map_err(|e| fault(path, e)),
        }
    }
}

impl FileTree for LinklessFolder {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        let mut content = Vec::new();
        self.file(path)?.read_to_end(&mut content).map_err(|e| fault(path, e))?;
        Ok(content.into())
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        Ok(self.place(path)?.map(|(_, kind)| kind))
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        let place = match self.place(dir)? {
            None => return Err(TreeError::NotFound { path: dir.to_owned() }),
            Some((_, EntryKind::File)) => return Err(TreeError::NotADirectory { path: dir.to_owned() }),
            Some((place, EntryKind::Directory)) => place,
        };
        let mut entries = Vec::new();
        for entry in fs::read_dir(place).map_err(|e| fault(dir, e))? {
            let entry = entry.map_err(|e| fault(dir, e))?;
            let file_type = entry.file_type().map_err(|e| fault(dir, e))?;
            let kind = match (file_type.is_file(), file_type.is_dir()) {
                (true, _) => EntryKind::File,
                (_, true) => EntryKind::Directory,
                _ => continue,
            };
            entries.extend(entry.file_name().into_string().ok().map(|name| Entry { name, kind }));
        }
        entries.sort_unstable();
        Ok(entries)
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        let metadata = self.file(path)?.metadata().map_err(|e| fault(path, e))?;
        Ok(executable(&metadata))
    }
}

/// Opens a file and makes sure that what was opened is what stands there and no link to elsewhere.
#[cfg(unix)]
pub(super) fn open_unlinked(place: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::MetadataExt as _;
    let before = fs::symlink_metadata(place)?;
    // Opening a pipe would wait for its writer.
    if !before.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = fs::File::open(place)?;
    let opened = file.metadata()?;
    if (opened.dev(), opened.ino()) != (before.dev(), before.ino()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(file)
}

/// Without inodes the check before opening is all there is.
#[cfg(not(unix))]
pub(super) fn open_unlinked(place: &Path) -> io::Result<fs::File> {
    if !fs::symlink_metadata(place)?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    fs::File::open(place)
}

#[cfg(unix)]
fn executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

/// Without permission bits no file is executable.
#[cfg(not(unix))]
fn executable(_: &fs::Metadata) -> bool {
    false
}

fn fault(path: &str, source: io::Error) -> TreeError {
    match source.kind() {
        io::ErrorKind::NotFound => TreeError::NotFound { path: path.to_owned() },
        _ => TreeError::io(path, source),
    }
}
