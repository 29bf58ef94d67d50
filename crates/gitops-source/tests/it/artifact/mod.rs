//! Artifacts: packing, unpacking, storing, serving, fetching.

mod danger;
mod fetching;
mod packing;
mod retention;
mod serving;
mod storing;

use std::collections::BTreeMap;
use std::io::Read;

use gitops_manifest::MemoryTree;
use gitops_source::artifact::{ArtifactOwner, Draft, PackOptions, pack};
use gitops_source::ignore::IgnoreRules;

/// A tree of these files.
fn tree(files: &[(&str, &str)]) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for (path, content) in files {
        tree.insert(*path, (*content).to_owned()).unwrap();
    }
    tree
}

/// The archive of a tree without ignore rules.
fn packed(tree: &MemoryTree) -> Vec<u8> {
    let mut bytes = Vec::new();
    pack(tree, &IgnoreRules::none(), &PackOptions::default(), &mut bytes).unwrap();
    bytes
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

fn owner(name: &str) -> ArtifactOwner {
    ArtifactOwner::new("GitRepository", "flux-system", name).unwrap()
}

fn draft(name: &str, file_name: &str) -> Draft {
    Draft {
        owner: owner(name),
        file_name: file_name.to_owned(),
        revision: "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738".into(),
        metadata: BTreeMap::new(),
    }
}
