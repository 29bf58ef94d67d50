//! The controllers, in this process: the same that `examples/controllers` serves, without flags, lease and metrics server.

use std::sync::Arc;

use gitops_apply::client_for;
use gitops_controllers::{ControllerOptions, Controllers, Shared};
use gitops_image::DiskTagStore;
use gitops_runtime::events::Delivery;
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
    /// Where webhooks are taken, `http://host:port`.
    hooks: String,
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
        // They tell the notification part what happens, which passes it on to the chat, and takes webhooks.
        let events = TcpListener::bind(("127.0.0.1", 0)).await?;
        let webhooks = TcpListener::bind(("127.0.0.1", 0)).await?;
        let hooks = format!("http://{}", webhooks.local_addr()?);
        let delivery = Delivery::to(&format!("http://{}/", events.local_addr()?));
        let controllers = Controllers::new(shared, Arc::new(artifacts), folder.path().join("git"))
            .tags(Arc::new(DiskTagStore::new(folder.path().join("tags"))?))
            .events_to(delivery)
            .events_at(events)
            .webhooks_at(webhooks);
        let task = tokio::spawn(controllers.instance("quickstart").run());
        Ok(Self { stop, task, hooks, _folder: folder })
    }

    /// Returns where webhooks are taken, `http://host:port`.
    pub(crate) fn hooks(&self) -> &str {
        &self.hooks
    }

    /// Lets what runs be finished, and ends.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}
