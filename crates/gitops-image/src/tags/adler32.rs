//! Adler-32 (RFC 1950), the checksum of Flux's default tag database.

/// The largest prime below 2^16.
const MODULUS: u32 = 65_521;

/// How many bytes can be added before the sums must be reduced (zlib's `NMAX`).
const BLOCK: usize = 5_552;

/// A running checksum.
pub(super) struct Adler32 {
    a: u32,
    b: u32,
}

impl Adler32 {
    pub(super) fn new() -> Self {
        Self { a: 1, b: 0 }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(BLOCK) {
            for byte in block {
                self.a += u32::from(*byte);
                self.b += self.a;
            }
            self.a %= MODULUS;
            self.b %= MODULUS;
        }
    }

    pub(super) fn finish(&self) -> u32 {
        (self.b << 16) | self.a
    }
}
