//! Why there is no cluster.

use std::path::{Path, PathBuf};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why an example has no cluster to work in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// A kubeconfig was given beside a cluster that has its own.
    #[error("--kubeconfig {} belongs to --cluster kubeconfig; leave one of the two out", path.display())]
    Contradiction {
        /// The kubeconfig.
        path: PathBuf,
    },
    /// A kubeconfig cannot be used.
    #[error("the kubeconfig {} cannot be used", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Source,
    },
    /// Neither the environment, nor the home directory, nor a service account leads to a cluster.
    #[error(
        "no cluster is found by KUBECONFIG, ~/.kube/config or the pod's service account; --cluster sandbox needs none"
    )]
    NotFound {
        /// Why.
        #[source]
        source: Source,
    },
    /// The sandbox or the control plane did not start.
    #[error("the {what} did not start")]
    Start {
        /// `sandbox` or `control plane`.
        what: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// No client can be made of the configuration.
    #[error("no client can be made of the cluster's configuration")]
    Client {
        /// Why.
        #[source]
        source: Source,
    },
}

impl ClusterError {
    pub(super) fn kubeconfig(path: &Path, source: impl Into<Source>) -> Self {
        Self::Kubeconfig { path: path.to_owned(), source: source.into() }
    }

    pub(super) fn inferred(source: impl Into<Source>) -> Self {
        Self::NotFound { source: source.into() }
    }

    pub(super) fn client(source: impl Into<Source>) -> Self {
        Self::Client { source: source.into() }
    }
}
