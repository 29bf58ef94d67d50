//! Holds the crate against corpora that others wrote, read in place from `GITOPS_CORPORA`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gitops_api::{ObjectId, Revision, commit_digest, crds};
use serde_json::{Value, json};

/// Cases that are meant to be answered differently, each with its reason. They still count as failed in
/// the printed line.
const REVIEWED: &[(&str, &str)] = &[];

/// Flux's published definitions, field by field.
///
/// Not compared, and why:
/// - descriptions: prose of their authors;
/// - the annotation `controller-gen.kubebuilder.io/version`: names the tool that wrote the file;
/// - the order of `required`, which has no meaning;
/// - definitions of kinds that this crate does not have: they are named in the output.
#[test]
fn definitions_say_what_flux_publishes() {
    let Some(folder) = folder("flux-crds") else { return };
    let ours: Vec<Value> = crds().iter().map(|crd| serde_json::to_value(crd).unwrap()).collect();
    let mut tally = Tally::new("flux-crds");
    let mut published = BTreeSet::new();
    for file in yaml_files(&folder) {
        let text = std::fs::read_to_string(&file).unwrap();
        let theirs: Value = serde_saphyr::from_str(&text).unwrap();
        let name = theirs["metadata"]["name"].as_str().unwrap().to_owned();
        published.insert(name.clone());
        let Some(ours) = ours.iter().find(|crd| crd["metadata"]["name"] == name.as_str()) else {
            tally.leave(&name);
            continue;
        };
        let mut differences = Vec::new();
        compare(&compared(theirs), &compared(ours.clone()), "", &mut differences);
        tally.count(&name, differences);
    }
    for crd in &ours {
        let name = crd["metadata"]["name"].as_str().unwrap();
        // A folder of one's own may hold only some definitions, the default one holds all.
        if std::env::var_os("GITOPS_CORPORA").is_none() {
            assert!(published.contains(name), "{name} is not among the published definitions");
        }
    }
    tally.finish("definitions of kinds that are not here");
}

/// Revision strings and hashes of Git; signatures and paths are the work of other crates.
#[test]
fn git_revisions_read_as_in_flux() {
    let Some(cases) = cases("git-url-signature") else { return };
    let mut tally = Tally::new("git-url-signature");
    for case in &cases {
        let (input, id) = (&case["input"], case["id"].as_str().unwrap());
        let text = |name: &str| input[name].as_str().unwrap();
        let got = match case["feature"].as_str().unwrap() {
            "revision" => {
                let revision = Revision::from_legacy(text("revision"));
                json!({
                    "transformed": revision.as_str(),
                    "pointer": revision.reference().unwrap_or_default(),
                    "hash": revision.digest().map(|digest| digest.hex()).unwrap_or_default(),
                })
            }
            "hash" => {
                let digest = commit_digest(text("hash"));
                json!({
                    "algorithm": digest.split_once(':').map(|(algorithm, _)| algorithm).unwrap_or_default(),
                    "digest": digest,
                })
            }
            "commit-string" => {
                let reference = Some(text("reference"));
                json!({
                    "string": Revision::of_commit(reference, text("hash")).as_str(),
                    "absolute": Revision::of_commit_absolute(reference, text("hash")).as_str(),
                })
            }
            feature => {
                tally.leave(feature);
                continue;
            }
        };
        tally.judge(id, &case["expect"], &got);
    }
    tally.finish("features of other crates");
}

/// Object ids; sorting, applying and drift are the work of other crates.
#[test]
fn object_ids_read_as_in_flux() {
    let Some(cases) = cases("flux-ssa") else { return };
    let mut tally = Tally::new("flux-ssa");
    for case in &cases {
        let (input, id) = (&case["input"], case["id"].as_str().unwrap());
        let got = match case["feature"].as_str().unwrap() {
            "inventory-parse" => match input["id"].as_str().unwrap().parse::<ObjectId>() {
                Ok(id) => describe(&id),
                Err(_) => json!({ "error": true }),
            },
            "inventory-format" => json!({ "id": id_of(input).to_string() }),
            "inventory-of-object" => {
                let object: Value = serde_saphyr::from_str(input["object"].as_str().unwrap()).unwrap();
                match ObjectId::of_object(&object) {
                    Ok(id) => {
                        let mut got = describe(&id);
                        got["id"] = json!(id.to_string());
                        got
                    }
                    Err(_) => json!({ "error": true }),
                }
            }
            "set-equals" => json!({ "equal": set_of(&input["a"]) == set_of(&input["b"]) }),
            "set-union" => list_of(set_of(&input["a"]).union(&set_of(&input["b"]))),
            "set-diff" => list_of(set_of(&input["a"]).difference(&set_of(&input["b"]))),
            feature => {
                tally.leave(feature);
                continue;
            }
        };
        let mut expect = case["expect"].clone();
        if expect.get("set").is_some() {
            expect = list_of(&set_of(&expect["set"]));
        }
        tally.judge(id, &expect, &got);
    }
    tally.finish("features of other crates");
}

fn describe(id: &ObjectId) -> Value {
    json!({
        "namespace": id.namespace().unwrap_or_default(),
        "name": id.name(),
        "group": id.group(),
        "kind": id.kind(),
    })
}

fn id_of(value: &Value) -> ObjectId {
    let text = |name: &str| value[name].as_str().unwrap();
    ObjectId::new(value["namespace"].as_str(), text("name"), text("group"), text("kind"))
}

fn set_of(values: &Value) -> BTreeSet<ObjectId> {
    values.as_array().unwrap().iter().map(id_of).collect()
}

fn list_of<'a>(ids: impl IntoIterator<Item = &'a ObjectId>) -> Value {
    json!({ "set": ids.into_iter().map(describe).collect::<Vec<_>>() })
}

/// The definition without what is not compared.
fn compared(mut crd: Value) -> Value {
    let metadata = crd["metadata"].as_object_mut().unwrap();
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("controller-gen.kubebuilder.io/version");
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    for version in crd["spec"]["versions"].as_array_mut().unwrap() {
        strip_descriptions(&mut version["schema"]["openAPIV3Schema"]);
    }
    crd
}

/// Takes the descriptions out of a schema, but not a property that has this name.
fn strip_descriptions(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    map.remove("description");
    if let Some(required) = map.get_mut("required").and_then(Value::as_array_mut) {
        required.sort_by_key(|name| name.as_str().unwrap().to_owned());
    }
    for name in ["properties", "patternProperties", "definitions"] {
        if let Some(members) = map.get_mut(name).and_then(Value::as_object_mut) {
            members.values_mut().for_each(strip_descriptions);
        }
    }
    for name in ["items", "additionalProperties", "not"] {
        if let Some(member) = map.get_mut(name) {
            strip_descriptions(member);
        }
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        if let Some(members) = map.get_mut(name).and_then(Value::as_array_mut) {
            members.iter_mut().for_each(strip_descriptions);
        }
    }
}

/// Names every place where two values differ.
fn compare(theirs: &Value, ours: &Value, path: &str, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                let path = format!("{path}.{key}");
                match ours.get(key) {
                    Some(ours) => compare(value, ours, &path, differences),
                    None => differences.push(format!("{path}: published {value}, here nothing")),
                }
            }
            for (key, value) in ours.iter().filter(|(key, _)| !theirs.contains_key(*key)) {
                differences.push(format!("{path}.{key}: published nothing, here {value}"));
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (index, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                compare(theirs, ours, &format!("{path}[{index}]"), differences);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        (a, b) => differences.push(format!("{path}: published {a}, here {b}")),
    }
}

/// Counts the cases of a corpus and names those that fail.
struct Tally {
    corpus: &'static str,
    passed: usize,
    total: usize,
    left: Vec<String>,
    surprises: Vec<String>,
}

impl Tally {
    fn new(corpus: &'static str) -> Self {
        Self { corpus, passed: 0, total: 0, left: Vec::new(), surprises: Vec::new() }
    }

    /// Notes something that is not this crate's.
    fn leave(&mut self, name: &str) {
        self.left.push(name.to_owned());
    }

    /// Judges a case of which only the expected members count.
    fn judge(&mut self, id: &str, expect: &Value, got: &Value) {
        let wrong = |(member, want): (&String, &Value)| {
            (got[member] != *want).then(|| format!("{member}: want {want}, got {}", got[member]))
        };
        let differences = expect.as_object().unwrap().iter().filter_map(wrong).collect();
        self.count(id, differences);
    }

    fn count(&mut self, id: &str, differences: Vec<String>) {
        self.total += 1;
        if differences.is_empty() {
            self.passed += 1;
            return;
        }
        for difference in &differences {
            println!("  failed {id}: {difference}");
        }
        if !REVIEWED.iter().any(|(known, _)| *known == id) {
            self.surprises.push(id.to_owned());
        }
    }

    fn finish(mut self, left: &str) {
        println!("corpus {}: {}/{}", self.corpus, self.passed, self.total);
        self.left.sort();
        let total = self.left.len();
        self.left.dedup();
        if total > 0 {
            println!("  {total} {left}: {}", self.left.join(", "));
        }
        assert!(self.surprises.is_empty(), "{}: {:?}", self.corpus, self.surprises);
    }
}

fn cases(corpus: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(folder(corpus)?.join("cases.jsonl")).unwrap();
    Some(text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect())
}

/// The folder of a corpus, or none when it is not there.
fn folder(corpus: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = std::env::var_os("GITOPS_CORPORA");
    let root = workspace.join(given.as_deref().unwrap_or("../shared/corpora".as_ref()));
    let folder = root.join(corpus);
    if folder.is_dir() {
        return Some(folder);
    }
    // Another folder may hold only some of the corpora; the default one must hold all.
    let must = std::env::var("CI").as_deref() == Ok("true") && given.is_none();
    assert!(!must, "corpus {corpus} is missing and CI=true");
    println!("corpus {corpus}: not run, {} is not there", folder.display());
    None
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    files
}
