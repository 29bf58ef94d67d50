//! What the measurements share: running a peer, and printing a ratio.
#![allow(clippy::print_stdout, reason = "a measurement prints")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Builds and runs the Go program in `peers/<peer>`; gives what it prints.
///
/// # Errors
/// Fails when there is no Go, or the program fails.
pub fn go_peer(peer: &str, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(peer);
    let program: PathBuf = std::env::temp_dir().join(format!("peer-{peer}-{}", std::process::id()));
    let built =
        Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(&folder).output()?;
    if !built.status.success() {
        let why = String::from_utf8_lossy(&built.stderr).into_owned();
        return Err(format!("building peer {peer} failed: {why}").into());
    }
    let run = Command::new(&program).args(arguments).output();
    std::fs::remove_file(&program)?;
    let run = run?;
    if !run.status.success() {
        return Err(format!("peer {peer} failed: {}", String::from_utf8_lossy(&run.stderr)).into());
    }
    Ok(String::from_utf8(run.stdout)?)
}

/// Returns the shortest time that the work took in batches of five, trying again and again for `budget`.
///
/// The shortest, for whatever else the machine does only ever makes it longer.
pub fn shortest(budget: Duration, mut work: impl FnMut()) -> Duration {
    const BATCH: u32 = 5;
    work();
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while start.elapsed() < budget {
        let before = Instant::now();
        (0..BATCH).for_each(|_| work());
        best = best.min(before.elapsed() / BATCH);
    }
    best
}

/// Prints how many times faster we are than the peer, and how many times we want to be.
pub fn print_ratio(name: &str, ours: Duration, peer: Duration, want: f64) {
    let ratio = peer.as_secs_f64() / ours.as_secs_f64();
    println!("bench {name}: ours {ours:.1?} peer {peer:.1?} ratio {ratio:.2} (want ≥{want})");
}
