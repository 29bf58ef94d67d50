//! The API server of a cluster, and what can happen to it.

use super::sandbox::SandboxCluster;
use crate::{Server, TestkitError};

/// The API server of a [`Cluster`](super::Cluster): it can go away and come back where it was, and forgets nothing.
#[derive(Debug)]
pub struct ApiServer<'a>(Which<'a>);

#[derive(Debug)]
enum Which<'a> {
    Assets(&'a Server),
    Sandbox(&'a SandboxCluster),
}

impl<'a> ApiServer<'a> {
    pub(super) fn of_assets(server: &'a Server) -> Self {
        Self(Which::Assets(server))
    }

    pub(super) fn of_sandbox(sandbox: &'a SandboxCluster) -> Self {
        Self(Which::Sandbox(sandbox))
    }

    /// Ends it at once, as a power failure does: connections break, and what waits for an answer gets none.
    ///
    /// # Errors
    /// [`TestkitError::NotRunning`].
    pub fn kill(&self) -> Result<(), TestkitError> {
        match self.0 {
            Which::Assets(server) => server.kill(),
            Which::Sandbox(sandbox) => sandbox.stop_listening(),
        }
    }

    /// Starts it where it was before, and waits until it is ready. Does nothing while it runs.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub async fn start(&self) -> Result<(), TestkitError> {
        match self.0 {
            Which::Assets(server) => server.start().await,
            Which::Sandbox(sandbox) => sandbox.listen_again().await,
        }
    }

    /// Asks it to end, waits, and starts it again.
    ///
    /// # Errors
    /// Those of [`ApiServer::kill`] and [`ApiServer::start`].
    pub async fn restart(&self) -> Result<(), TestkitError> {
        match self.0 {
            Which::Assets(server) => server.restart().await,
            Which::Sandbox(sandbox) => {
                sandbox.stop_listening()?;
                sandbox.listen_again().await
            }
        }
    }

    /// Returns whether it is there.
    #[must_use]
    pub fn is_running(&self) -> bool {
        match self.0 {
            Which::Assets(server) => server.is_running(),
            Which::Sandbox(sandbox) => sandbox.is_listening(),
        }
    }
}
