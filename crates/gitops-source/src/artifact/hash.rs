//! Digests of streams, in each algorithm that Flux offers.

use std::io::{self, Read, Write};

use gitops_api::{Digest, DigestAlgorithm};
use sha2::Digest as _;

/// A running digest.
pub(crate) struct Hasher {
    algorithm: DigestAlgorithm,
    state: State,
}

enum State {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        let (algorithm, state) = match algorithm {
            DigestAlgorithm::Sha1 => (algorithm, State::Sha1(sha1::Sha1::new())),
            DigestAlgorithm::Sha384 => (algorithm, State::Sha384(sha2::Sha384::new())),
            DigestAlgorithm::Sha512 => (algorithm, State::Sha512(sha2::Sha512::new())),
            DigestAlgorithm::Blake3 => (algorithm, State::Blake3(Box::default())),
            // The enum may grow; until it does here, the digest says honestly which algorithm made it.
            _ => (DigestAlgorithm::Sha256, State::Sha256(sha2::Sha256::new())),
        };
        Self { algorithm, state }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha1(s) => s.update(bytes),
            State::Sha256(s) => s.update(bytes),
            State::Sha384(s) => s.update(bytes),
            State::Sha512(s) => s.update(bytes),
            State::Blake3(s) => {
                s.update(bytes);
            }
        }
    }

    pub(crate) fn finish(self) -> Digest {
        let bytes = match self.state {
            State::Sha1(s) => s.finalize().to_vec(),
            State::Sha256(s) => s.finalize().to_vec(),
            State::Sha384(s) => s.finalize().to_vec(),
            State::Sha512(s) => s.finalize().to_vec(),
            State::Blake3(s) => s.finalize().as_bytes().to_vec(),
        };
        Digest::from_bytes(self.algorithm, &bytes)
            .expect("because each algorithm makes as many bytes as its digest has")
    }
}

/// Passes bytes on to a writer, and digests and counts them.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
    written: u64,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(inner: W, algorithm: DigestAlgorithm) -> Self {
        Self { inner, hasher: Hasher::new(algorithm), written: 0 }
    }

    /// Returns the writer, the digest and the number of bytes.
    pub(crate) fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.written)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..n).unwrap_or_default());
        self.written += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Returns the digest of all that a reader gives.
pub(crate) fn digest_of(mut reader: impl Read, algorithm: DigestAlgorithm) -> io::Result<Digest> {
    let mut writer = HashingWriter::new(io::sink(), algorithm);
    io::copy(&mut reader, &mut writer)?;
    Ok(writer.finish().1)
}
