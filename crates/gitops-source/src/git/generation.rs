//! One generation of a remote's object store: the packs since it was last started afresh.
//!
//! ```text
//! <store>/g<number>/objects/pack/pack-*.{pack,idx}   what was fetched
//! <store>/g<number>/held                             commits that are here with all their files, oldest first
//! <store>/g<number>/shallow                          what the last fetch told the remote
//! ```
//! A folder without `held` has never finished a fetch.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::odb::pack;
use gix::progress::Discard;

use super::session::Destination;

/// How many held commits are remembered; older ones would be fetched again, which costs little.
const REMEMBERED: usize = 256;

#[derive(Debug)]
pub(super) struct Generation {
    dir: PathBuf,
    number: u64,
    held: Mutex<Vec<ObjectId>>,
    /// How many packs there were when a commit was last recorded.
    recorded: AtomicUsize,
    retired: AtomicBool,
}

impl Generation {
    /// Returns the newest generation that is whole, and removes all others.
    pub(super) fn load(store: &Path) -> io::Result<Option<Arc<Self>>> {
        let mut found: Vec<(u64, PathBuf)> = match fs::read_dir(store) {
            Ok(entries) => entries
                .flatten()
                .filter_map(|entry| {
                    let name = entry.file_name().into_string().ok()?;
                    Some((name.strip_prefix('g')?.parse().ok()?, entry.path()))
                })
                .collect(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        found.sort_unstable_by(|a, b| b.cmp(a));
        let mut newest = None;
        for (number, dir) in found {
            if newest.is_none()
                && let Some(held) = whole(&dir)
            {
                newest = Some(Arc::new(Self::new(dir, number, held)));
            } else {
                fs::remove_dir_all(&dir)?;
            }
        }
        Ok(newest)
    }

    /// Makes an empty generation.
    pub(super) fn create(store: &Path, number: u64) -> io::Result<Arc<Self>> {
        let dir = store.join(format!("g{number}"));
        match fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => fs::create_dir_all(pack_dir(&dir))?,
        }
        Ok(Arc::new(Self::new(dir, number, Vec::new())))
    }

    fn new(dir: PathBuf, number: u64, held: Vec<ObjectId>) -> Self {
        let generation = Self {
            dir,
            number,
            held: Mutex::new(held),
            recorded: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
        };
        generation.recorded.store(generation.packs(), Ordering::Relaxed);
        generation
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Returns the number of packs that have their index.
    pub(super) fn packs(&self) -> usize {
        let Ok(entries) = fs::read_dir(pack_dir(&self.dir)) else { return 0 };
        let paths = entries.flatten().map(|entry| entry.path());
        paths.filter(|path| has_ending(path, "idx") && path.with_extension("pack").exists()).count()
    }

    /// Returns whether every pack is still there; somebody may have cleaned up behind our back.
    pub(super) fn is_intact(&self) -> bool {
        self.packs() >= self.recorded.load(Ordering::Relaxed)
    }

    pub(super) fn holds(&self, id: &ObjectId) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Returns the commits that were fetched last.
    pub(super) fn newest(&self, count: usize) -> Vec<ObjectId> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().take(count).copied().collect()
    }

    /// Notes that a commit is here with all its files.
    pub(super) fn record(&self, id: ObjectId) -> io::Result<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = held.clone();
        next.retain(|other| *other != id);
        next.push(id);
        next.drain(..next.len().saturating_sub(REMEMBERED));
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        for id in &next {
            writeln!(file, "{id}")?;
        }
        file.persist(self.dir.join("held")).map_err(|e| e.error)?;
        *held = next;
        self.recorded.store(self.packs(), Ordering::Relaxed);
        Ok(())
    }

    /// Opens the objects; a handle sees what was there when it was opened.
    pub(super) fn objects(&self) -> io::Result<gix::odb::Handle> {
        gix::odb::at(self.dir.join("objects"), gix::hash::Kind::Sha1)
    }

    /// Returns where a fetch goes.
    pub(super) fn destination(&self, object_bytes: u64) -> io::Result<Destination> {
        Ok(Destination {
            packs: pack_dir(&self.dir),
            shallow: self.dir.join("shallow"),
            objects: self.objects()?,
            object_bytes,
        })
    }

    /// Removes the folder as soon as nobody reads from it.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Relaxed) {
            // What stays behind is removed at the next start.
            let _ = fs::remove_dir_all(&self.dir);
            if let Some(store) = self.dir.parent() {
                // Fails while there is another generation, as it should.
                let _ = fs::remove_dir(store);
            }
        }
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

fn pack_dir(generation: &Path) -> PathBuf {
    generation.join("objects").join("pack")
}

/// Returns the commits that a generation holds, when every pack in it is as it was written. Left-overs of a fetch
/// that was killed are removed.
fn whole(dir: &Path) -> Option<Vec<ObjectId>> {
    let held = fs::read_to_string(dir.join("held")).ok()?;
    let held: Vec<ObjectId> =
        held.lines().map(|line| ObjectId::from_hex(line.as_bytes())).collect::<Result<_, _>>().ok()?;
    for entry in fs::read_dir(pack_dir(dir)).ok()?.flatten() {
        let path = entry.path();
        match &path {
            path if has_ending(path, "idx") => {
                let bundle = pack::Bundle::at(path, gix::hash::Kind::Sha1).ok()?;
                let interrupt = AtomicBool::new(false);
                bundle.index.verify_checksum(&mut Discard, &interrupt).ok()?;
                bundle.pack.verify_checksum(&mut Discard, &interrupt).ok()?;
            }
            path if has_ending(path, "pack") && path.with_extension("idx").exists() => {}
            path => fs::remove_file(path).ok()?,
        }
    }
    (!held.is_empty()).then_some(held)
}
