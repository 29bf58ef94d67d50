//! Recorded controllers as judges: what kustomize-controller made of YAML's scalars.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "it/beside.rs"]
mod beside;

use std::path::{Path, PathBuf};

use gitops_manifest::{Object, ParseOptions, parse, parse_objects};
use serde_json::Value;

/// Returns the folder of a corpus; without one a stranger's clone runs everything else.
fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GITOPS_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"), PathBuf::from);
    if root.join(name).is_dir() {
        return Some(root.join(name));
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true") || std::env::var_os("GITOPS_CORPORA").is_some(),
        "no corpora in {}",
        root.display()
    );
    println!("corpus {name}: not run, there is no folder {}", root.join(name).display());
    None
}

/// Returns the fields below `data` and `spec` as the recordings name them: one path for each value.
fn leaves(prefix: String, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                leaves(format!("{prefix}.{key}"), value, out);
            }
        }
        _ => out.push((prefix, value.clone())),
    }
}

/// Returns the objects of the files that a scenario commits in its first step.
fn committed(scenario: &Value) -> Vec<Object> {
    let mut objects = Vec::new();
    for step in scenario["steps"].as_array().unwrap() {
        let Some(files) = step.get("git").and_then(|git| git["files"].as_object()) else { continue };
        for (name, content) in files.iter().filter(|(name, _)| name.ends_with(".yaml")) {
            let text = content.as_str().unwrap_or_default();
            objects.extend(parse_objects(name, text.as_bytes(), &ParseOptions::kustomize()).unwrap());
        }
    }
    objects
}

#[test]
fn scalars_reach_the_api_server_as_kustomize_controller_sends_them() {
    let Some(folder) = corpus("flux-e2e") else { return };
    let path = folder.join("scenarios/ks-yaml-kinds.yaml");
    let Ok(text) = std::fs::read(&path) else {
        println!("corpus flux-e2e/ks-yaml-kinds: not run, there is no {}", path.display());
        return;
    };
    let scenario =
        parse("ks-yaml-kinds.yaml", &text, &ParseOptions::kustomize()).unwrap().remove(0).into_value();
    let record = std::fs::read_to_string(folder.join("records/ks-yaml-kinds.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let (mut passed, mut total) = (0, 0);
    for object in committed(&scenario) {
        let name = format!("{}/{}", object.kind(), object.name());
        let managed = &record["snapshots"]["end"]["must"][&name]["managers"]["kustomize-controller Apply"];
        let mut fields = Vec::new();
        for part in ["data", "spec"] {
            object
                .value()
                .get(part)
                .into_iter()
                .for_each(|value| leaves(part.to_owned(), value, &mut fields));
        }
        for (field, got) in fields {
            total += 1;
            if managed.get(&field) == Some(&got) {
                passed += 1;
            } else {
                println!("failed: {name} {field}: got {got}, recorded {:?}", managed.get(&field));
            }
        }
    }
    println!("corpus flux-e2e/ks-yaml-kinds: {passed}/{total}");
    assert!(total > 0 && passed == total);
}

#[test]
fn every_yaml_file_of_the_scenarios_is_read() {
    let Some(folder) = corpus("flux-e2e") else { return };
    let (mut passed, mut total) = (0, 0);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder.join("scenarios")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
        total += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match parse(&name, &std::fs::read(path).unwrap(), &ParseOptions::kubectl()) {
            Ok(_) => passed += 1,
            Err(error) => println!("failed: {error}"),
        }
    }
    println!("corpus flux-e2e/scenarios as YAML: {passed}/{total}");
    assert_eq!(passed, total);
}

/// Adds every text of several lines that a record holds.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains('\n') => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(map) => map.values().for_each(|item| texts(item, out)),
        _ => {}
    }
}

/// Adds the texts of the files below a folder: YAML as it is, and what stands inside of JSON.
fn gather(folder: &Path, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, out);
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => out.push(text),
            Some("json" | "jsonl") => {
                let records = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
                records.map_while(Result::ok).for_each(|record| texts(&record, out));
            }
            _ => {}
        }
    }
}

#[test]
fn every_text_of_the_usual_yaml_is_read_as_the_full_parser_reads_it() {
    for name in ["kustomize", "flux-e2e", "flux-crds", "flux-build", "setters"] {
        let Some(folder) = corpus(name) else { continue };
        let mut files = Vec::new();
        gather(&folder, &mut files);
        let (mut usual, mut total) = (0, 0);
        for file in &files {
            for document in file.replace("\r\n", "\n").split_inclusive("\n---\n") {
                let document = document.strip_suffix("---\n").unwrap_or(document);
                total += 1;
                usual += usize::from(beside::check(document));
            }
        }
        // A difference ends the test; the others are read by the full parser alone.
        println!("texts of {name}: {usual} of {total} are usual, each is read as the full parser reads it");
        assert!(usual > 0);
    }
}
