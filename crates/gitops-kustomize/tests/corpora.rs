//! The corpora that judge this crate: kustomize's own tests, and Flux's.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gitops_kustomize::{Kustomize, LoadRestrictions, Order, Substitute, expand, single};
use gitops_manifest::{Document, MemoryTree, ParseOptions, parse};
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
                let first: String = why
                    .chars()
                    .take(if std::env::var_os("VERBOSE").is_some() { 4000 } else { 160 })
                    .collect();
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
    if input.get("path").is_some() {
        let path = input["path"].as_str().unwrap().trim_start_matches('/');
        let mut build = Kustomize::plain(path);
        if matches!(input["options"]["reorder"].as_str(), Some("legacy" | "unspecified")) {
            build = build.order(Order::Legacy);
        }
        if input["options"]["loadRestrictions"].as_str() == Some("none") {
            build = build.load_restrictions(LoadRestrictions::None);
        }
        let got = build.build(&tree(&input["files"]));
        return compare(
            got.map(|built| built.to_yaml()).map_err(|error| error.to_string()),
            &case["expect"],
            false,
        );
    }
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    if id.starts_with("builtin") {
        let dir = input["root"].as_str().unwrap_or_default();
        let files = tree(&input["files"]);
        let got = match input.get("transformer") {
            Some(_) => single::transform(text("transformer"), text("resources"), &files, dir),
            None => single::generate(text("generator"), &files, dir),
        };
        return compare(
            got.map(|built| built.to_yaml()).map_err(|error| error.to_string()),
            &case["expect"],
            false,
        );
    }
    let mut name = case["feature"].as_str().unwrap().trim_start_matches("filter/").to_owned();
    if input.get("kind").is_some() {
        name.push_str("-legacy");
    }
    let got = single::filter(&name, &input["filter"], text("yaml"));
    compare(got.map_err(|error| error.to_string()), &case["expect"], true)
}

/// Substitution of a text, and of built objects.
fn envsubst_case(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let strict = input["strict"].as_bool().unwrap_or(false);
    if input.get("template").is_some() {
        let got = expand(input["template"].as_str().unwrap(), |name| match input["vars"].get(name) {
            Some(value) => Some(value.as_str().unwrap().to_owned()),
            None if strict => None,
            None => Some(String::new()),
        });
        return match (got, expect.get("output").and_then(Value::as_str)) {
            (Ok(got), Some(want)) if got == want => Ok(()),
            (Err(error), None) if error.to_string().starts_with(expect["error"].as_str().unwrap()) => Ok(()),
            (got, want) => Err(format!("got {got:?}, want {want:?}")),
        };
    }
    let built = Kustomize::plain("").build(&tree(&input["files"])).map_err(|error| error.to_string())?;
    let mut substitute = Substitute::new(variables(input));
    if !strict {
        substitute = substitute.lenient();
    }
    if input["always"].as_bool().unwrap_or(false) {
        substitute = substitute.always();
    }
    match (substitute.apply(built), expect["error"].as_str()) {
        (Err(error), Some(want)) if error.to_string().contains(want) => Ok(()),
        (Err(error), _) => Err(error.to_string()),
        (Ok(_), Some(want)) => Err(format!("succeeded, wanted {want}")),
        (Ok(got), None) => {
            let text = got.to_yaml();
            let list = |name: &str| expect[name].as_array().cloned().unwrap_or_default();
            let holds = list("contains").iter().all(|part| text.contains(part.as_str().unwrap()))
                && !list("lacks").iter().any(|part| text.contains(part.as_str().unwrap()))
                && expect["output"].as_str().is_none_or(|want| want == text);
            if holds { Ok(()) } else { Err(format!("got:\n{text}\nwant:\n{expect}")) }
        }
    }
}

/// The variables of a Flux Kustomization, from the objects it names and its own.
fn variables(input: &Value) -> std::collections::BTreeMap<String, String> {
    let read = |text: &Value| {
        let text = text.as_str().unwrap();
        let documents = parse("case", text.as_bytes(), &ParseOptions::kubectl()).unwrap();
        documents.into_iter().map(Document::into_value).find(|value| !value.is_null()).unwrap()
    };
    let objects: Vec<Value> = input["objects"].as_array().into_iter().flatten().map(read).collect();
    let flux = read(&input["kustomization"]);
    let mut variables = std::collections::BTreeMap::new();
    for reference in flux["spec"]["postBuild"]["substituteFrom"].as_array().into_iter().flatten() {
        let object = objects.iter().find(|object| {
            object["kind"] == reference["kind"] && object["metadata"]["name"] == reference["name"]
        });
        let object = object.unwrap();
        for (key, value) in object["data"].as_object().into_iter().flatten() {
            let mut text = value.as_str().unwrap().to_owned();
            if object["kind"] == "Secret" {
                text = String::from_utf8(
                    base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text).unwrap(),
                )
                .unwrap();
            }
            variables.insert(key.clone(), text);
        }
        for (key, value) in object["stringData"].as_object().into_iter().flatten() {
            variables.insert(key.clone(), value.as_str().unwrap().to_owned());
        }
    }
    for (key, value) in flux["spec"]["postBuild"]["substitute"].as_object().into_iter().flatten() {
        variables.insert(key.clone(), value.as_str().unwrap().to_owned());
    }
    variables
}

#[test]
fn envsubst() {
    run("envsubst", envsubst_case);
}

#[test]
fn kustomize() {
    run("kustomize", kustomize_case);
}
