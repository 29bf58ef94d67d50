//! One new commit of a repository with 20,000 files: our incremental fetch beside Flux's fresh clone.
#![allow(clippy::print_stdout, reason = "a measurement prints")]

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use benches::{Cost, GoPeer, Stopwatch, median, print_ratio, print_times, rounds};
use gitops_manifest::FileTree;
use gitops_source::git::{Checkout, GitReference, GitRemote, GitStore, resolve};
use gitops_testkit::{GitServer, Repository, install_crypto};
use serde_json::Value;

const FILES: usize = 20_000;
/// A slow machine is to be measured, not given up.
const PATIENCE: Duration = Duration::from_secs(600);
const BRANCH: &str = "main";
const CHANGED: &str = "apps/team-017/file-042.yaml";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    install_crypto();
    let server = GitServer::start().await?;
    let repository = server.repository("fleet")?;
    let mut seen = fill(&repository)?;
    let size = repository.git(&["count-objects", "-v", "-H"])?;
    let pack = size.lines().find_map(|line| line.strip_prefix("size-pack: ")).unwrap_or_default();
    println!("bench git: {FILES} files of 4 KB, pack of {pack}, {} rounds", rounds());

    let folder = tempfile::tempdir()?;
    let store = GitStore::open(folder.path())?;
    let remote = GitRemote::new(server.url("fleet")).with_timeout(PATIENCE);
    let (whole, _) = fetch(&store, &remote, &seen).await?;
    let peer =
        GoPeer::build("git").map_err(|error| println!("bench git: no peer to measure beside: {error}"));

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds() {
        let content = format!("round: {round}\n");
        let commit = repository.commit(BRANCH, &[(CHANGED, &content)])?;
        // Alternately, so that neither always finds the server's files in memory.
        if round % 2 == 1 {
            theirs.extend(clone(&peer, &server, &seen, &commit).await?);
        }
        let (cost, checkout) = fetch(&store, &remote, &commit).await?;
        if checkout.read(CHANGED)? != content {
            return Err(format!("{CHANGED} was not fetched as it was committed").into());
        }
        ours.push(cost);
        if round % 2 == 0 {
            theirs.extend(clone(&peer, &server, &seen, &commit).await?);
        }
        seen = commit;
    }

    let (one, clone) = (median(&ours), median(&theirs));
    let slowest = ours.iter().map(|cost| cost.wall).max().unwrap_or_default();
    let fastest = theirs.iter().map(|cost| cost.wall).min().unwrap_or_default();
    if theirs.is_empty() {
        println!("bench git-incremental-20000: ours {:.1?}", one.wall);
        return Ok(());
    }
    print_ratio("git-incremental-20000", one.wall, clone.wall, 50.0);
    print_times("git-incremental-20000-worst-beside-best", slowest, fastest);
    print_times("git-first-20000", whole.wall, clone.wall);
    Ok(())
}

/// Asks what the branch points to, and fetches it.
async fn fetch(store: &GitStore, remote: &GitRemote, want: &str) -> Result<(Cost, Checkout), Box<dyn Error>> {
    let watch = Stopwatch::start();
    let resolved = resolve(remote, &GitReference::branch(BRANCH)).await?;
    let checkout = store.fetch(remote, &resolved).await?;
    let cost = watch.stop();
    if resolved.commit() != want {
        return Err(format!("{} was fetched and not {want}", resolved.commit()).into());
    }
    Ok((cost, checkout))
}

async fn clone(
    peer: &Result<GoPeer, ()>,
    server: &GitServer,
    seen: &str,
    commit: &str,
) -> Result<Option<Cost>, Box<dyn Error>> {
    let Ok(peer) = peer else { return Ok(None) };
    let (url, seen) = (server.url("fleet"), format!("{BRANCH}@sha1:{seen}"));
    // The server runs in our own process, beside this thread.
    let text = tokio::task::block_in_place(|| peer.run(&[&url, BRANCH, &seen, commit]))?;
    let cost: Value = serde_json::from_str(&text)?;
    Cost::read(&cost).map(Some)
}

/// Commits the files and packs them as a hosted repository is packed; returns the commit.
fn fill(repository: &Repository) -> Result<String, Box<dyn Error>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut change = repository.change(BRANCH);
    for index in 0..FILES {
        let path = format!("apps/team-{:03}/file-{:03}.yaml", index / 100, index % 100);
        change = change.file(&path, text(&mut state));
    }
    let commit = change.commit()?;
    repository.git(&["repack", "-a", "-d", "-q"])?;
    Ok(commit)
}

/// Returns 4 KB that look like a manifest with settings, no two alike.
fn text(state: &mut u64) -> String {
    let mut text = String::from("apiVersion: v1\nkind: ConfigMap\ndata:\n");
    while text.len() < 4096 {
        // The xorshift generator of Marsaglia: the same numbers everywhere.
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        let _ = writeln!(text, "  setting-{:03}: value-{state:016x}", text.len() / 40);
    }
    text
}
