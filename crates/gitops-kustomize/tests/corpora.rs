//! The corpora that judge this crate: kustomize's own tests, and Flux's.
//!
//! Each is a file `cases.jsonl` in a folder of its name below `GITOPS_CORPORA`, one JSON object a line with `id`, `input`
//! and `expect`; `tests/README.md` has the form, so that other files can be dropped in.
//! `cargo test -p gitops-kustomize --test corpora -- --nocapture` prints a line for each corpus and names what failed;
//! `VERBOSE=1` shows what was wanted.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

// The rules of a crate that this one may not depend on, not even in its tests: the build takes any predicate.
#[path = "../../gitops-source/src/ignore/mod.rs"]
#[allow(dead_code, unreachable_pub)] // what artifacts need and builds do not
mod ignore;

#[path = "corpora/sops.rs"]
mod sops;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gitops_api::kustomize_v1::KustomizationSpec;
use gitops_kustomize::{
    Kustomize, LoadRestrictions, Order, Overlay, Substitute, expand, find_kustomization, is_local, mask_sops,
    single,
};
use gitops_manifest::{
    Document, EntryKind, Manifests, MemoryTree, Object, ParseOptions, parse, parse_objects, to_yaml,
};
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

/// Flux's additions: generation, the overlay of a Flux Kustomization, and what `flux build` prints.
fn flux_build_case(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    match case["feature"].as_str().unwrap() {
        "local-path" if is_local(text("path")) == expect["local"].as_bool().unwrap() => return Ok(()),
        "local-path" => return Err("answered otherwise".to_owned()),
        "mask-sops" => {
            let mut objects =
                parse_objects("case", text("yaml").as_bytes(), &ParseOptions::kustomize()).unwrap();
            mask_sops(&mut objects[0]);
            let got = to_yaml(objects[0].value());
            return if got == expect["output"] { Ok(()) } else { Err(got) };
        }
        "find-kustomization" => {
            let found = find_kustomization("case", text("yaml").as_bytes(), text("name"), text("namespace"));
            return match (found, expect["error"].as_str()) {
                (Ok(found), None) => {
                    let found = Object::new(serde_json::to_value(found).unwrap()).unwrap();
                    hold(&vec![found].into(), expect)
                }
                (Err(error), Some(want)) if error.to_string().contains(want) => Ok(()),
                (found, want) => Err(format!("found {found:?}, want {want:?}")),
            };
        }
        _ => {}
    }
    let base = input["base"].as_str().unwrap_or(".").trim_start_matches('.').trim_matches('/');
    let mut files = MemoryTree::new();
    for (path, text) in input["files"].as_object().into_iter().flatten() {
        let below =
            if base.is_empty() { Some(path.as_str()) } else { path.strip_prefix(&format!("{base}/")) };
        if let Some(below) = below {
            files.insert(below, text.as_str().unwrap().to_owned()).unwrap();
        }
    }
    let path = text("path").trim_start_matches(base).trim_start_matches('/');
    // The folder exists, even when nothing is in it.
    let inside = path.trim_matches(['.', '/']);
    files.insert(format!("{inside}/.keep").trim_start_matches('/'), "").unwrap();
    let flux: Option<KustomizationSpec> = input["kustomization"]
        .as_str()
        .map(|text| serde_json::from_value(read_one(text)["spec"].clone()).unwrap());
    let rules = rules(&files, inside, input);
    let excluding = |kustomize: Kustomize| match rules.clone() {
        Some(rules) => kustomize.exclude(move |path, kind| rules.ignores(path, kind == EntryKind::Directory)),
        None => kustomize,
    };
    if case["feature"] == "scan" {
        let got = excluding(Kustomize::new(path)).kustomization(&files);
        if expect.get("error").is_some() {
            return got.map_or(Ok(()), |_| Err("succeeded".to_owned()));
        }
        let got = got.map_err(|error| error.to_string())?;
        let list = |value: &Value| -> BTreeSet<String> {
            let texts = value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap());
            texts.map(|text| text.trim_start_matches("./").to_owned()).collect()
        };
        let want: BTreeSet<String> = list(&expect["scanned"])
            .into_iter()
            .map(|want| want.trim_start_matches(path).trim_start_matches('/').to_owned())
            .collect();
        return if list(&got["resources"]) == want { Ok(()) } else { Err(format!("{got}, want {want:?}")) };
    }
    let kustomize = match &flux {
        Some(spec) => excluding(Kustomize::new(path).overlay(Overlay::from(spec))),
        None => Kustomize::plain(path).load_restrictions(LoadRestrictions::None).keep_builtin_schemas(),
    };
    if let Some(generated) = expect["generated"].as_object() {
        let got = kustomize.kustomization(&files).map_err(|error| error.to_string())?;
        for (field, want) in generated {
            if got.get(field).unwrap_or(&Value::Null) != want {
                return Err(format!("{field} is {:?}, want {want}", got.get(field)));
            }
        }
        if generated.len() + 1 > expect.as_object().unwrap().len() && expect.as_object().unwrap().len() == 1 {
            return Ok(());
        }
    }
    let built = kustomize.build(&files).map_err(|error| error.to_string());
    let built = match (built, expect.get("error").or(expect.get("buildError"))) {
        (Err(error), Some(want)) if want.as_str().is_none_or(|want| error.contains(want)) => return Ok(()),
        (Err(error), _) => return Err(error),
        (Ok(_), Some(_)) => return Err("succeeded".to_owned()),
        (Ok(built), None) => built,
    };
    let built = if case["feature"] == "build" { as_printed(input, built)? } else { built };
    hold(&built, expect)
}

/// Does what `flux build` does after the build itself.
fn as_printed(input: &Value, built: Manifests) -> Result<Manifests, String> {
    let mut objects = built.into_objects();
    for object in &mut objects {
        object.set_label("kustomize.toolkit.fluxcd.io/name", input["name"].as_str().unwrap());
        object.set_label("kustomize.toolkit.fluxcd.io/namespace", input["namespace"].as_str().unwrap());
    }
    let flux = read_one(input["kustomization"].as_str().unwrap());
    let mut substitute = Substitute::new(variables(input)).lenient();
    if flux["spec"]["postBuild"]["substituteStrategy"] == "Always" {
        substitute = substitute.always();
    }
    let substituted = substitute.apply(objects.into()).map_err(|error| error.to_string())?;
    let mut objects = substituted.into_objects();
    objects.iter_mut().for_each(mask_sops);
    Ok(objects.into())
}

fn hold(built: &Manifests, expect: &Value) -> Result<(), String> {
    if let Some(want) = expect["output"].as_str() {
        let printed: String =
            built.iter().map(|object| format!("{}---\n", to_yaml(object.value()))).collect();
        if printed != want && built.to_yaml() != want {
            return Err(format!("got:\n{printed}\nwant:\n{want}"));
        }
    }
    if let Some(want) = expect["resourceCount"].as_u64()
        && built.len() as u64 != want
    {
        return Err(format!("{} resources, want {want}", built.len()));
    }
    for (pointer, want) in expect["fields"].as_object().into_iter().flatten() {
        let got = built[0].value().pointer(pointer).unwrap_or(&Value::Null);
        let both_empty = want.is_null() && (got == "" || got.is_null());
        if got != want && !both_empty {
            return Err(format!("{pointer} is {got}, want {want}"));
        }
    }
    let text = built.to_yaml();
    match expect["contains"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|part| !text.contains(part.as_str().unwrap()))
    {
        Some(part) => Err(format!("{part} is not in\n{text}")),
        None => Ok(()),
    }
}

fn read_one(text: &str) -> Value {
    let documents = parse("case", text.as_bytes(), &ParseOptions::kubectl()).unwrap();
    documents.into_iter().map(Document::into_value).find(|value| !value.is_null()).unwrap()
}

/// Returns the ignore rules of a folder and its case; nothing when ignore files are not consulted.
fn rules(files: &MemoryTree, folder: &str, input: &Value) -> Option<ignore::IgnoreRules> {
    let given = match (&input["ignore"], &input["options"]["ignorePaths"]) {
        (Value::String(text), _) => text.clone(),
        (_, Value::Array(lines)) => {
            lines.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
        }
        _ => return None,
    };
    let mut rules = ignore::IgnoreRules::defaults(ignore::Defaults::All, folder);
    let below =
        files.files().filter_map(|(path, text)| Some((path.strip_suffix(ignore::IGNORE_FILE)?, text)));
    for (dir, text) in below.filter(|(dir, _)| dir.starts_with(folder)) {
        rules.push_text(&String::from_utf8_lossy(text), dir.trim_end_matches('/'));
    }
    rules.push_text(&given, folder);
    Some(rules)
}

#[test]
fn flux_build() {
    run("flux-build", flux_build_case);
}

#[test]
fn envsubst() {
    run("envsubst", envsubst_case);
}

#[test]
fn kustomize() {
    run("kustomize", kustomize_case);
}
