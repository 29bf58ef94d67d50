//! Writing tar: directories and files, with names of any length.

use std::io::{self, Write};

use tar::{EntryType, Header};

const BLOCK: usize = 512;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Writes entries one after the other; times, owners and links do not exist for it.
pub(super) struct TarWriter<W> {
    out: W,
}

impl<W: Write> TarWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }

    pub(super) fn directory(&mut self, path: &str, mode: u32) -> io::Result<()> {
        self.header(path, EntryType::Directory, mode, 0)
    }

    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.header(path, EntryType::Regular, mode, content.len() as u64)?;
        self.blocks(content)
    }

    /// Writes the end and returns the writer.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&ZEROS)?;
        self.out.write_all(&ZEROS)?;
        Ok(self.out)
    }

    /// A name that does not fit into the header goes before it, into a record of POSIX.1-2001 (pax).
    fn header(&mut self, path: &str, kind: EntryType, mode: u32, size: u64) -> io::Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        let name = path.as_bytes();
        let fits = name.is_ascii() && name.len() <= 100;
        if !fits {
            let record = pax_record("path", path);
            let mut extension = Header::new_ustar();
            extension.set_entry_type(EntryType::XHeader);
            extension.set_mode(0o600);
            extension.set_uid(0);
            extension.set_gid(0);
            extension.set_mtime(0);
            extension.set_size(record.len() as u64);
            set_name(&mut extension, b"PaxHeaders/long-name");
            extension.set_cksum();
            self.out.write_all(extension.as_bytes())?;
            self.blocks(record.as_bytes())?;
        }
        set_name(&mut header, if fits { name } else { b"long-name" });
        header.set_cksum();
        self.out.write_all(header.as_bytes())
    }

    fn blocks(&mut self, content: &[u8]) -> io::Result<()> {
        self.out.write_all(content)?;
        let rest = content.len() % BLOCK;
        let padding = if rest == 0 { 0 } else { BLOCK - rest };
        self.out.write_all(ZEROS.get(..padding).unwrap_or_default())
    }
}

/// The `tar` crate normalises paths; the name is written as it is, so that the root stays `.`.
fn set_name(header: &mut Header, name: &[u8]) {
    for (slot, byte) in header.as_mut_bytes().iter_mut().zip(name) {
        *slot = *byte;
    }
}

/// A record says its own length, the digits of the length included.
fn pax_record(key: &str, value: &str) -> String {
    let body = format!(" {key}={value}\n");
    let mut length = body.len() + 1;
    while length != body.len() + length.to_string().len() {
        length = body.len() + length.to_string().len();
    }
    format!("{length}{body}")
}
