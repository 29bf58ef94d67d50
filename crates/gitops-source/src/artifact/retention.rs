//! Which stored files are garbage. Pure: no clock, no disk.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// How long and how many old artifacts are kept, for consumers that still fetch them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// A file older than this goes; 60 seconds (`--artifact-retention-ttl`).
    pub ttl: Duration,
    /// Of younger ones the oldest go while there are more files than this; 2 (`--artifact-retention-records`).
    pub records: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(60), records: 2 }
    }
}

/// A stored file. The order is by age and then by name, so files of the same age are told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredFile {
    /// When the file was written.
    pub modified: SystemTime,
    /// Its name in its owner's directory.
    pub name: String,
}

impl Retention {
    /// Returns the names of the files that are garbage: all that are older than the time to live, then the oldest until
    /// no more than the records remain. What is advertised is counted but never garbage.
    ///
    /// # Difference from Flux
    /// Flux keys files by their time alone, so one of two files of the same time is overlooked; and it looks at a
    /// thousand files at most.
    #[must_use]
    pub fn garbage(
        &self,
        files: &[StoredFile],
        advertised: &BTreeSet<String>,
        now: SystemTime,
    ) -> Vec<String> {
        let mut sorted: Vec<&StoredFile> = files.iter().collect();
        sorted.sort();
        let is_free = |file: &&StoredFile| !advertised.contains(&file.name);
        let is_expired =
            |file: &StoredFile| now.duration_since(file.modified).is_ok_and(|age| age > self.ttl);
        let (expired, young): (Vec<_>, Vec<_>) =
            sorted.into_iter().filter(is_free).partition(|f| is_expired(f));
        let remaining = files.len() - expired.len();
        let surplus = young.into_iter().take(remaining.saturating_sub(self.records));
        expired.into_iter().chain(surplus).map(|file| file.name.clone()).collect()
    }
}
