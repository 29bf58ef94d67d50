//! The examples as programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds an example, if that was not done yet, and returns the program.
///
/// Cargo builds them all before it runs all tests, but not before it runs some. It is asked in the workspace's folder, as
/// `./test` asks it: for this package alone it would choose other features and build nearly everything again.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    build.current_dir(workspace).args(["build", "--quiet", "--example", name]);
    assert!(build.status().unwrap().success(), "the example {name} builds");
    // This test is PROFILE/deps/it-HASH.
    let deps = std::env::current_exe().unwrap();
    deps.ancestors().nth(2).map(|profile: &Path| profile.join("examples").join(name)).unwrap()
}
