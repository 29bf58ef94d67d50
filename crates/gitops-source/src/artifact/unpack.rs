//! An archive's bytes → a tree in memory, whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use gitops_manifest::{Entry, EntryKind, FileTree, MemoryTree, TreeError};

use super::fault::ArchiveFault;
use super::gzip::Unzipped;
use super::limits::Limits;
use super::name::normal;
use super::pack::{DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE};
use super::tar_reader::{Kind, TarReader};
use crate::SourceError;

/// What happens to a symlink in an archive. No policy creates one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// The archive is refused.
    #[default]
    Refuse,
    /// The link is left out, as Flux's consumers do; [`Unpacked::skipped_links`] names it.
    Skip,
}

/// The content of an artifact.
#[derive(Debug, Clone, Default)]
pub struct Unpacked {
    tree: MemoryTree,
    skipped_links: Vec<String>,
}

/// Unpacks a tar.gz into memory.
///
/// Nothing is handed out before the whole archive was read and found good: one gzip member with nothing behind it, only
/// files and directories, normal relative paths, none of them twice, all within the limits.
///
/// # Errors
/// The first fault of the archive.
pub fn unpack(archive: impl Read, limits: &Limits, links: Links) -> Result<Unpacked, SourceError> {
    let mut tar = TarReader::new(Unzipped::gzip(archive, limits.ratio)?, limits);
    let mut unpacked = Unpacked::default();
    let mut seen = BTreeSet::new();
    while let Some(entry) = tar.next()? {
        let path = normal(&entry.name, limits)?;
        let duplicate = || ArchiveFault::Duplicate { name: entry.name.clone() };
        if !seen.insert(path.clone()) {
            return Err(duplicate().into());
        }
        match entry.kind {
            Kind::Directory => unpacked.tree.insert_directory(path).map_err(|_| duplicate())?,
            Kind::File if path.is_empty() => return Err(ArchiveFault::Name { name: entry.name }.into()),
            Kind::File => {
                // The header may lie about the size: memory grows with what is really there.
                let mut content = Vec::new();
                tar.content(&mut content, |source| ArchiveFault::Read { source }.into())?;
                let content = Bytes::from(content);
                let inserted = if entry.mode & 0o111 == 0 {
                    unpacked.tree.insert(path, content)
                } else {
                    unpacked.tree.insert_executable(path, content)
                };
                inserted.map_err(|_| duplicate())?;
            }
            Kind::Symlink if links == Links::Skip => unpacked.skipped_links.push(path),
            Kind::Symlink => return Err(ArchiveFault::Symlink { name: entry.name }.into()),
            Kind::Other(_) => return Err(entry.unsupported().into()),
        }
    }
    Ok(unpacked)
}

impl Unpacked {
    /// Returns the tree.
    #[must_use]
    pub fn tree(&self) -> &MemoryTree {
        &self.tree
    }

    /// Turns into the tree.
    #[must_use]
    pub fn into_tree(self) -> MemoryTree {
        self.tree
    }

    /// Returns the paths of the symlinks that were left out.
    #[must_use]
    pub fn skipped_links(&self) -> &[String] {
        &self.skipped_links
    }

    /// Writes all files into a directory that does not exist yet or is empty.
    ///
    /// The files are written into a new directory beside it, which only this user can enter, and that is renamed: other
    /// processes see all of it or nothing, and cannot put a link into its way. The file system is not synced.
    ///
    /// # Errors
    /// When the target is anything but an empty directory, or writing fails; nothing remains then.
    pub fn write_to(&self, dir: &Path) -> Result<(), SourceError> {
        let failed =
            |stage| move |source| SourceError::Storage { stage, path: dir.display().to_string(), source };
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(failed("creation of the directory above"))?;
        // `tempfile` makes directories for their owner only.
        let staged = tempfile::Builder::new()
            .prefix(".unpack-")
            .tempdir_in(parent)
            .map_err(failed("creation of a temporary directory in front of"))?;
        self.write_below(staged.path(), "").map_err(failed("write of files for"))?;
        set_mode(staged.path(), DIRECTORY_MODE).map_err(failed("change of mode of"))?;
        // Renaming a directory replaces an empty directory and nothing else.
        fs::rename(staged.path(), dir).map_err(failed("rename to"))?;
        let _moved = staged.keep();
        Ok(())
    }

    fn write_below(&self, target: &Path, dir: &str) -> std::io::Result<()> {
        let other = std::io::Error::other;
        for entry in self.tree.list(dir).map_err(other)? {
            let path = if dir.is_empty() { entry.name.clone() } else { format!("{dir}/{}", entry.name) };
            let place = target.join(&entry.name);
            match entry.kind {
                EntryKind::Directory => {
                    fs::create_dir(&place)?;
                    set_mode(&place, DIRECTORY_MODE)?;
                    self.write_below(&place, &path)?;
                }
                EntryKind::File => {
                    fs::write(&place, self.tree.read(&path).map_err(other)?)?;
                    let executable = self.tree.is_executable(&path).map_err(other)?;
                    set_mode(&place, if executable { EXECUTABLE_MODE } else { FILE_MODE })?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
pub(super) fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Without permission bits there is nothing to set.
#[cfg(not(unix))]
pub(super) fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}

/// What was unpacked is a tree.
impl FileTree for Unpacked {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        self.tree.read(path)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        self.tree.kind(path)
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        self.tree.list(dir)
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        self.tree.is_executable(path)
    }
}
