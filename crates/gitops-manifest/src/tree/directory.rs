//! A tree in a folder on disk.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{Entry, EntryKind, FileTree, TreeError, path};

/// A folder on disk, confined: whatever links it holds, nothing outside of it is read.
///
/// Links inside the folder that stay inside it are followed; one that leads out is refused with
/// [`TreeError::Outside`] before anything is opened. File names that are not UTF-8 are left out of listings.
///
/// # Against a writer at the same time
/// A path is resolved to its real place, the place is checked, the file is opened, and then the open file is
/// compared (device and inode) with what the path leads to once it is resolved and checked a second time. A
/// writer who swaps a link in between the check and the opening is thus caught unless it also swaps it back
/// in time and to the very same file. A folder that strangers can write to while it is read should be copied
/// first.
#[derive(Clone, Debug)]
pub struct DirectoryTree {
    root: PathBuf,
    max_file_size: u64,
}

impl DirectoryTree {
    /// The largest file that is read unless [`DirectoryTree::max_file_size`] says otherwise: 64 MiB.
    pub const DEFAULT_MAX_FILE_SIZE: u64 = 64 << 20;

    /// Returns the tree of a folder.
    ///
    /// # Errors
    /// When the folder does not exist, cannot be read or is not a directory.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, TreeError> {
        let shown = || root.as_ref().display().to_string();
        let real = fs::canonicalize(&root).map_err(|source| from_io(&shown(), source))?;
        if !real.is_dir() {
            return Err(TreeError::NotADirectory { path: shown() });
        }
        Ok(Self { root: real, max_file_size: Self::DEFAULT_MAX_FILE_SIZE })
    }

    /// Returns the tree with another limit, in bytes, for the files it reads.
    #[must_use]
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.max_file_size = bytes;
        self
    }

    /// Returns the folder's real path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the real place of a path, which is inside the root.
    fn real(&self, path: &str) -> Result<PathBuf, TreeError> {
        path::check(path)?;
        let mut wanted = self.root.clone();
        wanted.extend(path.split('/').filter(|part| !part.is_empty()));
        match fs::canonicalize(&wanted) {
            Ok(real) if real.starts_with(&self.root) => Ok(real),
            Ok(_) => Err(TreeError::Outside { path: path.to_owned() }),
            Err(source) => Err(from_io(path, source)),
        }
    }

    fn open_file(&self, path: &str) -> Result<(File, fs::Metadata), TreeError> {
        let real = self.real(path)?;
        // Opening a FIFO would wait for its writer, so what is no file or directory is refused unopened.
        match kind_of(&fs::metadata(&real).map_err(|source| from_io(path, source))?) {
            Some(EntryKind::File) => {}
            Some(EntryKind::Directory) => return Err(TreeError::NotAFile { path: path.to_owned() }),
            None => return Err(TreeError::NotAFile { path: path.to_owned() }),
        }
        let file = File::open(&real).map_err(|source| from_io(path, source))?;
        let opened = file.metadata().map_err(|source| from_io(path, source))?;
        let again = fs::metadata(self.real(path)?).map_err(|source| from_io(path, source))?;
        if !same_file(&opened, &again) {
            return Err(TreeError::Outside { path: path.to_owned() });
        }
        if !opened.is_file() {
            return Err(TreeError::NotAFile { path: path.to_owned() });
        }
        Ok((file, opened))
    }
}

impl FileTree for DirectoryTree {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        let (file, metadata) = self.open_file(path)?;
        let limit = self.max_file_size;
        let too_large = || TreeError::TooLarge { path: path.to_owned(), limit };
        if metadata.len() > limit {
            return Err(too_large());
        }
        let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        // One byte more than allowed, so that a file that grows meanwhile is seen.
        let mut bounded = file.take(limit.saturating_add(1));
        bounded.read_to_end(&mut content).map_err(|source| from_io(path, source))?;
        if content.len() as u64 > limit {
            return Err(too_large());
        }
        Ok(content.into())
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        let real = match self.real(path) {
            Err(TreeError::NotFound { .. } | TreeError::NotADirectory { .. }) => return Ok(None),
            other => other?,
        };
        match fs::metadata(real) {
            Ok(metadata) => Ok(kind_of(&metadata)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(from_io(path, source)),
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        let real = self.real(dir)?;
        let metadata = fs::metadata(&real).map_err(|source| from_io(dir, source))?;
        if !metadata.is_dir() {
            return Err(TreeError::NotADirectory { path: dir.to_owned() });
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(&real).map_err(|source| from_io(dir, source))? {
            let entry = entry.map_err(|source| from_io(dir, source))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let file_type = entry.file_type().map_err(|source| from_io(dir, source))?;
            let kind = if file_type.is_symlink() {
                let path = if dir.is_empty() { name.clone() } else { format!("{dir}/{name}") };
                match self.kind(&path) {
                    Ok(kind) => kind,
                    Err(TreeError::Outside { .. } | TreeError::Io { .. }) => None,
                    Err(error) => return Err(error),
                }
            } else if file_type.is_file() {
                Some(EntryKind::File)
            } else if file_type.is_dir() {
                Some(EntryKind::Directory)
            } else {
                None
            };
            entries.extend(kind.map(|kind| Entry { name, kind }));
        }
        entries.sort_unstable();
        Ok(entries)
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        let (_, metadata) = self.open_file(path)?;
        Ok(executable(&metadata))
    }
}

fn kind_of(metadata: &fs::Metadata) -> Option<EntryKind> {
    if metadata.is_file() {
        Some(EntryKind::File)
    } else if metadata.is_dir() {
        Some(EntryKind::Directory)
    } else {
        None
    }
}

#[cfg(unix)]
fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Without inodes the second resolution of the path is all there is.
#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
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

fn from_io(path: &str, source: io::Error) -> TreeError {
    match source.kind() {
        io::ErrorKind::NotFound => TreeError::NotFound { path: path.to_owned() },
        io::ErrorKind::NotADirectory => TreeError::NotADirectory { path: path.to_owned() },
        _ => TreeError::io(path, source),
    }
}
