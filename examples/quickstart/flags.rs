//! What the user may choose.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Shows one commit's way from Git into a cluster, in eight acts, each checked against the API.
#[derive(Clone, Debug, Parser)]
#[command(name = "quickstart")]
pub(crate) struct Flags {
    /// Where to play.
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    pub(crate) cluster: Choice,

    /// The kubeconfig file of `--cluster kubeconfig`; without it the one that KUBECONFIG names, or ~/.kube/config.
    #[arg(long)]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Leave everything running at the end, until Ctrl-C, and tell how to look around.
    #[arg(long)]
    pub(crate) keep: bool,

    /// Show the controllers' logs.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// The cluster to play in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// The best that needs nothing from you: assets.
    Auto,
    /// A control plane of its own (kube-apiserver, etcd, kube-controller-manager): from KUBEBUILDER_ASSETS, or built once.
    Assets,
    /// A cluster that you have. What is made there is removed at the end.
    Kubeconfig,
}
