//! GitOps inside your own program: a path of a Git repository is brought into a cluster and kept track of there.
//!
//! No kinds are installed and no controller runs: the inventory, which says what to remove when it leaves the repository,
//! is a ConfigMap. Run it again after a commit, and only what changed is written.
//!
//! ```console
//! $ cargo run --example embed -- --url https://github.com/stefanprodan/podinfo --branch master --path kustomize
//! ```
//!
//! Unless it is given a cluster (`--kubeconfig`, `KUBECONFIG`, a pod's own), it works in an embedded one that ends with it.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

pub(crate) mod flags;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gitops_apply::{Applier, ConfigMapInventory, FieldManager, OwnerLabels};
use gitops_examples::cluster::Surroundings;
use gitops_examples::explain::explain;
use gitops_kustomize::{Kustomize, Overlay};
use gitops_source::{GitSource, SourceStore};

#[tokio::main]
async fn main() -> ExitCode {
    match run(flags::Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", explain(&*error));
            ExitCode::FAILURE
        }
    }
}

pub(crate) async fn run(flags: flags::Flags) -> Result<(), Box<dyn Error>> {
    let store = SourceStore::open(&flags.store)?;
    let cluster = flags.at.open(Surroundings::of_process(), |line| println!("{line}")).await?;
    println!("{}", cluster.describe());

    // From Git to objects; nobody has been asked to change anything yet.
    let artifact = GitSource::new(&flags.url).branch(&flags.branch).fetch(&store).await?;
    println!("{} {}", artifact.revision(), artifact.artifact().digest);
    let overlay = Overlay { namespace: flags.target_namespace.clone(), ..Overlay::default() };
    let manifests = Kustomize::new(&flags.path).overlay(overlay).build(&artifact.unpack()?)?;

    // Objects bear the owner's labels, and without them nothing is ever deleted.
    let applier = Applier::new(cluster.client().clone(), FieldManager::new("embed"))
        .owner(OwnerLabels::new("embed.example.com", &flags.inventory, &flags.namespace))
        .inventory(ConfigMapInventory::new(&flags.inventory).in_namespace(&flags.namespace));

    // What would change, tried out on the server; values of Secrets are masked.
    let plan = applier.plan(&manifests).await?;
    println!("{plan}");
    if flags.dry_run {
        return Ok(());
    }

    // Stage after stage, then health, then what left the repository is pruned.
    let report = applier.apply(plan).wait(Duration::from_secs(flags.timeout)).await?;
    println!("{report}");
    Ok(())
}
