//! Commits fetched for a look at their dates or their history, and thrown away.

use std::collections::HashSet;
use std::io;

use gix::ObjectId;
use gix::objs::{CommitRefIter, Find as _, Kind};
use tempfile::TempDir;

use super::session::Destination;

/// An object store that is gone when it is dropped.
pub(super) struct Scratch {
    folder: TempDir,
    object_bytes: u64,
}

impl Scratch {
    pub(super) fn new(object_bytes: u64) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir_all(folder.path().join("objects/pack"))?;
        Ok(Self { folder, object_bytes })
    }

    /// Returns where a fetch goes.
    pub(super) fn destination(&self) -> io::Result<Destination> {
        Ok(Destination {
            packs: self.folder.path().join("objects/pack"),
            shallow: self.folder.path().join("shallow"),
            objects: self.objects()?,
            object_bytes: self.object_bytes,
        })
    }

    /// Opens what has been fetched.
    pub(super) fn objects(&self) -> io::Result<gix::odb::Handle> {
        gix::odb::at(self.folder.path().join("objects"), gix::hash::Kind::Sha1)
    }
}

/// Returns whether a commit is in the history of another. Where the history is cut off, it ends.
pub(super) fn leads_to(objects: &gix::odb::Handle, from: ObjectId, to: ObjectId) -> bool {
    let mut seen = HashSet::from([from]);
    let mut open = vec![from];
    let mut buffer = Vec::new();
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if let Ok(Some(object)) = objects.try_find(&id, &mut buffer)
            && object.kind == Kind::Commit
        {
            let parents = CommitRefIter::from_bytes(object.data, gix::hash::Kind::Sha1).parent_ids();
            open.extend(parents.filter(|parent| seen.insert(*parent)));
        }
    }
    false
}
