//! What to bring where.

use std::path::PathBuf;

use clap::Parser;
use gitops_examples::cluster::ClusterFlags;

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

    #[command(flatten)]
    pub(crate) at: ClusterFlags,

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
