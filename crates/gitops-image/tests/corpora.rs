//! The corpora that judge this crate: the tests of Flux's image controllers.
//!
//! Each is a file `cases.jsonl` in a folder of its name below `GITOPS_CORPORA`, one JSON object a line with `id`, `feature`,
//! `input` and `expect`; the `README.md` beside it says what they hold. Other files of the same form can be dropped in.
//! `cargo test -p gitops-image --test corpora -- --nocapture` prints a line for each corpus and names what failed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gitops_api::image_v1::{ImagePolicyChoice, ImageRef, TagFilter, UpdateStrategy};
use gitops_image::policy::{Filter, Policy, Rule as _, Semver, ready_message};
use gitops_image::setter::{Change, EditLimits, Edits, MARKER_TOKEN, ObjectName, Record, Setters};
use gitops_image::setter::{changes_by_object, distinct_changes, marked_files};
use gitops_image::{ExclusionList, ImageError, TagSet, push_summary};
use gitops_manifest::{MemoryTree, ParseOptions, parse};
use serde_json::{Value, json};

/// Cases that are answered differently, one id a line; `#` begins a reason.
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
                println!("failed: {id}: {why}");
                if !known.contains(id) {
                    unexpected.push(id.to_owned());
                }
            }
        }
    }
    println!("corpus {name}: {passed}/{}", cases.len());
    assert!(unexpected.is_empty(), "not in tests/corpora/known.txt: {unexpected:#?}");
}

fn same(got: impl Into<Value>, want: &Value) -> Result<(), String> {
    let got = got.into();
    if got == *want { Ok(()) } else { Err(format!("got {got}, want {want}")) }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Compares a result with `error`, `error_contains`, or the member of `expect` that holds what is wanted.
fn outcome(got: Result<Value, String>, expect: &Value, member: &str) -> Result<(), String> {
    match (got, expect["error"] == true) {
        (Ok(got), false) => same(got, &expect[member]),
        (Ok(got), true) => Err(format!("got {got}, an error is wanted")),
        (Err(error), false) => Err(format!("error: {error}")),
        (Err(error), true) => match expect["error_contains"].as_str().or(expect["error_text"].as_str()) {
            Some(part) if !error.contains(part) => Err(format!("error {error:?} lacks {part:?}")),
            _ => Ok(()),
        },
    }
}

fn policy(input: &Value) -> Result<Policy, ImageError> {
    let choice: ImagePolicyChoice = serde_json::from_value(input["policy"].clone()).unwrap();
    let filter: Option<TagFilter> = serde_json::from_value(input["filterTags"].clone()).unwrap();
    Policy::of(&choice, filter.as_ref())
}

fn image(value: &Value) -> ImageRef {
    let text = |member: &str| value[member].as_str().unwrap_or_default().to_owned();
    let name = if value["image"].is_string() { text("image") } else { text("name") };
    ImageRef { name, tag: text("tag"), digest: Some(text("digest")) }
}

fn image_policy_case(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    match case["feature"].as_str().unwrap() {
        "semver" | "alphabetical" | "numerical" | "policy" => {
            let tags = TagSet::new(texts(&input["tags"])).unwrap();
            let latest = policy(input).and_then(|policy| Ok(policy.decide(&tags).into_latest()?.to_owned()));
            outcome(latest.map(Value::from).map_err(|error| error.to_string()), expect, "latest")
        }
        "construct" => same(policy(input).is_ok(), &expect["valid"]),
        "filter" => {
            let text = |member: &str| input["filterTags"][member].as_str().unwrap().to_owned();
            let filter = Filter::new(&text("pattern"), &text("extract")).unwrap();
            let tags = texts(&input["tags"]);
            let extracted: BTreeSet<String> =
                tags.iter().filter_map(|tag| filter.extract(tag)).map(|text| text.into_owned()).collect();
            same(extracted.into_iter().collect::<Vec<_>>(), &expect["filtered"])
        }
        "exclusion" => {
            let left = ExclusionList::new(texts(&input["exclusionList"])).map(|list| {
                let tags = texts(&input["tags"]);
                json!(tags.into_iter().filter(|tag| !list.excludes(tag)).collect::<Vec<_>>())
            });
            outcome(left.map_err(|error| error.to_string()), expect, "tags")
        }
        "latest-tags" => {
            same(TagSet::new(texts(&input["tags"])).unwrap().latest_tags(), &expect["latestTags"])
        }
        "parse-version" => {
            // Every version is in this range, so what is refused is no version.
            let all = Semver::new(">=0.0.0-0").unwrap();
            same(all.refusal(input["version"].as_str().unwrap()).is_none(), &expect["ok"])
        }
        "ready-message" => {
            let previous = image(&input["previous"]);
            let previous = (!previous.name.is_empty()).then_some(&previous);
            same(ready_message(&image(&input["latest"]), previous), &expect["message"])
        }
        other => Err(format!("no judge for the feature {other}")),
    }
}

#[test]
fn image_policy() {
    run("image-policy", image_policy_case);
}

fn tree(files: &Value) -> MemoryTree {
    let mut tree = MemoryTree::new();
    tree.insert_directory("").unwrap();
    for (path, text) in files.as_object().unwrap() {
        tree.insert(path, text.as_str().unwrap().to_owned()).unwrap();
    }
    tree
}

fn object(value: &Value) -> ObjectName {
    let text = |member: &str| value[member].as_str().unwrap().to_owned();
    ObjectName {
        api_version: text("apiVersion"),
        kind: text("kind"),
        namespace: text("namespace"),
        name: text("name"),
    }
}

fn object_json(object: &ObjectName) -> Value {
    json!({"apiVersion": object.api_version, "kind": object.kind, "namespace": object.namespace, "name": object.name})
}

fn change(value: &Value) -> Change {
    let text = |member: &str| value[member].as_str().unwrap().to_owned();
    Change { old: text("old"), new: text("new"), setter: text("setter") }
}

fn change_json(change: &Change) -> Value {
    json!({"old": change.old, "new": change.new, "setter": change.setter})
}

/// Returns the list in an order that depends on what is in it alone.
fn sorted(list: impl IntoIterator<Item = Value>) -> Vec<String> {
    let mut list: Vec<String> = list.into_iter().map(|value| value.to_string()).collect();
    list.sort();
    list
}

fn same_set(what: &str, got: Vec<Value>, want: &Value) -> Result<(), String> {
    let (got, want) = (sorted(got), sorted(want.as_array().unwrap().iter().cloned()));
    if got == want { Ok(()) } else { Err(format!("{what}: got {got:?}, want {want:?}")) }
}

fn setters(input: &Value) -> Setters {
    input["policies"].as_object().unwrap().iter().fold(Setters::new(), |setters, (policy, value)| {
        let (namespace, name) = policy.split_once(':').unwrap();
        setters.with(namespace, name, image(value)).unwrap()
    })
}

fn strategy(input: &Value) -> Option<UpdateStrategy> {
    let path = input["path"].as_str().map(str::to_owned);
    input["strategy"].as_str().map(|strategy| UpdateStrategy { strategy: strategy.into(), path })
}

fn setters_case(input: &Value, expect: &Value) -> Result<(), String> {
    let strategy = strategy(input).unwrap();
    let edits = setters(input).edit_by(Some(&strategy), &tree(&input["files"]));
    let edits = edits.map_err(|error| error.to_string())?;
    let written: Vec<Value> = edits.files.iter().map(|file| file.path().into()).collect();
    same_set("written", written, &expect["written"])?;
    let records = edits.records();
    let changes = records.iter().map(|record| {
        let mut value = change_json(&record.change);
        value["file"] = record.file.clone().into();
        value["object"] = object_json(&record.object);
        value
    });
    same_set("changes", changes.collect(), &expect["changes"])?;
    if expect["scalar_edits"].is_array() {
        same_set("scalar_edits", scalar_edits(&edits), &expect["scalar_edits"])?;
    }
    only_marked_bytes_change(&edits)?;
    // Quotes are a matter of taste, so the texts are compared by the values that they hold.
    for (path, minimal) in expect["files_minimal"].as_object().into_iter().flatten() {
        let edited = edits.files.iter().find(|file| file.path() == path);
        let ours = edited.map_or(input["files"][path].as_str().unwrap().as_bytes(), |file| file.after());
        let values = |text: &[u8]| {
            let documents = parse(path, text, &ParseOptions::kustomize());
            documents.map(|documents| documents.into_iter().map(|d| d.into_value()).collect::<Vec<_>>())
        };
        let (ours, theirs) = (values(ours).ok(), values(minimal.as_str().unwrap().as_bytes()).ok());
        if ours != theirs {
            return Err(format!("{path}: {ours:?} instead of {theirs:?}"));
        }
    }
    Ok(())
}

fn scalar_edits(edits: &Edits) -> Vec<Value> {
    let of_file = |file: &gitops_image::setter::FileEdit| {
        let documents = parse(file.path(), file.before(), &ParseOptions::kustomize()).unwrap();
        let path = file.path().to_owned();
        let value = move |edit: &gitops_image::Edit| {
            let document = documents.iter().rposition(|document| document.line() <= edit.line).unwrap();
            json!({"file": path, "line": edit.line, "document": document, "field": edit.field(),
                   "old": edit.old, "new": edit.new})
        };
        file.edits().iter().map(value).collect::<Vec<_>>()
    };
    edits.files.iter().flat_map(of_file).collect()
}

/// Puts the old bytes back where the edits are, and wants the file from before.
fn only_marked_bytes_change(edits: &Edits) -> Result<(), String> {
    for file in &edits.files {
        let (before, after) = (file.before(), file.after());
        let mut restored = Vec::new();
        let (mut from, mut moved) = (0, 0_isize);
        for edit in file.edits() {
            let start = edit.span.start.checked_add_signed(moved).unwrap();
            restored.extend_from_slice(&after[from..start]);
            restored.extend_from_slice(&before[edit.span.clone()]);
            from = start + edit.replacement.len();
            moved += edit.replacement.len() as isize - edit.span.len() as isize;
        }
        restored.extend_from_slice(&after[from..]);
        if restored != *before {
            return Err(format!("{}: other bytes than those of the edits changed", file.path()));
        }
    }
    Ok(())
}

fn screen_case(input: &Value, expect: &Value) -> Result<(), String> {
    assert_eq!(format!("\"{}\"", input["token"].as_str().unwrap()), MARKER_TOKEN);
    // Links cannot be kept in memory, so the tree is a folder.
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in input["files"].as_object().unwrap() {
        std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(dir.path().join(path), text.as_str().unwrap()).unwrap();
    }
    #[cfg(unix)]
    for (link, target) in input["symlinks"].as_object().into_iter().flatten() {
        std::os::unix::fs::symlink(target.as_str().unwrap(), dir.path().join(link)).unwrap();
    }
    let tree = gitops_manifest::DirectoryTree::open(dir.path()).unwrap();
    let files = marked_files(&tree, "", &EditLimits::default()).map_err(|error| error.to_string())?;
    let count = |(path, content): &(String, bytes::Bytes)| {
        parse(path, content, &ParseOptions::kustomize()).map_or(0, |documents| documents.len())
    };
    same(files.iter().map(count).sum::<usize>(), &expect["objects"])?;
    match &expect["files"] {
        Value::Array(_) => {
            same_set("files", files.into_iter().map(|(path, _)| path.into()).collect(), &expect["files"])
        }
        _ => Ok(()),
    }
}

fn result_case(input: &Value, expect: &Value) -> Result<(), String> {
    let record = |value: &Value| Record {
        file: value["file"].as_str().unwrap().to_owned(),
        object: object(&value["object"]),
        change: change(value),
    };
    let records: Vec<Record> = input["records"].as_array().unwrap().iter().map(record).collect();
    if expect["changes"].is_array() {
        let changes = distinct_changes(&records).iter().map(change_json).collect();
        same_set("changes", changes, &expect["changes"])?;
    }
    let in_order = |list: &[Value]| {
        let entry = |value: &Value| {
            let changes = sorted(value["changes"].as_array().unwrap().iter().cloned());
            (value["object"].to_string(), changes)
        };
        list.iter().map(entry).collect::<BTreeMap<_, _>>()
    };
    let objects: Vec<Value> = changes_by_object(&records)
        .iter()
        .map(|(object, changes)| {
            let changes: Vec<Value> = changes.iter().map(change_json).collect();
            json!({"object": object_json(object), "changes": changes})
        })
        .collect();
    let (got, want) = (in_order(&objects), in_order(expect["objects"].as_array().unwrap()));
    if got == want { Ok(()) } else { Err(format!("objects: got {got:?}, want {want:?}")) }
}

#[test]
fn setters_corpus() {
    run("setters", |case| {
        let (input, expect) = (&case["input"], &case["expect"]);
        match case["feature"].as_str().unwrap() {
            "setters" | "setters-observed" => setters_case(input, expect),
            "screen" => screen_case(input, expect),
            "result" => result_case(input, expect),
            "strategy" => {
                let edits = setters(input).edit_by(strategy(input).as_ref(), &tree(&input["files"]));
                same(edits.is_err(), &expect["error"])
            }
            "summary" => {
                let text = |member: &str| input[member].as_str().unwrap();
                let refspecs = texts(&input["refspecs"]);
                let summary = push_summary(text("branch"), text("revision"), text("message"), &refspecs);
                outcome(summary.map(Value::from).map_err(|error| error.to_string()), expect, "text")
            }
            other => Err(format!("no judge for the feature {other}")),
        }
    });
}
