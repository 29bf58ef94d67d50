//! Builds of small trees, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, clippy::print_stdout)]

mod bounds;
mod cache;
mod confinement;
mod decrypt;
mod diagnosis;
mod differential;
mod explain;
mod flux;
mod forest;
mod hostile;
mod references;
mod secrecy;
mod typed;

use gitops_kustomize::{BuildError, Kustomize};
use gitops_manifest::{Manifests, MemoryTree};

/// Makes a tree of files.
fn tree(files: &[(&str, &str)]) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for (path, text) in files {
        tree.insert(*path, (*text).to_owned()).unwrap();
    }
    tree
}

/// Builds the folder `app` of a tree as Flux does.
fn build(files: &[(&str, &str)]) -> Result<Manifests, BuildError> {
    Kustomize::new("app").build(&tree(files))
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
