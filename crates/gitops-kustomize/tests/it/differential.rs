//! Generated trees, built here and by kustomize itself (its Go library, through `tools/kustomize-oracle`).

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use gitops_kustomize::Kustomize;
use gitops_manifest::MemoryTree;
use serde_json::{Value, json};

use crate::forest::{Tree, grow};

/// How many trees are built: always the same, so that one commit has one result. `GITOPS_FOREST_FRESH=COUNT` builds that
/// many others on top, of seeds nobody has tried; `GITOPS_FOREST_SEED=SEED` builds one again and prints it.
const FIXED: u64 = 550;

/// Returns the seeds to grow trees of.
fn seeds() -> Vec<u64> {
    let asked = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    if let Some(again) = asked("GITOPS_FOREST_SEED") {
        return vec![again];
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() << 16;
    (0..FIXED).chain((0..asked("GITOPS_FOREST_FRESH").unwrap_or(0)).map(|at| now + at)).collect()
}

/// Returns the oracle, built when it must be, or nothing when there is no Go.
fn oracle() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("GITOPS_KUSTOMIZE_ORACLE") {
        return Some(given.into());
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/kustomize-oracle");
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kustomize-oracle");
    let built = Command::new("go").args(["build", "-o"]).arg(&binary).arg(".").current_dir(source).status();
    match built {
        Ok(status) if status.success() => Some(binary),
        other => {
            let ci = std::env::var("CI").as_deref() == Ok("true");
            assert!(!ci, "kustomize's oracle cannot be built: {other:?}");
            eprintln!("kustomize trees: not run, the oracle cannot be built without Go ({other:?})");
            None
        }
    }
}

fn ours(tree: &Tree) -> Result<String, String> {
    let mut files = MemoryTree::new();
    for (path, text) in &tree.files {
        files.insert(path.as_str(), text.clone()).unwrap();
    }
    Kustomize::plain(&tree.path).build(&files).map(|built| built.to_yaml()).map_err(|error| error.to_string())
}

#[test]
fn generated_trees_build_as_kustomize_builds_them() {
    let Some(oracle) = oracle() else { return };
    let mut child = Command::new(oracle)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    let (mut equal, mut refused, mut differ) = (0, 0, Vec::new());
    let mut reasons = std::collections::BTreeMap::new();
    let seeds = seeds();
    let again = seeds.len() == 1;
    for seed in seeds {
        let tree = grow(seed);
        if again {
            tree.files.iter().for_each(|(path, text)| eprintln!("## {path}\n{text}"));
        }
        let ours = ours(&tree);
        writeln!(to, "{}", json!({"files": tree.files, "path": tree.path})).unwrap();
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        let theirs: Value = serde_json::from_str(&line).unwrap();
        match (&ours, theirs["output"].as_str()) {
            (Ok(ours), Some(theirs)) if ours == theirs => equal += 1,
            (Err(error), None) => {
                refused += 1;
                let said: String = error.chars().rev().take(60).collect();
                *reasons.entry(said.chars().rev().collect::<String>()).or_insert(0) += 1;
            }
            _ => differ.push((seed, ours, theirs)),
        }
    }
    drop(to);
    child.wait().unwrap();
    for (seed, ours, theirs) in &differ {
        eprintln!("seed {seed}\n--- ours\n{ours:?}\n--- theirs\n{theirs}\n");
    }
    println!("kustomize trees: {equal} equal, {refused} refused by both, {} differ", differ.len());
    if std::env::var_os("VERBOSE").is_some() {
        reasons.iter().for_each(|(reason, count)| println!("{count} times …{reason}"));
    }
    assert!(differ.is_empty(), "seeds {:?}", differ.iter().map(|(seed, ..)| seed).collect::<Vec<_>>());
    assert!(again || refused * 5 < equal + refused, "four of five trees should build");
}
