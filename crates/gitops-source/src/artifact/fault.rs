//! What can be wrong with an archive.

use std::io;

/// Why an archive was refused. Where Flux has words for it, these are the words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveFault {
    /// The bytes are not gzip.
    #[error("requires gzip-compressed body: {reason}")]
    NotGzip {
        /// What Go says of such bytes.
        reason: &'static str,
    },
    /// The compressed bytes are damaged.
    #[error("gzip error: {reason}")]
    Gzip {
        /// What is wrong.
        reason: String,
    },
    /// Another gzip member follows the first: readers that stop at the first would see other files.
    #[error("archive has a second gzip member")]
    SecondMember,
    /// Something follows the compressed bytes, or something but zeros follows the end of the tar.
    #[error("archive has trailing bytes after its end")]
    TrailingBytes,
    /// The archive ends too early.
    #[error("tar error: unexpected EOF")]
    Truncated,
    /// A header is no tar header.
    #[error("tar error: archive/tar: invalid tar header: {reason}")]
    Header {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The header extensions of an entry are larger than allowed.
    #[error("tar header extensions are bigger than the limit of {limit} bytes")]
    HeaderTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The files together are larger than allowed.
    #[error("tar {name:?} is bigger than max archive size of {limit} bytes")]
    TooLarge {
        /// The entry that goes over the limit.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// There are more entries than allowed.
    #[error("archive has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// The archive unpacks to far more bytes than it has.
    #[error("archive unpacks to more than {limit} times its size")]
    Ratio {
        /// The limit.
        limit: u64,
    },
    /// A path is longer than allowed.
    #[error("tar contained a name of {length} bytes, longer than {limit}")]
    NameTooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A path has more elements than allowed.
    #[error("tar {name:?} is more than {limit} directories deep")]
    TooDeep {
        /// The path.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// A path is empty, absolute, not normal, or holds `..`, a backslash or a NUL.
    #[error("tar contained invalid name error {name:?}")]
    Name {
        /// The path.
        name: String,
    },
    /// A path comes twice, or once as a file and once as a directory.
    #[error("tar contained {name:?} more than once")]
    Duplicate {
        /// The path.
        name: String,
    },
    /// An entry is a symlink.
    #[error("tar file entry {name} is a symlink, which is not allowed in this context")]
    Symlink {
        /// The path.
        name: String,
    },
    /// An entry is a hard link, a device, a pipe, a sparse file or something unknown.
    #[error("tar file entry {name} contained unsupported file type {kind}")]
    Unsupported {
        /// The path.
        name: String,
        /// What it is.
        kind: String,
    },
    /// The target of the extraction is no directory.
    #[error("dir '{path}' must be a directory")]
    Target {
        /// The target.
        path: String,
    },
    /// The archive cannot be read.
    #[error("archive cannot be read")]
    Read {
        /// What the system said.
        source: io::Error,
    },
}
