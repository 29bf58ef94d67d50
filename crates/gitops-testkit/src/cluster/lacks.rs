//! What the sandbox cannot have: the whole list, reviewed, with the reason of each.

use std::io::Write as _;

/// Something that is only on a real control plane. A test that needs it says so, and is told apart in the sandbox's run.
///
/// Which tests say so is held by a test of this crate, so that none joins them unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lacks {
    /// etcd, kube-apiserver and kube-controller-manager as processes, with signals, logs and flags.
    Processes,
}

impl Lacks {
    /// Returns the reason, as a sentence without its full stop.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Processes => "the sandbox is in this process: there are no servers to signal and no etcd",
        }
    }

    /// Prints one line that the test is only for a real control plane.
    pub(crate) fn tell(self) {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let line = format!("only on assets {test}: {}\n", self.reason());
        // Written past the harness, which would keep the line of a test that passes to itself.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
