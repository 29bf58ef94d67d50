//! An archive of anyone → files below a directory, as `flux` extracts it.
//!
//! Artifacts go through [`unpack`](super::unpack), which is stricter and touches no disk. This is for archives that go
//! to disk as they come: into a directory that may have content already, file by file.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::fault::ArchiveFault;
use super::gzip::Unzipped;
use super::limits::Limits;
use super::name::normal;
use super::tar_reader::{Entry, Kind, TarReader};
use super::unpack::{Links, set_mode};
use crate::SourceError;

/// The limit of the files' bytes together that Flux has unless told otherwise: 100 MiB.
pub const DEFAULT_EXTRACT_BYTES: u64 = 100 << 20;

/// Mode of directories that an archive does not mention.
const PARENT_MODE: u32 = 0o750;

/// Says which entries are passed over.
type Skip<'a> = Box<dyn Fn(&str) -> bool + 'a>;

/// How an archive is extracted.
pub struct ExtractOptions<'a> {
    limits: Limits,
    links: Links,
    gzip: bool,
    base: Option<PathBuf>,
    skip: Option<Skip<'a>>,
}

impl Default for ExtractOptions<'_> {
    fn default() -> Self {
        let limits = Limits::default().content_bytes(DEFAULT_EXTRACT_BYTES);
        Self { limits, links: Links::Refuse, gzip: true, base: None, skip: None }
    }
}

impl fmt::Debug for ExtractOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtractOptions")
            .field("limits", &self.limits)
            .field("links", &self.links)
            .finish_non_exhaustive()
    }
}

impl<'a> ExtractOptions<'a> {
    /// Returns the options with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the options with another treatment of symlinks.
    #[must_use]
    pub fn links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Returns the options for a plain tar file.
    #[must_use]
    pub fn without_gzip(mut self) -> Self {
        self.gzip = false;
        self
    }

    /// Returns the options with the directory that a relative target is taken against and never leads out of; the
    /// working directory unless set.
    #[must_use]
    pub fn base(mut self, base: impl Into<PathBuf>) -> Self {
        self.base = Some(base.into());
        self
    }

    /// Returns the options with entries, by name, that are passed over. They count towards the limits.
    #[must_use]
    pub fn skip(mut self, skip: impl Fn(&str) -> bool + 'a) -> Self {
        self.skip = Some(Box::new(skip));
        self
    }
}

/// Extracts an archive into a directory, which is made where it is missing, and returns where that is.
///
/// File modes come from the archive (read, write and execute bits), directories get at least `0700`, directories that
/// the archive does not mention `0750`. Times of files come from the archive, but none lies in the future. Existing
/// files are replaced; no link on the way from the target to a file is followed.
///
/// # Difference from Flux
/// Hard links are refused (Flux makes an empty file), `..` alone is no name, the number of entries and the size of header
/// extensions are limited, and a link inside of the target that an earlier process left there is not followed.
///
/// # Errors
/// The first fault of the archive; what was extracted before stays.
pub fn extract(archive: impl Read, dir: &Path, options: &ExtractOptions<'_>) -> Result<PathBuf, SourceError> {
    let target = target(dir, options.base.as_deref())?;
    let input =
        if options.gzip { Unzipped::gzip(archive, options.limits.ratio)? } else { Unzipped::Plain(archive) };
    let mut tar = TarReader::new(input, &options.limits);
    while let Some(entry) = tar.next()? {
        let path = normal(&entry.name, &options.limits)?;
        if options.skip.as_ref().is_some_and(|skip| skip(&entry.name)) {
            continue;
        }
        match entry.kind {
            Kind::Directory => directory(&target, &path, entry.mode | 0o700)?,
            Kind::File if path.is_empty() => return Err(ArchiveFault::Name { name: entry.name }.into()),
            Kind::File => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                directory(&target, parent, PARENT_MODE)?;
                file(&mut tar, &target.join(&path), &entry)?;
            }
            Kind::Symlink if options.links == Links::Skip => {}
            Kind::Symlink => return Err(ArchiveFault::Symlink { name: entry.name }.into()),
            Kind::Other(_) => return Err(entry.unsupported().into()),
        }
    }
    Ok(target)
}

fn failed(stage: &'static str, path: &Path) -> impl Fn(std::io::Error) -> SourceError {
    let path = path.display().to_string();
    move |source| SourceError::Storage { stage, path: path.clone(), source }
}

/// Returns where a target is: absolute as it is, relative below the base, whatever `..` it holds.
fn target(dir: &Path, base: Option<&Path>) -> Result<PathBuf, SourceError> {
    let target = if dir.is_absolute() {
        dir.to_owned()
    } else {
        let base = match base {
            Some(base) => base.to_owned(),
            None => std::env::current_dir().map_err(failed("look-up of", Path::new(".")))?,
        };
        let mut parts = Vec::new();
        for component in dir.components() {
            match component {
                Component::Normal(part) => parts.push(part),
                Component::ParentDir => drop(parts.pop()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        let mut target = base;
        for part in parts {
            target.push(part);
            no_link(&target)?;
        }
        target
    };
    no_link(&target)?;
    Ok(target)
}

/// Refuses what is there and is no directory.
fn no_link(path: &Path) -> Result<(), SourceError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(ArchiveFault::Target { path: path.display().to_string() }.into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(failed("look-up of", path)(source)),
    }
}

/// Makes a directory below the target and those above it.
fn directory(target: &Path, path: &str, mode: u32) -> Result<(), SourceError> {
    fs::create_dir_all(target).map_err(failed("creation of directory", target))?;
    let mut place = target.to_owned();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for (at, part) in parts.iter().enumerate() {
        place.push(part);
        no_link(&place)?;
        match fs::create_dir(&place) {
            Ok(()) => {
                let mode = if at + 1 == parts.len() { mode } else { PARENT_MODE };
                set_mode(&place, mode).map_err(failed("change of mode of", &place))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(failed("creation of directory", &place)(source)),
        }
    }
    Ok(())
}

/// Writes beside the place and renames, so that a link that stands there is replaced and not followed.
fn file<R: Read>(tar: &mut TarReader<'_, R>, place: &Path, entry: &Entry) -> Result<(), SourceError> {
    let parent = place.parent().unwrap_or(place);
    let mut staged = tempfile::Builder::new()
        .prefix(".extract-")
        .tempfile_in(parent)
        .map_err(failed("creation of", place))?;
    tar.content(staged.as_file_mut(), failed("write of", place))?;
    let modified = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(entry.modified));
    let now = SystemTime::now();
    let modified = modified.unwrap_or(now).min(now);
    staged.as_file().set_modified(modified).map_err(failed("change of time of", place))?;
    set_mode(staged.path(), entry.mode).map_err(failed("change of mode of", place))?;
    staged.persist(place).map_err(|e| failed("rename to", place)(e.error))?;
    Ok(())
}
