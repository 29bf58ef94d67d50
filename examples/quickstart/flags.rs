//! What the user may choose.

use clap::Parser;
use gitops_examples::cluster::ClusterFlags;

/// Shows one commit's way from Git into a cluster, in eight acts, each checked against the API.
#[derive(Clone, Debug, Parser)]
#[command(name = "quickstart")]
pub(crate) struct Flags {
    /// Where to play. In a cluster that the user has, what is made is removed at the end.
    #[command(flatten)]
    pub(crate) at: ClusterFlags,

    /// Leave everything running at the end, until Ctrl-C, and tell how to look around.
    #[arg(long)]
    pub(crate) keep: bool,

    /// Show the controllers' logs.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}
