//! Plays recorded requests against the sandbox and holds its answers to those of a real API server. The scripts
//! are read in place from `GITOPS_CORPORA`, the player is found by `GITOPS_TOOLS`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "corpora/reviewed.rs"]
mod reviewed;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use gitops_sandbox::{Sandbox, Security};

use reviewed::REVIEWED;

const TOKEN: &str = "t";

#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_the_api_server_alone() {
    let Some((corpus, tool)) = found() else { return };
    let sandbox = Sandbox::builder().token(TOKEN).without_controllers().start();
    play(&sandbox, &corpus, &tool, "apiserver").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_with_controllers() {
    let Some((corpus, tool)) = found() else { return };
    let sandbox = Sandbox::builder().token(TOKEN).start();
    play(&sandbox, &corpus, &tool, "controller-manager").await;
}

async fn play(sandbox: &Sandbox, corpus: &Path, tool: &Path, needs: &str) {
    let listener = sandbox.listen("127.0.0.1:0".parse().unwrap(), Security::Plain).await.unwrap();
    // A Python that can read YAML; not every machine's first one can.
    let python = std::env::var_os("GITOPS_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    command.arg(tool).arg("check").arg(corpus).args([
        "--needs",
        needs,
        "--workers",
        "3",
        "--show",
        "1000000",
    ]);
    command.arg("--fixtures").arg(corpus.join("fixtures.jsonl"));
    command.args(["--server", &listener.url(), "--token", TOKEN]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    // `ID: step N [must] PATH: expected …`, then one line an area: `AREA SCRIPTS MUST …`.
    let (differences, tally) = text.split_once("area  ").unwrap_or_else(|| panic!("{text}{errors}"));
    let mut failed: BTreeSet<&str> = BTreeSet::new();
    for line in differences.lines().filter(|line| line.contains(" [must] ")) {
        if let Some((id, _)) = line.split_once(": step ") {
            failed.insert(id);
        }
    }
    for line in tally.lines().skip(1) {
        let parts: Vec<&str> = line.split_whitespace().collect();
        if let [area, scripts, equal, ..] = parts.as_slice()
            && scripts.parse::<usize>().is_ok()
            && *area != "total"
        {
            println!("corpus apiserver/{area}: {equal}/{scripts}");
        }
    }
    for id in &failed {
        let why =
            REVIEWED.iter().find(|(reviewed, _)| is_it(reviewed, id)).map_or("NOT REVIEWED", |(_, why)| why);
        println!("failed {id}: {why}");
    }
    let unexpected: Vec<_> =
        failed.iter().filter(|id| !REVIEWED.iter().any(|(reviewed, _)| is_it(reviewed, id))).collect();
    assert!(unexpected.is_empty(), "{} scripts failed: {unexpected:?}", unexpected.len());
}

/// An entry that ends in `*` stands for all scripts whose names begin so.
fn is_it(reviewed: &str, id: &str) -> bool {
    match reviewed.strip_suffix('*') {
        Some(prefix) => id.starts_with(prefix),
        None => reviewed == id,
    }
}

/// Returns the corpus and its player; without them the test is left out, but fails on CI.
fn found() -> Option<(PathBuf, PathBuf)> {
    let place = |variable: &str, default: &str| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(default);
        std::env::var_os(variable).map_or(root, PathBuf::from)
    };
    let corpus = place("GITOPS_CORPORA", "corpora").join("apiserver");
    let tool = place("GITOPS_TOOLS", "tools").join("apiserver-transcripts/transcripts.py");
    if corpus.is_dir() && tool.is_file() {
        return Some((corpus, tool));
    }
    let must =
        std::env::var_os("GITOPS_CORPORA").is_none() && std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!must, "corpus apiserver or its player is missing: {}, {}", corpus.display(), tool.display());
    println!("corpus apiserver: not run, no {} or no {}", corpus.display(), tool.display());
    None
}
