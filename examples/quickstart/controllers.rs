//! The controllers, in this process: the same that `examples/controllers` serves, without flags, lease and metrics server.

use std::sync::Arc;

use gitops_apply::client_for;
use gitops_controllers::{ControllerOptions, Controllers, Shared};
use gitops_runtime::metrics::Metrics;
use gitops_source::artifact::{LocalStore, StoreOptions, serve};
use kube::Config;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Running controllers; they are to be stopped, so that what they do is finished.
#[derive(Debug)]
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), gitops_source::SourceError>>,
    _folder: TempDir,
}

impl Running {
    /// Starts the controllers of all kinds, with artifacts in a temporary folder.
    pub(crate) async fn start(config: &Config) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let stop = CancellationToken::new();

        // Artifacts are files, and the controllers hand them to each other over HTTP.
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let artifacts = LocalStore::new(folder.path().join("artifacts"), &address, StoreOptions::default())?;
        tokio::spawn(serve(listener, artifacts.root().to_owned(), stop.clone().cancelled_owned()));

        let shared = Shared {
            client: client_for(config.clone())?,
            config: config.clone(),
            options: ControllerOptions::default(),
            metrics: Arc::new(Metrics::default()),
            stop: stop.clone(),
        };
        let controllers = Controllers::new(shared, Arc::new(artifacts), folder.path().join("git"));
        let task = tokio::spawn(controllers.instance("quickstart").run());
        Ok(Self { stop, task, _folder: folder })
    }

    /// Lets what runs be finished, and ends.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}
