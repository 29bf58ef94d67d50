//! Finds a corpus, runs its cases, prints and judges the outcome.

use std::path::PathBuf;

use serde_json::Value;

/// Runs each case. `reviewed` names cases that are meant to be answered differently, each with its reason; they count as
/// failed in the printed line.
pub(crate) fn run(name: &str, reviewed: &[(&str, &str)], judge: impl Fn(&Value) -> Result<(), String>) {
    let Some(cases) = cases(name) else { return };
    let mut surprises = Vec::new();
    let mut passed = 0;
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        match judge(case) {
            Ok(()) => passed += 1,
            Err(why) => {
                println!("  failed {id}: {why}");
                if !reviewed.iter().any(|(known, _)| known == &id) {
                    surprises.push(id.to_owned());
                }
            }
        }
    }
    println!("corpus {name}: {passed}/{}", cases.len());
    assert!(surprises.is_empty(), "{name}: {surprises:?}");
}

/// The cases of a corpus, or none when its folder is not there.
fn cases(name: &str) -> Option<Vec<Value>> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = std::env::var_os("GITOPS_CORPORA");
    let root = workspace.join(given.clone().unwrap_or_else(|| "../shared/corpora".into()));
    let file = root.join(name).join("cases.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        let is_ci = std::env::var("CI").as_deref() == Ok("true");
        assert!(given.is_some() || !is_ci, "corpus {name} is missing and CI=true");
        println!("corpus {name}: not run, {} is not there", file.display());
        return None;
    };
    Some(text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect())
}
