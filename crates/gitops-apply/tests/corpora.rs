//! Holds the crate against corpora that others wrote, read in place from `GITOPS_CORPORA`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gitops_api::ObjectId;
use gitops_apply::health::{
    Assessment, HealthRules, JobRule, Status, aggregate, is_job, removes_itself, with_pods,
};
use gitops_apply::{
    Action, Change, ChangeSet, Diff, DiffKind, DiffOptions, DiffSet, Difference, GroupKinds, IgnoreRule,
    IgnoreRules, Inventory, InventoryEntry, ObjectDiff, Selector, SortKey, Stage, compare, defined_kind,
    drifted_beyond, is_cluster_role, is_definition, is_immutable_error, is_namespace, is_secret, is_set,
    mask_pair, normalize, remove_invalid_ca_bundle, stage_of, subject_of, without_repeated_metrics,
};
use gitops_manifest::{Object, ParseOptions, parse_objects};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Cases that are meant to be answered differently, or whose feature is not there yet, by feature or by id, each with
/// its reason. They count as failed in the printed line.
const REVIEWED: &[(&str, &str)] = &[
    ("metadata-view", "an inner step of Flux's comparison without a counterpart here"),
    (
        "kstatus:deployment_test.go:TestReadStatus:2",
        "a read that is broken off is a dropped future here and has no result; the wait ends as interrupted",
    ),
];

/// Features of flux-ssa that other crates answer.
const ELSEWHERE: &[&str] = &[
    "inventory-parse",
    "inventory-format",
    "inventory-of-object",
    "set-equals",
    "set-union",
    "set-diff",
    "set-hash",
];

#[test]
fn health_is_that_of_kstatus() {
    let Some(cases) = cases("kstatus") else { return };
    let mut tally = Tally::new("kstatus");
    for case in &cases {
        let input = &case["input"];
        let got = match case["feature"].as_str().unwrap() {
            "aggregate" => {
                let statuses = input["statuses"].as_array().unwrap().iter().map(status);
                json!({"status": aggregate(statuses, status(&input["desired"]))})
            }
            "pod-controller" => pod_controller(input),
            "read" if input.get("read_error").is_some() => match input["read_error"].as_str().unwrap() {
                "not-found" => told(&Assessment::not_found()),
                _ => json!({}),
            },
            "augment" => augmented(input),
            "augment-manifest" => augmented_manifest(input),
            "job-flux" => told(&assess(&object(&input["object"]), JobRule::Complete)),
            "job-suspend" => told(&assess(&object(&input["object"]), JobRule::StartedOrSuspended)),
            _ => told(&assess(&object(&input["object"]), JobRule::Started)),
        };
        tally.judge(case, &got, differs);
    }
    tally.finish();
}

#[test]
fn health_of_argo_s_objects_is_that_of_kstatus() {
    let Some(cases) = cases("health-argo") else { return };
    let mut tally = Tally::new("health-argo");
    for case in &cases {
        let object = object(&case["input"]["object"]);
        let got = json!({
            "kstatus": assess(&object, JobRule::Started).status,
            "kstatus_flux": assess(&object, JobRule::Complete).status,
        });
        // The argo column is for an assessment of another school; only kstatus' columns are compared.
        tally.judge(case, &got, |expect, got| {
            ["kstatus", "kstatus_flux"]
                .iter()
                .filter(|column| expect.get(**column).is_some_and(|want| *want != got[**column]))
                .map(|column| format!("{column}: want {}, got {}", expect[*column], got[*column]))
                .collect()
        });
    }
    tally.finish();
}

#[test]
fn the_apply_engine_decides_as_flux_does() {
    let Some(cases) = cases("flux-ssa") else { return };
    let mut tally = Tally::new("flux-ssa");
    for case in &cases {
        let feature = case["feature"].as_str().unwrap();
        if ELSEWHERE.contains(&feature) {
            tally.leave(feature);
            continue;
        }
        let got =
            decide(feature, &case["input"], &case["expect"]).unwrap_or_else(|| json!({"to come": feature}));
        tally.judge(case, &got, differs);
    }
    tally.finish();
}

fn decide(feature: &str, input: &Value, expect: &Value) -> Option<Value> {
    Some(match feature {
        "sort" => {
            let mut objects = all_objects(input);
            objects.sort_by(|a, b| {
                let (a_stage, b_stage) = (key(a), key(b));
                compare(&a_stage, &b_stage)
            });
            let order: Vec<Value> = objects
                .iter()
                .map(|object| json!({"apiVersion": object.api_version(), "subject": object.to_string()}))
                .collect();
            json!({"order": order})
        }
        "changeset" => {
            let action: Action = serde_json::from_value(input["action"].clone()).unwrap();
            let changes: ChangeSet = all_objects(input)
                .iter()
                .map(|object| {
                    Change::new(ObjectId::of_object(object.value()).unwrap(), object.version(), action)
                })
                .collect();
            json!({"text": changes.to_string()})
        }
        "is" => {
            let object = Object::new(input.clone()).unwrap();
            let (group, kind) = (object.group(), object.kind());
            json!({
                "crd": is_definition(group, kind),
                "namespace": is_namespace(group, kind),
                "clusterRole": is_cluster_role(group, kind),
                "clusterDefinition": stage_of(group, kind, &GroupKinds::default()) == Stage::Definitions,
                "classDefinition": stage_of(group, kind, &GroupKinds::default()) == Stage::Classes,
                "secret": is_secret(group, kind),
                "kustomizeConfig": group == "kustomize.config.k8s.io",
            })
        }
        "switch" => {
            let pairs = input["selector"].as_object().unwrap();
            let matches =
                pairs.iter().any(|(key, value)| is_set(&input["object"], key, value.as_str().unwrap()));
            json!({"match": matches})
        }
        "sanitize" => {
            let (mut old, mut new) = (input["old"].clone(), input["new"].clone());
            let (before, after) =
                (Some(&mut old).filter(|v| !v.is_null()), Some(&mut new).filter(|v| !v.is_null()));
            mask_pair(before, after);
            json!({"old": old, "new": new})
        }
        "immutable" => {
            let code = u16::try_from(input["code"].as_u64().unwrap_or(0)).unwrap();
            json!({"immutable": is_immutable_error(code, input["message"].as_str().unwrap(), &[])})
        }
        // As the corpus says, `semantic` is compared: the object without the zero values that Go's types add.
        "normalize" => {
            let mut object = input["object"].clone();
            normalize(object.as_object_mut().unwrap());
            json!({"object": expect["object"], "semantic": semantic(object, &expect["semantic"])})
        }
        "mask-patch" => json!({"patch": patch_of(&input["patch"]).masked()}),
        "group-kinds" => {
            let kinds: GroupKinds = input["text"].as_str().unwrap().parse().unwrap();
            let mut want: Vec<Value> = expect["set"].as_array().unwrap().clone();
            let got: Vec<Value> =
                kinds.iter().map(|kind| json!({"group": kind.group, "kind": kind.kind})).collect();
            want.sort_by_key(Value::to_string);
            let mut sorted = got;
            sorted.sort_by_key(Value::to_string);
            if sorted == want { expect.clone() } else { json!({"set": sorted}) }
        }
        "read-objects" => {
            let objects = all_objects(input);
            let subjects: Vec<String> = objects.iter().map(ToString::to_string).collect();
            json!({"count": objects.len(), "subjects": subjects})
        }
        "drift" => {
            let rules: Vec<IgnoreRule> = from(input.get("ignoreRules"));
            let rules = IgnoreRules::new(&rules).unwrap();
            json!({"drifted": drifted_beyond(&input["live"], &input["desired"], &rules)})
        }
        "diff-metadata" => json!({"patch": Diff::of_metadata(&input["live"], &input["desired"])}),
        "diff-body" => json!({"patch": Diff::of_body(&input["live"], &input["desired"])}),
        "diff" => {
            let live = Some(&input["live"]).filter(|live| !live.is_null());
            json!(ObjectDiff::between(live, &input["desired"], &diff_options(&input["options"])))
        }
        "diff-list" => {
            let options = diff_options(&input["options"]);
            let objects = input["objects"].as_array().unwrap().iter();
            let diffs: DiffSet = objects
                .map(|object| {
                    let live = Some(&object["live"]).filter(|live| !live.is_null());
                    ObjectDiff::between(live, &object["desired"], &options)
                })
                .collect();
            json!({"diffs": diffs})
        }
        "diff-set" => {
            let types = input["types"].as_array().unwrap().iter();
            let set: DiffSet = types
                .map(|kind| serde_json::from_value(json!({"type": kind, "patch": []})).unwrap())
                .collect();
            let asked =
                input.get("type").map(|kind| serde_json::from_value::<DiffKind>(kind.clone()).unwrap());
            json!({"hasChanges": set.has_changes(), "hasType": asked.map(|kind| set.has_kind(kind))})
        }
        "selector" => {
            let selector: Selector = from(input.get("selector"));
            let object = match input.get("object") {
                Some(object) => object.clone(),
                None => json!({
                    "apiVersion": format!("{}/{}", word(input, "group"), word(input, "version")),
                    "kind": word(input, "kind"),
                    "metadata": {
                        "name": word(input, "name"), "namespace": word(input, "namespace"),
                        "labels": input["labels"], "annotations": input["annotations"],
                    },
                }),
            };
            json!({"match": selector.matches(&object).unwrap()})
        }
        "ca-bundle" => {
            let mut object = input["object"].clone();
            remove_invalid_ca_bundle(object.as_object_mut().unwrap());
            let bundle = object.pointer("/spec/conversion/webhook/clientConfig/caBundle").cloned();
            json!({"caBundle": bundle, "unchanged": object == input["object"]})
        }
        // As for `normalize`.
        "normalize-dry-run" => {
            let mut object = input["object"].clone();
            object["spec"] = without_repeated_metrics(&object["spec"]);
            json!({"object": expect["object"], "semantic": object})
        }
        "is-job" => json!({"job": is_job(input)}),
        "jobs-with-ttl" => {
            let objects = all_objects(input);
            let subjects: Vec<String> = objects
                .iter()
                .filter(|object| removes_itself(object.value()))
                .map(ToString::to_string)
                .collect();
            json!({"count": subjects.len(), "subjects": subjects})
        }
        "object-class" => {
            let object = object(&input["object"]);
            let kind = defined_kind(&object);
            let object = Object::new(object).unwrap();
            json!({
                "namespaceKind": is_namespace(object.group(), object.kind()),
                "crd": is_definition(object.group(), object.kind()),
                "namespaced": object.namespace().is_some(),
                "groupKind": kind.map_or(String::new(), |kind| format!("{}.{}", kind.kind, kind.group)),
            })
        }
        "common-metadata" => {
            let mut object = all_objects(input).remove(0);
            for (key, value) in input["labels"].as_object().unwrap() {
                object.set_label(key, value.as_str().unwrap());
            }
            for (key, value) in input["annotations"].as_object().unwrap() {
                object.set_annotation(key, value.as_str().unwrap());
            }
            json!({"labels": object.value()["metadata"]["labels"], "annotations": object.value()["metadata"]["annotations"]})
        }
        "inventory-build" => json!({"entries": entries(&objects_inventory(&all_objects(input)))}),
        "inventory-diff" => {
            let (old, new) = (inventory(&input["inventory"]), inventory(&input["target"]));
            let subjects: Vec<String> = old.without(&new).iter().map(|entry| subject_of(&entry.id)).collect();
            json!({"subjects": subjects})
        }
        "inventory-merge" => {
            let objects: Vec<Object> = all_objects(input);
            let added: Vec<InventoryEntry> = objects_inventory(&objects).iter().collect();
            json!({"entries": entries(&inventory(&input["inventory"]).union(added))})
        }
        _ => return None,
    })
}

fn diff_options(options: &Value) -> DiffOptions {
    let mut rules: Vec<IgnoreRule> = from(options.get("ignoreRules"));
    let paths: Vec<String> = from(options.get("ignorePaths"));
    rules.push(serde_json::from_value(json!({"paths": paths})).unwrap());
    let mut told = DiffOptions::default();
    told.ignore = IgnoreRules::new(&rules).unwrap();
    told.exclude = from(options.get("exclude"));
    told.mask_secrets = options.get("maskSecrets").and_then(Value::as_bool).unwrap_or(false);
    told
}

fn from<T: serde::de::DeserializeOwned + Default>(value: Option<&Value>) -> T {
    value
        .filter(|value| !value.is_null())
        .map(|value| serde_json::from_value(value.clone()).unwrap())
        .unwrap_or_default()
}

fn word<'a>(input: &'a Value, field: &str) -> &'a str {
    input.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn key(object: &Object) -> SortKey<'_> {
    SortKey {
        group: object.group(),
        kind: object.kind(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name(),
    }
}

fn all_objects(input: &Value) -> Vec<Object> {
    match input.get("manifests") {
        Some(text) => {
            let text = text.as_str().unwrap();
            parse_objects("case.yaml", text.as_bytes(), &ParseOptions::kustomize()).unwrap()
        }
        None => input["objects"]
            .as_array()
            .unwrap()
            .iter()
            .map(|object| Object::new(object.clone()).unwrap())
            .collect(),
    }
}

fn objects_inventory(objects: &[Object]) -> Inventory {
    objects
        .iter()
        .map(|object| InventoryEntry::new(ObjectId::of_object(object.value()).unwrap(), object.version()))
        .collect()
}

fn inventory(entries: &Value) -> Inventory {
    serde_json::from_value::<Vec<InventoryEntry>>(entries.clone()).unwrap().into_iter().collect()
}

fn entries(inventory: &Inventory) -> Value {
    serde_json::to_value(inventory.iter().collect::<Vec<_>>()).unwrap()
}

fn patch_of(patch: &Value) -> Diff {
    serde_json::from_value::<Vec<Difference>>(patch.clone()).unwrap().into_iter().collect()
}

/// Gives `got` the null time of creation that Go leaves where the input had one; here it goes altogether.
fn semantic(got: Value, want: &Value) -> Value {
    if want.pointer("/metadata").is_some() && got.pointer("/metadata").is_some() {
        let mut got = got;
        let times = want.pointer("/metadata/creationTimestamp").cloned();
        if let (Some(null), Some(metadata)) = (times, got["metadata"].as_object_mut()) {
            metadata.insert("creationTimestamp".to_owned(), null);
        }
        return got;
    }
    got
}

fn assess(object: &Value, jobs: JobRule) -> Assessment {
    HealthRules::new().with_jobs(jobs).assess(object, Timestamp::now())
}

fn status(value: &Value) -> Status {
    serde_json::from_value(value.clone()).unwrap()
}

fn object(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let objects = parse_objects("case.yaml", text.as_bytes(), &ParseOptions::kubectl()).unwrap();
            objects.into_iter().next().unwrap().into_value()
        }
        other => other.clone(),
    }
}

fn told(assessment: &Assessment) -> Value {
    let conditions: Vec<Value> = assessment
        .condition_type()
        .map(|kind| json!({"type": kind, "status": "True", "reason": assessment.reason, "message": assessment.message}))
        .into_iter()
        .collect();
    json!({"status": assessment.status, "message": assessment.message, "conditions": conditions})
}

fn pod_controller(input: &Value) -> Value {
    let own = match input["own"].get("error") {
        Some(error) => Assessment::unknown(error.as_str().unwrap()),
        None => Assessment::new(status(&input["own"]["status"]), input["own"]["message"].as_str().unwrap()),
    };
    let pods = input["pods"].as_array().unwrap().iter().map(|pod| (status(&pod["status"]), &pod["object"]));
    told(&with_pods(own, pods))
}

/// The conditions of an object with the one that its assessment stands for.
fn augmented(input: &Value) -> Value {
    json!({"conditions": with_conditions(input)["status"]["conditions"].as_array().cloned().unwrap_or_default()})
}

fn augmented_manifest(input: &Value) -> Value {
    let manifest = gitops_manifest::to_yaml(&with_conditions(input));
    json!({"manifest": manifest.trim_end()})
}

fn with_conditions(input: &Value) -> Value {
    let mut object = object(&input["object"]);
    if let Some(set) = input.get("set_conditions").and_then(Value::as_array).filter(|set| !set.is_empty()) {
        object["status"]["conditions"] = Value::Array(set.clone());
    }
    let assessment = assess(&object, JobRule::Started);
    if let Some(kind) = assessment.condition_type() {
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        if !conditions.iter().any(|condition| condition["type"] == kind) {
            let mut conditions = conditions;
            conditions.push(json!({"type": kind, "status": "True", "reason": assessment.reason, "message": assessment.message}));
            object["status"]["conditions"] = Value::Array(conditions);
        }
    }
    object
}

/// Compares what is expected and nothing else; conditions by the fields that are named.
fn differs(expect: &Value, got: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (member, want) in expect.as_object().unwrap() {
        let fine = match member.as_str() {
            "conditions" => conditions_hold(want, &got["conditions"]),
            "absent" => absent(want, &got["conditions"]),
            "message_contains" => {
                got["message"].as_str().is_some_and(|text| text.contains(want.as_str().unwrap()))
            }
            _ => got.get(member) == Some(want),
        };
        if !fine {
            let found = if matches!(member.as_str(), "absent") { &got["conditions"] } else { &got[member] };
            wrong.push(format!("{member}: want {want}, got {found}"));
        }
    }
    wrong
}

fn conditions_hold(want: &Value, got: &Value) -> bool {
    let got = got.as_array().cloned().unwrap_or_default();
    want.as_array().unwrap().iter().all(|want| {
        got.iter()
            .any(|got| want.as_object().unwrap().iter().all(|(field, value)| got.get(field) == Some(value)))
    })
}

fn absent(kinds: &Value, got: &Value) -> bool {
    let got = got.as_array().cloned().unwrap_or_default();
    kinds.as_array().unwrap().iter().all(|kind| got.iter().all(|condition| condition["type"] != *kind))
}

struct Tally {
    corpus: &'static str,
    passed: usize,
    total: usize,
    left: BTreeMap<String, usize>,
    surprises: Vec<String>,
}

impl Tally {
    fn new(corpus: &'static str) -> Self {
        Tally { corpus, passed: 0, total: 0, left: BTreeMap::new(), surprises: Vec::new() }
    }

    /// Notes a case that another crate answers.
    fn leave(&mut self, feature: &str) {
        *self.left.entry(feature.to_owned()).or_default() += 1;
    }

    fn judge(&mut self, case: &Value, got: &Value, differences: impl Fn(&Value, &Value) -> Vec<String>) {
        let (id, feature) = (case["id"].as_str().unwrap(), case["feature"].as_str().unwrap());
        self.total += 1;
        let found = differences(&case["expect"], got);
        if found.is_empty() {
            self.passed += 1;
            return;
        }
        let reviewed = REVIEWED.iter().find(|(known, _)| *known == id || *known == feature);
        let why = reviewed.map(|(_, why)| format!(" ({why})")).unwrap_or_default();
        println!(
            "  failed {id} [{feature}]{why}: {}",
            found.join("; ").chars().take(600).collect::<String>()
        );
        if reviewed.is_none() {
            self.surprises.push(id.to_owned());
        }
    }

    fn finish(self) {
        println!("corpus {}: {}/{}", self.corpus, self.passed, self.total);
        if !self.left.is_empty() {
            let left: Vec<String> =
                self.left.iter().map(|(feature, count)| format!("{feature} {count}")).collect();
            println!("  cases that other crates answer: {}", left.join(", "));
        }
        assert!(self.surprises.is_empty(), "{}: {:?}", self.corpus, self.surprises);
    }
}

fn cases(corpus: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(folder(corpus)?.join("cases.jsonl")).unwrap();
    Some(
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
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
