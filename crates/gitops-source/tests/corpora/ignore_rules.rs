//! The corpus `sourceignore`.

use std::collections::BTreeMap;
use std::io::Read;

use gitops_manifest::MemoryTree;
use gitops_source::artifact::{PackOptions, pack};
use gitops_source::ignore::{Defaults, IgnoreRules, Verdict};
use serde_json::{Value, json};

pub(crate) fn judge(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    match case["feature"].as_str().unwrap() {
        "file" | "defaults" => verdict(&rules(input), input, expect),
        "pattern" => {
            let rules = rules(input);
            verdict(&rules, input, expect)?;
            let told = match rules.verdict(path(input), is_dir(input)) {
                Verdict::Exclude => "exclude",
                Verdict::Include => "include",
                Verdict::None => "none",
            };
            same("match", &json!(told), &expect["match"])
        }
        "parse" => {
            let mut rules = IgnoreRules::none();
            rules.push_text(input["text"].as_str().unwrap(), &domain(&input["domain"]));
            let told: Vec<Value> =
                rules.patterns().iter().map(|p| json!({"pattern": p.text(), "domain": p.domain()})).collect();
            same("patterns", &json!(told), &expect["patterns"])
        }
        "nested" => {
            let mut rules = defaults(input);
            rules.push_tree(&tree(&input["files"])).unwrap();
            verdict(&rules, input, expect)
        }
        "archive" => archive(input, expect),
        other => Err(format!("unknown feature {other}")),
    }
}

fn path(input: &Value) -> &str {
    input["path"].as_str().unwrap()
}

fn is_dir(input: &Value) -> bool {
    input["is_dir"].as_bool().unwrap()
}

fn verdict(rules: &IgnoreRules, input: &Value, expect: &Value) -> Result<(), String> {
    same("ignored", &json!(rules.ignores(path(input), is_dir(input))), &expect["ignored"])
}

fn same(what: &str, got: &Value, want: &Value) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what}: want {want}, got {got}")) }
}

fn domain(elements: &Value) -> String {
    let elements: Vec<&str> =
        elements.as_array().into_iter().flatten().map(|e| e.as_str().unwrap()).collect();
    elements.join("/")
}

fn defaults(input: &Value) -> IgnoreRules {
    let defaults = match input["defaults"].as_str().unwrap() {
        "none" => Defaults::None,
        "vcs" => Defaults::Vcs,
        "all" => Defaults::All,
        other => panic!("unknown defaults {other}"),
    };
    IgnoreRules::defaults(defaults, &domain(&input["defaults_domain"]))
}

fn rules(input: &Value) -> IgnoreRules {
    let mut rules = defaults(input);
    for source in input["sources"].as_array().unwrap() {
        rules.push_text(source["text"].as_str().unwrap(), &domain(&source["domain"]));
    }
    rules
}

/// Files are given as their content or as content and mode.
fn tree(files: &Value) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for (path, file) in files.as_object().unwrap() {
        let content = file.as_str().or_else(|| file["content"].as_str()).unwrap().to_owned();
        let mode = file["mode"].as_str().map_or(0o600, |m| u32::from_str_radix(m, 8).unwrap());
        if mode & 0o111 == 0 { tree.insert(path, content) } else { tree.insert_executable(path, content) }
            .unwrap();
    }
    tree
}

fn archive(input: &Value, expect: &Value) -> Result<(), String> {
    let rules = if input["filter"].is_null() { IgnoreRules::none() } else { rules(&input["filter"]) };
    let mut bytes = Vec::new();
    pack(&tree(&input["files"]), &rules, &PackOptions::default(), &mut bytes).map_err(|e| e.to_string())?;
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
    let (mut files, mut dirs) = (BTreeMap::new(), BTreeMap::new());
    for entry in tar::Archive::new(plain.as_slice()).entries().unwrap() {
        let entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mode = format!("{:04o}", entry.header().mode().unwrap());
        if entry.header().entry_type().is_dir() {
            dirs.insert(name, json!(mode));
        } else {
            files.insert(name, json!({"size": entry.size(), "mode": mode}));
        }
    }
    for (kind, found) in [("files", &files), ("dirs", &dirs)] {
        for (path, want) in expect[kind].as_object().unwrap() {
            same(path, found.get(path).unwrap_or(&Value::Null), want)?;
        }
    }
    for (kind, found) in [("absent", &files), ("absent_dirs", &dirs)] {
        for path in expect[kind].as_array().unwrap() {
            if found.contains_key(path.as_str().unwrap()) {
                return Err(format!("{path} is in the archive"));
            }
        }
    }
    Ok(())
}
