//! Holds the crate against the cases of the Go library structured-merge-diff, read in place from
//! `GITOPS_CORPORA`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "corpora/case.rs"]
mod case;
#[path = "corpora/scenario.rs"]
mod scenario;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use case::Corpus;

/// Cases that are meant to be answered differently, each with its reason. They still count as failed in
/// the printed line.
const REVIEWED: &[(&str, &str)] = &[];

#[test]
fn smd() {
    let Some(folder) = folder("smd") else { return };
    let corpus = Corpus::new(folder);
    let mut features: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failed = Vec::new();
    for case in corpus.cases() {
        let (feature, id) = (case["feature"].as_str().unwrap(), case["id"].as_str().unwrap());
        let (passed, total) = features.entry(feature.to_owned()).or_default();
        *total += 1;
        match corpus.run(feature, &case) {
            Ok(()) => *passed += 1,
            Err(why) => failed.push((id.to_owned(), why)),
        }
    }
    for (feature, (passed, total)) in &features {
        println!("  {feature}: {passed}/{total}");
    }
    for (id, why) in &failed {
        println!("failed {id}: {why}");
    }
    let (passed, total) = features.values().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    println!("corpus smd: {passed}/{total}");
    let unexpected: Vec<_> =
        failed.iter().filter(|(id, _)| !REVIEWED.iter().any(|(reviewed, _)| reviewed == id)).collect();
    assert!(unexpected.is_empty(), "{} cases failed", unexpected.len());
    assert!(total > 0, "the corpus is empty");
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

/// Fails with both sides when they differ.
fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, want: &T) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what}: got {got:?}, want {want:?}")) }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {value}"))
}
