//! One leader among replicas, by a Lease as client-go's leader election has it.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::LeaseManagerBuilder;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a lease is valid and how long before its end it is renewed; Flux's 35 s and 5 s.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// How long a lease holds without renewal, in whole seconds.
    pub duration: Duration,
    /// How long before the end it is renewed, in whole seconds.
    pub grace: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self { duration: Duration::from_secs(35), grace: Duration::from_secs(5) }
    }
}

/// Returns the name of the lease of a controller; replicas that serve another shard have another lease.
///
/// ```
/// use gitops_runtime::lease::lease_name;
/// assert_eq!(lease_name("source-controller", None), "source-controller-leader-election");
/// assert!(lease_name("source-controller", Some("shard=a")).starts_with("source-controller-leader-election-"));
/// ```
pub fn lease_name(controller: &str, shard_selector: Option<&str>) -> String {
    match shard_selector {
        None | Some("") => format!("{controller}-leader-election"),
        Some(selector) => {
            let hash = Sha256::digest(selector.as_bytes());
            format!(
                "{controller}-leader-election-{:02x}{:02x}{:02x}{:02x}",
                hash[0], hash[1], hash[2], hash[3]
            )
        }
    }
}

/// Leadership that was won; it ends when [`Leadership::lost`] says so, and is given up by [`Leadership::release`].
#[derive(Debug)]
pub struct Leadership {
    state: watch::Receiver<bool>,
    keeper: tokio::task::JoinHandle<()>,
}

impl Leadership {
    /// Waits until this process leads, or returns nothing when `stop` comes first.
    ///
    /// # Errors
    /// Fails when the lease can be neither read nor created.
    pub async fn acquire(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
        times: LeaseTimes,
        stop: &CancellationToken,
    ) -> Result<Option<Self>, LeaseError> {
        let manager = LeaseManagerBuilder::new(client, name)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_duration(times.duration.as_secs())
            .with_grace(times.grace.as_secs())
            .build()
            .await
            .map_err(|e| LeaseError { name: name.to_owned(), source: Box::new(e) })?;
        let (mut state, task) = manager.watch().await;
        let keeper = tokio::spawn(async move {
            if let Ok(Err(error)) = task.await {
                tracing::error!(%error, "lease could not be kept");
            }
        });
        let won = tokio::select! {
            won = state.wait_for(|leads| *leads) => won.is_ok(),
            () = stop.cancelled() => false,
        };
        Ok(won.then_some(Self { state, keeper }))
    }

    /// Waits until the leadership is lost; all work has to end then, at once.
    pub async fn lost(&mut self) {
        // An error means that the keeper is gone, and with it the lease.
        let _ = self.state.wait_for(|leads| !*leads).await;
    }

    /// Gives the lease back, so that another replica can take over without waiting for its end.
    pub async fn release(self) {
        drop(self.state);
        let _ = self.keeper.await;
    }
}

/// The lease could be neither read nor created.
#[derive(Debug, thiserror::Error)]
#[error("lease '{name}' is not usable; check that leases in coordination.k8s.io may be read and written")]
pub struct LeaseError {
    name: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}
