//! A tree and its ignore rules → an archive: the same tree gives the same bytes.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use gitops_api::{Digest, DigestAlgorithm};
use gitops_manifest::{EntryKind, FileTree};

use super::hash::HashingWriter;
use super::tar_writer::TarWriter;
use crate::SourceError;
use crate::ignore::IgnoreRules;

/// Permission mode of directories in an artifact.
pub const DIRECTORY_MODE: u32 = 0o750;
/// Permission mode of files in an artifact.
pub const FILE_MODE: u32 = 0o600;
/// Permission mode of executable files in an artifact.
pub const EXECUTABLE_MODE: u32 = 0o700;

/// Gzip's level; a part of what makes equal trees equal bytes, as is the choice of the zlib-rs backend.
const LEVEL: u32 = 6;

/// How a tree is packed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PackOptions {
    /// The algorithm of the digest; SHA-256 unless set.
    pub algorithm: DigestAlgorithm,
    /// Whether the archive is compressed with gzip; set unless changed.
    pub gzip: bool,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self { algorithm: DigestAlgorithm::Sha256, gzip: true }
    }
}

impl PackOptions {
    /// Returns the options with another digest algorithm.
    #[must_use]
    pub fn algorithm(mut self, algorithm: DigestAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Returns the options for a plain tar file.
    #[must_use]
    pub fn without_gzip(mut self) -> Self {
        self.gzip = false;
        self
    }
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packed {
    /// The digest of the archive's bytes.
    pub digest: Digest,
    /// The number of the archive's bytes.
    pub size: u64,
    /// The number of files in the archive.
    pub files: usize,
}

/// Writes the archive of a tree.
///
/// Entries are in lexical order of each directory, the root (`.`) first. They carry no time, no owner and only three
/// modes: [`DIRECTORY_MODE`], [`FILE_MODE`], [`EXECUTABLE_MODE`]. An ignored directory is left out but still walked, since
/// a pattern may take its content in again. The writer is not flushed to any disk: see
/// [`LocalStore`](super::LocalStore) for that.
///
/// # Difference from Flux
/// The order, names, modes and times are Flux's, the compressed bytes and so the digest are not: they depend on the gzip
/// implementation.
///
/// # Errors
/// When the tree cannot be read or the writer fails.
pub fn pack(
    tree: &dyn FileTree,
    rules: &IgnoreRules,
    options: &PackOptions,
    writer: impl Write,
) -> Result<Packed, SourceError> {
    let hashing = HashingWriter::new(writer, options.algorithm);
    let (hashing, files) = if options.gzip {
        let gzip = GzBuilder::new().mtime(0).write(hashing, Compression::new(LEVEL));
        let (gzip, files) = write_tar(tree, rules, gzip)?;
        (gzip.finish().map_err(write_failed)?, files)
    } else {
        write_tar(tree, rules, hashing)?
    };
    let (mut writer, digest, size) = hashing.finish();
    writer.flush().map_err(write_failed)?;
    Ok(Packed { digest, size, files })
}

fn write_failed(source: std::io::Error) -> SourceError {
    SourceError::Storage { stage: "write of archive", path: String::new(), source }
}

fn write_tar<W: Write>(
    tree: &dyn FileTree,
    rules: &IgnoreRules,
    writer: W,
) -> Result<(W, usize), SourceError> {
    let mut walk = Walk { tree, rules, tar: TarWriter::new(writer), files: 0 };
    walk.tar.directory(".", DIRECTORY_MODE).map_err(write_failed)?;
    walk.directory("")?;
    let writer = walk.tar.finish().map_err(write_failed)?;
    Ok((writer, walk.files))
}

struct Walk<'a, W> {
    tree: &'a dyn FileTree,
    rules: &'a IgnoreRules,
    tar: TarWriter<W>,
    files: usize,
}

impl<W: Write> Walk<'_, W> {
    fn directory(&mut self, dir: &str) -> Result<(), SourceError> {
        for entry in self.tree.list(dir)? {
            let path = if dir.is_empty() { entry.name } else { format!("{dir}/{}", entry.name) };
            let is_directory = entry.kind == EntryKind::Directory;
            let ignored = self.rules.ignores(&path, is_directory);
            if is_directory {
                if !ignored {
                    self.tar.directory(&path, DIRECTORY_MODE).map_err(write_failed)?;
                }
                self.directory(&path)?;
            } else if !ignored {
                let mode = if self.tree.is_executable(&path)? { EXECUTABLE_MODE } else { FILE_MODE };
                let content = self.tree.read(&path)?;
                self.tar.file(&path, mode, &content).map_err(write_failed)?;
                self.files += 1;
            }
        }
        Ok(())
    }
}
