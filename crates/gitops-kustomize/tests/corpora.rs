//! The corpora that judge this crate: kustomize's own tests, and Flux's.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gitops_kustomize::{Kustomize, LoadRestrictions, Order};
use gitops_manifest::MemoryTree;
use serde_json::Value;

/// Cases that are known to fail, one id a line; `#` begins a reason.
const KNOWN: &str = include_str!("corpora/known.txt");

fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("GITOPS_CORPORA").map(PathBuf::from);
    let base = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"));
    base.is_dir().then_some(base)
}

fn cases(name: &str) -> Option<Vec<Value>> {
    let Some(base) = folder() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpora are missing: set GITOPS_CORPORA");
        println!("corpus {name}: not run, its folder is missing; set GITOPS_CORPORA");
        return None;
    };
    let text = std::fs::read_to_string(base.join(name).join("cases.jsonl")).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Runs every case of a corpus and holds what fails against the reviewed list.
fn run(name: &str, judge: impl Fn(&Value) -> Result<(), String>) {
    let Some(cases) = cases(name) else { return };
    let known: BTreeSet<&str> = KNOWN.lines().filter(|line| !line.starts_with('#')).collect();
    let (mut passed, mut unexpected) = (0, Vec::new());
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        match judge(case) {
            Ok(()) => passed += 1,
            Err(why) => {
                let first: String = why.chars().take(if std::env::var_os("VERBOSE").is_some() { 4000 } else { 160 }).collect();
                println!("failed: {id}: {first}");
                if !known.contains(id) {
                    unexpected.push(id.to_owned());
                }
            }
        }
    }
    println!("corpus {name}: {passed}/{}", cases.len());
    assert!(unexpected.is_empty(), "not in tests/corpora/known.txt: {unexpected:#?}");
}

fn tree(files: &Value) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for (path, text) in files.as_object().into_iter().flatten() {
        tree.insert(path.trim_start_matches('/'), text.as_str().unwrap().to_owned()).unwrap();
    }
    tree
}

/// Compares a result with what a case expects.
fn compare(got: Result<String, String>, expect: &Value, trim: bool) -> Result<(), String> {
    let shape = |text: &str| if trim { text.trim().to_owned() } else { text.to_owned() };
    if let Some(output) = expect.get("output") {
        let want = shape(output.as_str().unwrap());
        let got = shape(&got.map_err(|error| format!("error instead of output: {error}"))?);
        return if got == want { Ok(()) } else { Err(format!("got:\n{got}\nwant:\n{want}")) };
    }
    let Err(error) = got else { return Err("succeeded, an error was expected".to_owned()) };
    let Some(want) = expect["error"].as_str() else { return Ok(()) };
    let holds = match expect["match"].as_str().unwrap() {
        "contains" => error.contains(want),
        "equals" => error.trim() == want.trim(),
        _ => regex::Regex::new(want).unwrap().is_match(&error),
    };
    if holds { Ok(()) } else { Err(format!("error:\n{error}\nwant:\n{want}")) }
}

fn kustomize_case(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    let id = case["id"].as_str().unwrap();
    if id.starts_with("krusty") {
        let path = input["path"].as_str().unwrap().trim_start_matches('/');
        let mut build = Kustomize::plain(path);
        if matches!(input["options"]["reorder"].as_str(), Some("legacy" | "unspecified")) {
            build = build.order(Order::Legacy);
        }
        if input["options"]["loadRestrictions"].as_str() == Some("none") {
            build = build.load_restrictions(LoadRestrictions::None);
        }
        let got = build.build(&tree(&input["files"]));
        return compare(got.map(|built| built.to_yaml()).map_err(|error| error.to_string()), &case["expect"], false);
    }
    Err("single transformers and filters are not supported yet".to_owned())
}

#[test]
fn kustomize() {
    run("kustomize", kustomize_case);
}
