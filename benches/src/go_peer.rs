//! The peers: Go programs in `peers/` that do the same work with others' packages.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A Go program of `peers/`, built once and run as often as wanted.
pub struct GoPeer {
    name: &'static str,
    folder: TempDir,
}

impl GoPeer {
    /// Builds the program in `peers/<name>`.
    ///
    /// # Errors
    /// Fails when there is no Go, or the program does not build.
    pub fn build(name: &'static str) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name);
        let peer = Self { name, folder };
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(peer.program())
            .arg(".")
            .current_dir(&source)
            .output()
            .map_err(|error| format!("go cannot be run: {error}"))?;
        if built.status.success() {
            Ok(peer)
        } else {
            Err(format!("building peer {name} failed: {}", String::from_utf8_lossy(&built.stderr)).into())
        }
    }

    /// Runs the program and gives what it prints.
    ///
    /// # Errors
    /// Fails when the program does, with what it said.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
        let run = Command::new(self.program()).args(arguments).output()?;
        if run.status.success() {
            Ok(String::from_utf8(run.stdout)?)
        } else {
            Err(format!("peer {} failed: {}", self.name, String::from_utf8_lossy(&run.stderr)).into())
        }
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("peer")
    }
}

/// Builds the Go program in `peers/<name>` and runs it once; gives what it prints.
///
/// # Errors
/// Fails when there is no Go, or the program fails.
pub fn go_peer(name: &'static str, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    GoPeer::build(name)?.run(arguments)
}
