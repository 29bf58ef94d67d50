//! How much an archive may hold.

/// Limits of what is taken from an archive. Each is enforced before memory or disk is used for it.
///
/// # Difference from Flux
/// Flux's controllers unpack without limits; these defaults are above what they meet in practice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the packed archive; 512 MiB.
    pub archive_bytes: u64,
    /// Bytes of all files together, by what their headers say; 1 GiB.
    pub content_bytes: u64,
    /// Entries; 50,000.
    pub entries: u64,
    /// Bytes of an entry's path; 4 KiB.
    pub path_bytes: usize,
    /// Elements of an entry's path; 100.
    pub depth: usize,
    /// Bytes of the header extensions of one entry (long names, pax records); 64 KiB. All together may have as many
    /// times 512 bytes as there may be entries.
    pub header_bytes: u64,
    /// How many bytes one compressed byte may unpack to, once 1 MiB is unpacked; 200.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 512 << 20,
            content_bytes: 1 << 30,
            entries: 50_000,
            path_bytes: 4096,
            depth: 100,
            header_bytes: 64 << 10,
            ratio: 200,
        }
    }
}

impl Limits {
    /// Returns the limits with another one for the packed archive.
    #[must_use]
    pub fn archive_bytes(mut self, bytes: u64) -> Self {
        self.archive_bytes = bytes;
        self
    }

    /// Returns the limits with another one for all files together.
    #[must_use]
    pub fn content_bytes(mut self, bytes: u64) -> Self {
        self.content_bytes = bytes;
        self
    }

    /// Returns the limits with another number of entries.
    #[must_use]
    pub fn entries(mut self, entries: u64) -> Self {
        self.entries = entries;
        self
    }

    /// Returns the limits with another length of paths.
    #[must_use]
    pub fn path_bytes(mut self, bytes: usize) -> Self {
        self.path_bytes = bytes;
        self
    }

    /// Returns the limits with another depth of paths.
    #[must_use]
    pub fn depth(mut self, elements: usize) -> Self {
        self.depth = elements;
        self
    }

    /// Returns the limits with another one for the header extensions of an entry.
    #[must_use]
    pub fn header_bytes(mut self, bytes: u64) -> Self {
        self.header_bytes = bytes;
        self
    }

    /// Returns the limits with another ratio of compression.
    #[must_use]
    pub fn ratio(mut self, ratio: u64) -> Self {
        self.ratio = ratio;
        self
    }
}
