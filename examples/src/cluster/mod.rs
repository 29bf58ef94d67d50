//! The cluster that an example works in: an embedded one, a real control plane of its own, or one that the user has.
//!
//! All examples that need a cluster take the same two flags ([`ClusterFlags`]), with one meaning:
//!
//! | `--cluster` | what it is | lives |
//! |---|---|---|
//! | `sandbox` | an API server inside the program ([`gitops_sandbox`]), with simulated workloads | as long as the program |
//! | `assets` | etcd, kube-apiserver and kube-controller-manager of `KUBEBUILDER_ASSETS`, or built once; Pods are simulated | as long as the program |
//! | `kubeconfig` | the cluster of `--kubeconfig`, `KUBECONFIG` or `~/.kube/config`, or that of the pod | on its own |
//!
//! What is taken without `--cluster` is decided in [`ClusterFlags::choose`].

mod choice;
mod error;
mod own;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gitops_apply::client_for;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

pub use choice::{Choice, ClusterFlags, Surroundings};
pub use error::ClusterError;

use own::Own;

/// A cluster to work in. One of the program's own ends when this is dropped.
pub struct Cluster {
    config: Config,
    client: Client,
    kubeconfig: Option<PathBuf>,
    own: Option<Own>,
    took: Duration,
}

impl Cluster {
    /// Finds or starts a cluster; `tell` hears of steps that take their time.
    ///
    /// # Errors
    /// [`ClusterError`]: a kubeconfig that cannot be used, or a cluster that does not start.
    pub async fn open(
        choice: Choice,
        kubeconfig: Option<&Path>,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, ClusterError> {
        // Two crates could each bring a TLS of their own; a second call finds this one installed, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let started = Instant::now();
        let (config, kubeconfig, own) = match choice {
            Choice::Sandbox => own::sandbox().await?,
            Choice::Assets => own::assets(tell).await?,
            Choice::Kubeconfig => (users(kubeconfig).await?, kubeconfig.map(Path::to_owned), None),
        };
        let client = client_for(config.clone()).map_err(ClusterError::client)?;
        Ok(Self { config, client, kubeconfig, own, took: started.elapsed() })
    }

    /// Returns how to reach it.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns a client for it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the file that kubectl and flux need to get there too, unless they find it by themselves.
    #[must_use]
    pub fn kubeconfig(&self) -> Option<&Path> {
        self.kubeconfig.as_deref()
    }

    /// Returns whether it vanishes with this program.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Returns in one line what it is, where, and how long it took to be there.
    #[must_use]
    pub fn describe(&self) -> String {
        let what = match &self.own {
            Some(Own::Sandbox { .. }) => "embedded API server, simulated workloads",
            Some(Own::Assets { .. }) => "a control plane of our own, simulated Pods",
            None => return format!("your cluster at {}", self.config.cluster_url),
        };
        let url = self.config.cluster_url.to_string();
        format!("{what}: ready after {} ms at {}", self.took.as_millis(), url.trim_end_matches('/'))
    }
}

/// Reads how to reach a cluster of the user's.
async fn users(kubeconfig: Option<&Path>) -> Result<Config, ClusterError> {
    match kubeconfig {
        Some(path) => {
            let failed = |error| ClusterError::kubeconfig(path, error);
            let read = Kubeconfig::read_from(path).map_err(failed)?;
            Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.map_err(failed)
        }
        // KUBECONFIG, ~/.kube/config, and then the service account of the pod.
        None => Config::infer().await.map_err(ClusterError::inferred),
    }
}
