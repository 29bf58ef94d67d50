//! Reading gzip that is one member and nothing else, and does not explode.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::fault::ArchiveFault;

/// Below this many unpacked bytes any ratio is fine.
const RATIO_GRACE: u64 = 1 << 20;

/// The bytes of a tar file, out of gzip or as they are.
pub(super) enum Unzipped<R: Read> {
    Plain(R),
    Gzip { decoder: Box<GzDecoder<BufReader<Counting<R>>>>, unpacked: u64, ratio: u64 },
}

pub(super) struct Counting<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count += n as u64;
        Ok(n)
    }
}

impl<R: Read> Unzipped<R> {
    /// Returns a reader over gzip; fails where the bytes do not start as gzip does.
    pub(super) fn gzip(reader: R, ratio: u64) -> Result<Self, ArchiveFault> {
        let mut buffered = BufReader::with_capacity(32 * 1024, Counting { inner: reader, count: 0 });
        let start = buffered.fill_buf().map_err(|source| ArchiveFault::Read { source })?;
        match start {
            [] => return Err(ArchiveFault::NotGzip { reason: "EOF" }),
            [0x1f, 0x8b, 8, ..] => {}
            [0x1f] | [0x1f, 0x8b] => return Err(ArchiveFault::NotGzip { reason: "unexpected EOF" }),
            _ => return Err(ArchiveFault::NotGzip { reason: "gzip: invalid header" }),
        }
        Ok(Self::Gzip { decoder: Box::new(GzDecoder::new(buffered)), unpacked: 0, ratio })
    }

    /// Fills as much of the buffer as there is and returns how much.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveFault> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_some(rest)? {
                0 => break,
                n => filled += n,
            }
        }
        Ok(filled)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveFault> {
        loop {
            let outcome = match self {
                Self::Plain(reader) => reader.read(buffer),
                Self::Gzip { decoder, unpacked, ratio } => match decoder.read(buffer) {
                    Ok(n) => {
                        *unpacked += n as u64;
                        let packed = decoder.get_ref().get_ref().count;
                        if *unpacked > RATIO_GRACE && *unpacked / packed.max(1) > *ratio {
                            return Err(ArchiveFault::Ratio { limit: *ratio });
                        }
                        Ok(n)
                    }
                    Err(error) => Err(error),
                },
            };
            match outcome {
                Ok(n) => return Ok(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(error)),
            }
        }
    }

    fn fault(&self, error: io::Error) -> ArchiveFault {
        match (self, error.kind()) {
            (_, io::ErrorKind::UnexpectedEof) => ArchiveFault::Truncated,
            (Self::Gzip { .. }, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                ArchiveFault::Gzip { reason: error.to_string() }
            }
            _ => ArchiveFault::Read { source: error },
        }
    }

    /// Reads to the end, which must be near and all zeros, and then nothing may follow.
    pub(super) fn finish(&mut self, most: u64) -> Result<(), ArchiveFault> {
        let mut buffer = [0; 4096];
        let mut seen: u64 = 0;
        loop {
            let n = self.read_some(&mut buffer)?;
            if n == 0 {
                break;
            }
            seen += n as u64;
            if seen > most || buffer.iter().take(n).any(|b| *b != 0) {
                return Err(ArchiveFault::TrailingBytes);
            }
        }
        let Self::Gzip { decoder, .. } = self else { return Ok(()) };
        match decoder.get_mut().fill_buf().map_err(|source| ArchiveFault::Read { source })? {
            [] => Ok(()),
            [0x1f, 0x8b, ..] => Err(ArchiveFault::SecondMember),
            _ => Err(ArchiveFault::TrailingBytes),
        }
    }
}
