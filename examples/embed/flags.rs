//! What to bring where.

use std::path::PathBuf;

use clap::Parser;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

/// Brings a path of a Git repository into a cluster, without any controller.
#[derive(Clone, Debug, Parser)]
#[command(name = "embed")]
pub(crate) struct Flags {
    /// The address of the repository, http or https; credentials may stand in it.
    #[arg(long)]
    pub(crate) url: String,

    /// The branch.
    #[arg(long, default_value = "main")]
    pub(crate) branch: String,

    /// The folder in the repository, with a kustomization or plain manifests.
    #[arg(long, default_value = "./")]
    pub(crate) path: String,

    /// Puts all objects into this namespace.
    #[arg(long)]
    pub(crate) target_namespace: Option<String>,

    /// The ConfigMap that keeps the inventory.
    #[arg(long, default_value = "embed")]
    pub(crate) inventory: String,

    /// The namespace of that ConfigMap.
    #[arg(long, default_value = "default")]
    pub(crate) namespace: String,

    /// The kubeconfig file; without it the one that KUBECONFIG names, or the service account of the pod.
    #[arg(long)]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The folder in which Git objects and artifacts are kept, so that the next run fetches only what is new.
    #[arg(long, default_value = "./embed-data")]
    pub(crate) store: PathBuf,

    /// How many seconds to wait until everything is healthy.
    #[arg(long, default_value_t = 120)]
    pub(crate) timeout: u64,

    /// Show the plan and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl Flags {
    /// Returns how to reach the cluster.
    pub(crate) async fn cluster(&self) -> Result<Config, KubeconfigError> {
        // Two crates could each bring a TLS of their own; a second call finds this one installed, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let options = KubeConfigOptions::default();
        match &self.kubeconfig {
            Some(path) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await,
            None => Config::from_kubeconfig(&options).await,
        }
    }
}
