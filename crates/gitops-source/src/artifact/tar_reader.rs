//! Reading tar under limits: ustar, GNU long names and pax records, and nothing that a header claims is believed before it
//! was checked.

use std::io::{Read, Write};

use tar::Header;

use super::fault::ArchiveFault;
use super::gzip::Unzipped;
use super::limits::Limits;

const BLOCK: u64 = 512;
/// How many zero bytes may follow the end; GNU tar fills up records of 10 KiB.
const MAX_PADDING: u64 = 1 << 20;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    /// The flag of the header.
    Other(u8),
}

#[derive(Debug)]
pub(super) struct Entry {
    /// The name as the archive has it.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    /// Seconds since 1970.
    pub(super) modified: u64,
}

impl Entry {
    pub(super) fn unsupported(&self) -> ArchiveFault {
        let kind = match self.kind {
            Kind::Other(b'1') => "hard link".to_owned(),
            Kind::Other(b'3') => format!("Dc{}", rwx(self.mode)),
            Kind::Other(b'4') => format!("D{}", rwx(self.mode)),
            Kind::Other(b'6') => format!("p{}", rwx(self.mode)),
            Kind::Other(b'S') => "sparse file".to_owned(),
            Kind::Other(flag) => format!("{:?}", char::from(flag)),
            Kind::File | Kind::Directory | Kind::Symlink => format!("{:?}", self.kind),
        };
        ArchiveFault::Unsupported { name: self.name.clone(), kind }
    }
}

fn rwx(mode: u32) -> String {
    let letters = "rwxrwxrwx".chars().enumerate();
    letters.map(|(at, c)| if mode & (0o400 >> at) == 0 { '-' } else { c }).collect()
}

/// Header extensions that stand before an entry.
#[derive(Default)]
struct Extensions {
    name: Option<String>,
    size: Option<u64>,
    bytes: u64,
    sparse: bool,
}

/// The entries of an archive, in order.
pub(super) struct TarReader<'a, R: Read> {
    input: Unzipped<R>,
    limits: &'a Limits,
    entries: u64,
    content: u64,
    extensions: u64,
    /// Bytes of the current entry that were not read, and the padding behind them.
    remaining: u64,
    padding: u64,
}

impl<'a, R: Read> TarReader<'a, R> {
    pub(super) fn new(input: Unzipped<R>, limits: &'a Limits) -> Self {
        Self { input, limits, entries: 0, content: 0, extensions: 0, remaining: 0, padding: 0 }
    }

    /// Returns the next entry, or none at the end of an archive that ends as it should.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, ArchiveFault> {
        let skip = self.remaining + self.padding;
        self.skip(skip)?;
        (self.remaining, self.padding) = (0, 0);
        let mut extensions = Extensions::default();
        loop {
            let Some(header) = self.header()? else {
                self.input.finish(MAX_PADDING)?;
                return Ok(None);
            };
            let size = header.entry_size().map_err(|_| ArchiveFault::Header { reason: "size" })?;
            match header.entry_type().as_byte() {
                b'L' => {
                    let bytes = self.extension(&mut extensions, size)?;
                    extensions.name = Some(text(until_nul(&bytes))?);
                }
                b'x' => {
                    let bytes = self.extension(&mut extensions, size)?;
                    pax(&bytes, &mut extensions)?;
                }
                // The name of a link's target, and records for all entries (`git archive` has one): not needed.
                b'K' | b'g' => drop(self.extension(&mut extensions, size)?),
                flag => return self.entry(&header, flag, size, extensions).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        header: &Header,
        flag: u8,
        size: u64,
        extensions: Extensions,
    ) -> Result<Entry, ArchiveFault> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(ArchiveFault::TooManyEntries { limit: self.limits.entries });
        }
        let name = match extensions.name {
            Some(name) => name,
            None => text(&header.path_bytes())?,
        };
        let kind = match flag {
            _ if extensions.sparse => Kind::Other(b'S'),
            // Before POSIX a directory was a file whose name ends in a slash.
            0 if name.ends_with('/') => Kind::Directory,
            0 | b'0' | b'7' => Kind::File,
            b'5' => Kind::Directory,
            b'2' => Kind::Symlink,
            flag => Kind::Other(flag),
        };
        let size = extensions.size.unwrap_or(size);
        // Some writers give directories and links a size; nothing follows them even so.
        let follows = if matches!(kind, Kind::Directory | Kind::Symlink) { 0 } else { size };
        self.content = self.content.saturating_add(follows);
        if self.content > self.limits.content_bytes {
            return Err(ArchiveFault::TooLarge { name, limit: self.limits.content_bytes });
        }
        if name.len() > self.limits.path_bytes {
            return Err(ArchiveFault::NameTooLong { length: name.len(), limit: self.limits.path_bytes });
        }
        self.remaining = follows;
        self.padding = padding(follows);
        Ok(Entry {
            name,
            kind,
            mode: header.mode().map_err(|_| ArchiveFault::Header { reason: "mode" })? & 0o777,
            modified: header.mtime().unwrap_or(0),
        })
    }

    /// Returns the next header, or none at the end.
    fn header(&mut self) -> Result<Option<Header>, ArchiveFault> {
        let mut header = Header::new_old();
        match self.input.fill(header.as_mut_bytes())? {
            0 => return Ok(None),
            512 => {}
            _ => return Err(ArchiveFault::Truncated),
        }
        if header.as_bytes().iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let sum: u32 = header
            .as_bytes()
            .iter()
            .enumerate()
            .map(|(at, b)| if (148..156).contains(&at) { u32::from(b' ') } else { u32::from(*b) })
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(ArchiveFault::Header { reason: "checksum" });
        }
        Ok(Some(header))
    }

    /// Returns the content of a header extension; the limit holds before memory is taken.
    fn extension(&mut self, extensions: &mut Extensions, size: u64) -> Result<Vec<u8>, ArchiveFault> {
        extensions.bytes = extensions.bytes.saturating_add(size.saturating_add(BLOCK));
        self.extensions = self.extensions.saturating_add(size.saturating_add(BLOCK));
        let limit = self.limits.header_bytes;
        if size > limit || extensions.bytes > limit.saturating_add(4 * BLOCK) {
            return Err(ArchiveFault::HeaderTooLarge { limit });
        }
        let limit = self.limits.entries.saturating_mul(2 * BLOCK);
        if self.extensions > limit {
            return Err(ArchiveFault::HeaderTooLarge { limit });
        }
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| ArchiveFault::HeaderTooLarge { limit })?];
        if self.input.fill(&mut bytes)? < bytes.len() {
            return Err(ArchiveFault::Truncated);
        }
        self.skip(padding(size))?;
        Ok(bytes)
    }

    /// Writes the content of the current entry and returns its length.
    pub(super) fn content(
        &mut self,
        mut sink: impl Write,
        failed: impl Fn(std::io::Error) -> crate::SourceError,
    ) -> Result<(), crate::SourceError> {
        let mut buffer = [0; 32 * 1024];
        while self.remaining > 0 {
            let most = usize::try_from(self.remaining).unwrap_or(buffer.len()).min(buffer.len());
            let part = buffer.get_mut(..most).unwrap_or_default();
            if self.input.fill(part)? < part.len() {
                return Err(ArchiveFault::Truncated.into());
            }
            sink.write_all(part).map_err(&failed)?;
            self.remaining -= part.len() as u64;
        }
        Ok(())
    }

    fn skip(&mut self, mut bytes: u64) -> Result<(), ArchiveFault> {
        let mut buffer = [0; 8 * 1024];
        while bytes > 0 {
            let most = usize::try_from(bytes).unwrap_or(buffer.len()).min(buffer.len());
            let part = buffer.get_mut(..most).unwrap_or_default();
            if self.input.fill(part)? < part.len() {
                return Err(ArchiveFault::Truncated);
            }
            bytes -= part.len() as u64;
        }
        Ok(())
    }
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

fn text(bytes: &[u8]) -> Result<String, ArchiveFault> {
    String::from_utf8(bytes.to_vec())
        .map_err(|e| ArchiveFault::Name { name: String::from_utf8_lossy(e.as_bytes()).into_owned() })
}

/// Reads pax records, `LENGTH KEY=VALUE\n`, of which the path, the size and the marks of sparse files matter.
fn pax(mut rest: &[u8], extensions: &mut Extensions) -> Result<(), ArchiveFault> {
    let bad = || ArchiveFault::Header { reason: "pax record" };
    while !rest.is_empty() {
        let space = rest.iter().position(|b| *b == b' ').ok_or_else(bad)?;
        let length = std::str::from_utf8(rest.get(..space).unwrap_or_default()).ok();
        let length: usize = length.and_then(|digits| digits.parse().ok()).ok_or_else(bad)?;
        let record = rest.get(space + 1..length).ok_or_else(bad)?.strip_suffix(b"\n").ok_or_else(bad)?;
        rest = rest.get(length..).unwrap_or_default();
        let equals = record.iter().position(|b| *b == b'=').ok_or_else(bad)?;
        let (key, value) =
            (record.get(..equals).unwrap_or_default(), record.get(equals + 1..).unwrap_or_default());
        match key {
            b"path" => extensions.name = Some(text(value)?),
            b"size" => {
                let digits = std::str::from_utf8(value).ok();
                extensions.size = Some(digits.and_then(|d| d.parse().ok()).ok_or_else(bad)?);
            }
            key if key.starts_with(b"GNU.sparse.") => extensions.sparse = true,
            _ => {}
        }
    }
    Ok(())
}
