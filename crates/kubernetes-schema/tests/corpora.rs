//! Replays what a real API server was asked: from the stored object and the request, the managers and the
//! merged object that it answered must come out again. Read in place from `GITOPS_CORPORA`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "corpora/object.rs"]
mod object;
#[path = "corpora/replay.rs"]
mod replay;

use std::io::Read as _;
use std::path::PathBuf;

use serde_json::Value;

use replay::{Kinds, Tally};

/// Requests that are meant to be answered differently, each with its reason. They still count as failed in
/// the printed line.
const REVIEWED: &[(&str, &str)] = &[];

#[test]
fn hand_written_scripts_of_server_side_apply() {
    let Some(folder) = folder("apiserver") else { return };
    let kinds = Kinds::new(&lines(&read(folder.join("fixtures.jsonl"))));
    for area in ["ssa", "ssa-matrix"] {
        let path = folder.join(format!("scripts/{area}.jsonl"));
        if path.is_file() {
            play(area, &kinds, &lines(&read(path)));
        }
    }
}

#[test]
fn generated_cases() {
    let Some(folder) = folder("apiserver") else { return };
    let kinds = Kinds::new(&lines(&read(folder.join("fixtures.jsonl"))));
    let packed = std::fs::File::open(folder.join("generated.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    play("generated", &kinds, &lines(&text));
}

fn play(area: &str, kinds: &Kinds, scripts: &[Value]) {
    let mut tally = Tally::default();
    for script in scripts {
        kinds.play(script, &mut tally);
    }
    for (why, count) in &tally.left_out {
        println!("  not compared, {why}: {count}");
    }
    for (id, why) in &tally.failed {
        println!("failed {id}: {why}");
    }
    println!("corpus apiserver/{area}: {}/{}", tally.passed, tally.passed + tally.failed.len());
    let unexpected: Vec<_> =
        tally.failed.iter().filter(|(id, _)| !REVIEWED.iter().any(|(reviewed, _)| reviewed == id)).collect();
    assert!(unexpected.is_empty(), "{} requests of {area} failed", unexpected.len());
    assert!(tally.passed > 0, "no request of {area} could be compared");
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the folder of a corpus; without it the test is left out, but fails on CI.
fn folder(name: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let chosen = std::env::var_os("GITOPS_CORPORA");
    let folder = chosen.clone().map_or_else(|| PathBuf::from(default), PathBuf::from).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let must = chosen.is_none() && std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!must, "corpus {name} is missing: {}", folder.display());
    println!("corpus {name}: not run, no folder {}", folder.display());
    None
}
