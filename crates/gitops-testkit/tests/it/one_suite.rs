//! One suite, two clusters: no test of the workspace knows which cluster it has.

use std::collections::BTreeMap;
use std::path::Path;

use crate::layout::{root, sources};

/// The files whose tests are only for a real control plane, with their number and the reason.
const ONLY_ASSETS: &[(&str, usize, &str)] = &[
    ("crates/gitops-testkit/tests/it/control_plane.rs", 2, "about the servers as processes and their logs"),
    ("crates/gitops-testkit/tests/it/killed.rs", 1, "about processes that must not outlive ours"),
];

/// What only those who know the cluster say.
const KNOWS: &[&str] = &["ControlPlane", "Sandbox::", "require_assets", "GITOPS_CLUSTER"];

/// Returns the files of tests that a cluster could be in, with their text; the sandbox's own are about the sandbox.
fn tests() -> BTreeMap<String, String> {
    let folders = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.chain([root().join("examples")]);
    let mut found = BTreeMap::new();
    for folder in folders.filter(|folder| !folder.ends_with("gitops-sandbox")) {
        let tests = folder.join("tests");
        if !tests.is_dir() {
            continue;
        }
        for path in sources(&tests).into_iter().filter(|path| path.is_file()) {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.insert(name, std::fs::read_to_string(path).unwrap());
        }
    }
    found
}

#[test]
fn no_test_names_what_is_behind_its_cluster() {
    let tests = tests();
    let users = tests.values().filter(|text| text.contains("require_cluster()")).count();
    assert!(users > 5, "the tests have been found");
    let mut wrong = Vec::new();
    for (name, text) in &tests {
        let own = Path::new(file!()).file_name() == Path::new(name).file_name();
        if own || ONLY_ASSETS.iter().any(|(known, ..)| known == name) {
            continue;
        }
        let lines = text.lines().enumerate();
        for (number, line) in lines.filter(|(_, line)| KNOWS.iter().any(|word| line.contains(word))) {
            wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
        }
    }
    assert!(wrong.is_empty(), "these know which cluster they have:\n{}", wrong.join("\n"));
}

#[test]
fn the_tests_that_are_only_for_a_real_control_plane_are_counted() {
    let tests = tests();
    for (name, count, reason) in ONLY_ASSETS {
        let found = tests.get(*name).unwrap_or_else(|| panic!("{name} is not there"));
        let found = found.matches("= require_assets() else").count();
        assert_eq!(found, *count, "{name} ({reason})");
    }
}
