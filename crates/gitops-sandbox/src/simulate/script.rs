//! What was said of workloads: which of them become ready, and which do not.

use std::sync::{Mutex, PoisonError, Weak};

use super::Workload;
use crate::server::Server;
use crate::signal::{Listener, Signal};

/// Which workloads something is said of; everything that is not said fits.
///
/// ```
/// use gitops_sandbox::{Sandbox, Workload, Workloads};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let sandbox = Sandbox::start();
/// let broken = sandbox.script_all(Workloads::all().namespace("shop").prefix("cart"), Workload::Crash);
/// # drop(broken); }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Workloads {
    kind: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    prefix: String,
}

impl Workloads {
    /// Returns what fits all workloads.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Asks for a kind (`Deployment`).
    #[must_use]
    pub fn kind(mut self, kind: &str) -> Self {
        self.kind = Some(kind.to_owned());
        self
    }

    /// Asks for a namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Asks for a name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Asks for the beginning of a name.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.to_owned();
        self
    }

    fn fit(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let is = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted == text);
        is(&self.kind, kind)
            && is(&self.namespace, namespace)
            && is(&self.name, name)
            && name.starts_with(&self.prefix)
    }
}

/// Something that was said of workloads; dropped, it no longer counts.
#[derive(Debug)]
pub struct Scripted {
    server: Weak<Server>,
    number: u64,
}

impl Scripted {
    pub(crate) fn new(server: Weak<Server>, number: u64) -> Self {
        Self { server, number }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if let Some(server) = self.server.upgrade() {
            server.script.forget(self.number);
        }
    }
}

/// Everything that was said, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Script {
    said: Mutex<Vec<(u64, Workloads, Workload)>>,
    /// How often something was said; the number of the newest.
    news: Signal,
}

impl Script {
    pub(crate) fn set(&self, workloads: Workloads, workload: Workload) -> u64 {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.news.get() + 1;
        said.push((number, workloads, workload));
        drop(said);
        self.news.send(number);
        number
    }

    fn forget(&self, number: u64) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, ..)| *known != number);
    }

    pub(super) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Workload> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let found = said.iter().rev().find(|(_, workloads, _)| workloads.fit(kind, namespace, name));
        found.map(|(.., workload)| *workload)
    }

    pub(super) fn subscribe(&self) -> Listener {
        self.news.subscribe()
    }
}
