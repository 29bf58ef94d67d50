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
use std::sync::atomic::{AtomicBool, Ordering};
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
                let (held, retired) = (Mutex::new(held), AtomicBool::new(false));
                newest = Some(Arc::new(Self { dir, number, held, retired }));
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
        Ok(Arc::new(Self { dir, number, held: Mutex::default(), retired: AtomicBool::new(false) }))
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn packs(&self) -> usize {
        let Ok(entries) = fs::read_dir(pack_dir(&self.dir)) else { return 0 };
        entries.flatten().filter(|entry| entry.path().extension().is_some_and(|ending| ending == "idx")).count()
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

fn pack_dir(generation: &Path) -> PathBuf {
    generation.join("objects").join("pack")
}

/// Returns the commits that a generation holds, when every pack in it is as it was written. Left-overs of a fetch
/// that was killed are removed.
fn whole(dir: &Path) -> Option<Vec<ObjectId>> {
    let held = fs::read_to_string(dir.join("held")).ok()?;
    let held: Vec<ObjectId> = held.lines().map(|line| ObjectId::from_hex(line.as_bytes())).collect::<Result<_, _>>().ok()?;
    for entry in fs::read_dir(pack_dir(dir)).ok()?.flatten() {
        let path = entry.path();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("idx") => {
                let bundle = pack::Bundle::at(&path, gix::hash::Kind::Sha1).ok()?;
                let interrupt = AtomicBool::new(false);
                bundle.index.verify_checksum(&mut Discard, &interrupt).ok()?;
                bundle.pack.verify_checksum(&mut Discard, &interrupt).ok()?;
            }
            Some("pack") if path.with_extension("idx").exists() => {}
            _ => fs::remove_file(&path).ok()?,
        }
    }
    (!held.is_empty()).then_some(held)
}
