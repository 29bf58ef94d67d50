//! Finds a corpus, runs its cases, prints and judges the outcome.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// Runs each case. `to_come` names what a case needs that is not built yet; such cases count as failed in the printed line.
pub(crate) fn run(
    name: &str,
    to_come: impl Fn(&Value) -> Option<String>,
    judge: impl Fn(&Value) -> Result<(), String>,
) {
    let Some(cases) = cases(name) else { return };
    let mut surprises = Vec::new();
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    let mut passed = 0;
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        if let Some(what) = to_come(case) {
            *waiting.entry(what).or_default() += 1;
            continue;
        }
        match judge(case) {
            Ok(()) => passed += 1,
            Err(why) => {
                println!("  failed {id}: {why}");
                surprises.push(id.to_owned());
            }
        }
    }
    let all: usize = waiting.values().sum();
    if all > 0 {
        let each: Vec<String> = waiting.iter().map(|(what, count)| format!("{what} {count}")).collect();
        println!("  to come in {name}, {all} cases: {}", each.join(", "));
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

/// The body that a case sends: as it is, or a text repeated.
pub(crate) fn body(request: &Value) -> Vec<u8> {
    match &request["bodyRepeat"] {
        Value::Null => request["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
        repeat => {
            let part = |name: &str| repeat[name].as_str().unwrap_or_default();
            let count = usize::try_from(repeat["count"].as_u64().unwrap()).unwrap();
            format!("{}{}{}", part("prefix"), part("unit").repeat(count), part("suffix")).into_bytes()
        }
    }
}

/// A Secret's data: `data` in base64 and `stringData`.
pub(crate) fn secret(object: &Value) -> gitops_notify::SecretData {
    let secret: gitops_api::k8s_openapi::api::core::v1::Secret =
        serde_json::from_value(object.clone()).unwrap();
    gitops_notify::SecretData::from(&secret)
}

/// A runtime for one case.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Says what differs.
pub(crate) fn same(what: &str, got: impl Into<Value>, want: &Value) -> Result<(), String> {
    let got = got.into();
    if got == *want { Ok(()) } else { Err(format!("{what}: got {got}, want {want}")) }
}
