//! What a Git server is asked, and how it fails when it is told to.

use std::time::Duration;

/// What a request to a Git server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GitService {
    /// The greeting; in the old protocol it lists the references too.
    InfoRefs,
    /// A list of references.
    LsRefs,
    /// A fetch of objects.
    Fetch,
    /// A push.
    Push,
    /// Anything else.
    Other,
}

/// A way to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GitFault {
    /// Answer with this status and nothing done.
    Status(u16),
    /// Break the connection in the middle of the answer.
    Cut,
    /// Send half of the answer, and then nothing more.
    Hang,
    /// Wait before the answer.
    Slow(Duration),
    /// Answer with success and bytes that are not Git's.
    Garbage,
}

/// How often a Git server was asked for what, whether it answered or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GitRequests {
    /// Greetings.
    pub info_refs: usize,
    /// Lists of references.
    pub ls_refs: usize,
    /// Fetches of objects.
    pub fetch: usize,
    /// Pushes.
    pub push: usize,
    /// Anything else.
    pub other: usize,
    /// Bytes of bodies that were answered.
    pub bytes_sent: u64,
}

impl GitRequests {
    /// Returns the number of all requests.
    #[must_use]
    pub fn total(&self) -> usize {
        self.info_refs + self.ls_refs + self.fetch + self.push + self.other
    }

    pub(super) fn count(&mut self, service: GitService) {
        *match service {
            GitService::InfoRefs => &mut self.info_refs,
            GitService::LsRefs => &mut self.ls_refs,
            GitService::Fetch => &mut self.fetch,
            GitService::Push => &mut self.push,
            GitService::Other => &mut self.other,
        } += 1;
    }
}
