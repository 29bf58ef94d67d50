//! An unchanged input is not built again.

use std::sync::Arc;

use gitops_kustomize::{BuildCache, Kustomize, Overlay};
use gitops_manifest::MemoryTree;

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

fn tree() -> MemoryTree {
    let mut tree = MemoryTree::new();
    tree.insert("base/kustomization.yaml", "resources:\n- config.yaml\n").unwrap();
    tree.insert("base/config.yaml", CONFIG).unwrap();
    tree.insert("app/kustomization.yaml", "resources:\n- ../base\n").unwrap();
    tree
}

/// Builds, changes the tree, builds again; the second must be the first exactly when nothing was asked that changed,
/// and what a build without a cache gives in any case.
fn check(change: impl Fn(&mut MemoryTree), is_same: bool) {
    let (mut tree, kustomize, mut cache) = (tree(), Kustomize::new("app"), BuildCache::default());
    let first = cache.build(&kustomize, &tree).unwrap();
    change(&mut tree);
    let second = cache.build(&kustomize, &tree).unwrap();
    assert_eq!(Arc::ptr_eq(&first, &second), is_same);
    assert_eq!(second.digest(), kustomize.build(&tree).unwrap().digest());
}

#[test]
fn only_what_a_build_has_looked_at_makes_it_build_again() {
    check(|_| {}, true);
    check(|tree| tree.insert("other/file.yaml", "x: 1\n").unwrap(), true);
    check(|tree| tree.insert("base/config.yaml", CONFIG.replace("name: a", "name: b")).unwrap(), false);
    check(
        |tree| tree.insert("app/kustomization.yaml", "namePrefix: x-\nresources:\n- ../base\n").unwrap(),
        false,
    );
}

#[test]
fn a_new_file_in_a_generated_kustomization_is_seen() {
    let mut tree = MemoryTree::new();
    tree.insert("app/a.yaml", CONFIG).unwrap();
    let (kustomize, mut cache) = (Kustomize::new("app"), BuildCache::default());
    assert_eq!(cache.build(&kustomize, &tree).unwrap().len(), 1);
    tree.insert("app/b.yaml", CONFIG.replace("name: a", "name: b")).unwrap();
    assert_eq!(cache.build(&kustomize, &tree).unwrap().len(), 2);
    // A second kustomization file, where there was none, is an error, and is seen as well.
    tree.insert("app/kustomization.yaml", "resources:\n- a.yaml\n").unwrap();
    assert_eq!(cache.build(&kustomize, &tree).unwrap().len(), 1);
    tree.insert("app/kustomization.yml", "resources:\n- a.yaml\n").unwrap();
    assert!(cache.build(&kustomize, &tree).is_err());
}

#[test]
fn other_options_build_again() {
    let (tree, mut cache) = (tree(), BuildCache::default());
    let plain = cache.build(&Kustomize::new("app"), &tree).unwrap();
    let overlay = Overlay { namespace: Some("prod".to_owned()), ..Overlay::default() };
    let other = cache.build(&Kustomize::new("app").overlay(overlay), &tree).unwrap();
    assert_ne!(plain.digest(), other.digest());
}
