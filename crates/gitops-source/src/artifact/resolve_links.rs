//! A directory with symlinks → a copy without: every link is followed and its target copied.
//!
//! Archives leave links out. A tree whose files are links (Nix makes such) is copied with this first.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::fault::ArchiveFault;
use super::unpack::set_mode;
use crate::SourceError;

/// Where links may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement<'a> {
    /// Anywhere the process can read. For trusted trees only.
    None,
    /// Only into this directory, in which the source must lie too.
    Root(&'a Path),
}

/// Copies a directory into an existing directory and follows every symlink.
///
/// A directory that is being copied is not entered again, so cycles end. Devices, pipes and sockets are left out. A link
/// is resolved before it is read: a process that exchanges links meanwhile can lead the copy elsewhere, so a confined
/// copy is no defence against one that writes to the tree at the same time.
///
/// # Errors
/// When source or destination is no directory, a link leads nowhere or out of the root, or reading or writing fails; what
/// was copied before stays.
pub fn resolve_links(
    source: &Path,
    destination: &Path,
    confinement: Confinement<'_>,
) -> Result<(), SourceError> {
    let real_source = real(source)?;
    let root = match confinement {
        Confinement::None => None,
        Confinement::Root(root) => Some(real(root)?),
    };
    if root.as_ref().is_some_and(|root| !real_source.starts_with(root)) {
        return Err(SourceError::LinkOutside { path: source.display().to_string() });
    }
    for dir in [&real_source, &real(destination)?] {
        if !dir.is_dir() {
            return Err(ArchiveFault::Target { path: dir.display().to_string() }.into());
        }
    }
    copy(root.as_deref(), &real_source, destination, &mut BTreeSet::new())
}

fn failed(stage: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SourceError {
    let path = path.display().to_string();
    move |source| SourceError::Storage { stage, path, source }
}

fn real(path: &Path) -> Result<PathBuf, SourceError> {
    fs::canonicalize(path).map_err(failed("look-up of", path))
}

/// `open` holds the directories that are being copied, from the source down to this one.
fn copy(
    root: Option<&Path>,
    from: &Path,
    to: &Path,
    open: &mut BTreeSet<PathBuf>,
) -> Result<(), SourceError> {
    if !open.insert(from.to_owned()) {
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(from).map_err(failed("listing of", from))? {
        entries.push(entry.map_err(failed("listing of", from))?);
    }
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        let is_link = entry.file_type().map_err(failed("look-up of", &path))?.is_symlink();
        let path = if is_link {
            let target = real(&path)?;
            if root.is_some_and(|root| !target.starts_with(root)) {
                // The link's own path: where it leads is nobody's business.
                return Err(SourceError::LinkOutside { path: path.display().to_string() });
            }
            target
        } else {
            path
        };
        let metadata = fs::symlink_metadata(&path).map_err(failed("look-up of", &path))?;
        if metadata.is_dir() {
            fs::create_dir_all(&place).map_err(failed("creation of directory", &place))?;
            copy(root, &path, &place, open)?;
            keep_mode(&metadata, &place)?;
        } else if metadata.is_file() {
            // Copies the permission bits too.
            fs::copy(&path, &place).map_err(failed("copy to", &place))?;
        }
    }
    open.remove(from);
    Ok(())
}

#[cfg(unix)]
fn keep_mode(metadata: &fs::Metadata, place: &Path) -> Result<(), SourceError> {
    use std::os::unix::fs::PermissionsExt as _;
    set_mode(place, metadata.permissions().mode() & 0o777).map_err(failed("change of mode of", place))
}

/// Without permission bits there is nothing to keep.
#[cfg(not(unix))]
fn keep_mode(_: &fs::Metadata, place: &Path) -> Result<(), SourceError> {
    set_mode(place, 0).map_err(failed("change of mode of", place))
}
