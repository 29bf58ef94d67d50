//! What the user may choose.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Starts a Kubernetes API server without Kubernetes: embedded, with simulated workloads, for as long as it runs.
#[derive(Clone, Debug, Parser)]
#[command(name = "sandbox")]
pub(crate) struct Flags {
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: String,

    /// Speak HTTP without TLS.
    #[arg(long)]
    pub(crate) plain_http: bool,

    /// The administrator's token.
    #[arg(long, default_value = TOKEN)]
    pub(crate) token: String,

    /// The API server alone: no garbage collection, no end of namespaces, no workloads.
    #[arg(long)]
    pub(crate) no_controllers: bool,

    /// What becomes of workloads: of Deployments, StatefulSets, DaemonSets, Jobs, PersistentVolumeClaims, Services.
    #[arg(long, value_enum, default_value_t = Becoming::Ready, conflicts_with = "no_controllers")]
    pub(crate) workloads: Becoming,

    /// A file from which everything is restored at the start, if it is there, and in which it is saved at the end.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    /// Where to write the kubeconfig; without it into a temporary folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// What becomes of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Becoming {
    /// They become ready after a moment, and Jobs complete.
    Ready,
    /// Their pods crash.
    Crash,
    /// Nothing by itself, as in a cluster without kubelets: whoever writes the status of Pods plays them.
    None,
}

/// The token where none is given: no secret, so only for addresses that nobody else reaches.
pub(crate) const TOKEN: &str = "sandbox-admin";
