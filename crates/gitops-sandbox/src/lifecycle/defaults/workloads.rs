//! Defaults of what makes pods.

use serde_json::{Value, json};

use super::pods::{self, items};
use super::{fill, fill_map};

pub(super) fn deployment(spec: &mut Value) {
    let Some(map) = spec.as_object_mut() else { return };
    fill_map(map, "replicas", json!(1));
    fill_map(map, "revisionHistoryLimit", json!(10));
    fill_map(map, "progressDeadlineSeconds", json!(600));
    let strategy = &mut map["strategy"];
    fill(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == "RollingUpdate" {
        if !strategy.get("rollingUpdate").is_some_and(Value::is_object) {
            strategy["rollingUpdate"] = json!({});
        }
        present(&mut strategy["rollingUpdate"], "maxUnavailable", json!("25%"));
        present(&mut strategy["rollingUpdate"], "maxSurge", json!("25%"));
    }
    template(spec);
}

/// Sets a pointer that is not set; zero is a value.
fn present(value: &mut Value, name: &str, default: Value) {
    if let Some(map) = value.as_object_mut() {
        map.entry(name).or_insert(default);
    }
}

fn template(spec: &mut Value) {
    if let Some(template) = spec.get_mut("template").and_then(|template| template.get_mut("spec")) {
        pods::spec(template);
    }
}

pub(super) fn replica_set(spec: &mut Value) {
    present(spec, "replicas", json!(1));
    template(spec);
}

pub(super) fn replication_controller(object: &mut Value) {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    if labels.is_object() {
        fill(&mut object["spec"], "selector", labels.clone());
        if object["metadata"].get("labels").is_none() {
            object["metadata"]["labels"] = labels;
        }
    }
    present(&mut object["spec"], "replicas", json!(1));
    if object["spec"]["template"].is_null() {
        super::clean(&mut object["spec"], "template");
    }
    template(&mut object["spec"]);
}

pub(super) fn stateful_set(spec: &mut Value) {
    present(spec, "replicas", json!(1));
    present(spec, "revisionHistoryLimit", json!(10));
    fill(spec, "podManagementPolicy", json!("OrderedReady"));
    let strategy = &mut spec["updateStrategy"];
    fill(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == "RollingUpdate" {
        if !strategy.get("rollingUpdate").is_some_and(Value::is_object) {
            strategy["rollingUpdate"] = json!({});
        }
        present(&mut strategy["rollingUpdate"], "partition", json!(0));
    }
    let retention = spec.get("persistentVolumeClaimRetentionPolicy").cloned().unwrap_or_else(|| json!({}));
    spec["persistentVolumeClaimRetentionPolicy"] = retention;
    fill(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenDeleted", json!("Retain"));
    fill(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenScaled", json!("Retain"));
    for claim in items(spec.get_mut("volumeClaimTemplates")) {
        fill(claim, "kind", json!("PersistentVolumeClaim"));
        fill(claim, "apiVersion", json!("v1"));
        fill(&mut claim["spec"], "volumeMode", json!("Filesystem"));
        fill(&mut claim["status"], "phase", json!("Pending"));
    }
    template(spec);
}

/// How many pods may be away at once is switched off.
pub(super) fn without_unavailable(spec: &mut Value, before: &Value) {
    let name = "maxUnavailable";
    if before["updateStrategy"]["rollingUpdate"][name].is_null()
        && let Some(rolling) = spec["updateStrategy"].get_mut("rollingUpdate").and_then(Value::as_object_mut)
    {
        rolling.remove(name);
    }
}

pub(super) fn daemon_set(spec: &mut Value) {
    present(spec, "revisionHistoryLimit", json!(10));
    let strategy = &mut spec["updateStrategy"];
    fill(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == "RollingUpdate" {
        if !strategy.get("rollingUpdate").is_some_and(Value::is_object) {
            strategy["rollingUpdate"] = json!({});
        }
        present(&mut strategy["rollingUpdate"], "maxUnavailable", json!(1));
        present(&mut strategy["rollingUpdate"], "maxSurge", json!(0));
    }
    template(spec);
}

pub(super) fn job(spec: &mut Value) {
    let has = |spec: &Value, name: &str| spec.get(name).is_some();
    if !has(spec, "completions") && !has(spec, "parallelism") {
        present(spec, "completions", json!(1));
    }
    present(spec, "parallelism", json!(1));
    if !has(spec, "backoffLimit") {
        let per_index = has(spec, "backoffLimitPerIndex");
        present(spec, "backoffLimit", if per_index { json!(i32::MAX) } else { json!(6) });
    }
    present(spec, "completionMode", json!("NonIndexed"));
    present(spec, "suspend", json!(false));
    present(spec, "manualSelector", json!(false));
    let failure_policy = has(spec, "podFailurePolicy");
    let replacement = if failure_policy { "Failed" } else { "TerminatingOrFailed" };
    present(spec, "podReplacementPolicy", json!(replacement));
    for rule in items(spec.get_mut("podFailurePolicy").and_then(|policy| policy.get_mut("rules"))) {
        for condition in items(rule.get_mut("onPodConditions")) {
            fill(condition, "status", json!("True"));
        }
    }
    template(spec);
}

pub(super) fn cron_job(spec: &mut Value) {
    fill(spec, "concurrencyPolicy", json!("Allow"));
    present(spec, "suspend", json!(false));
    present(spec, "successfulJobsHistoryLimit", json!(3));
    present(spec, "failedJobsHistoryLimit", json!(1));
    if let Some(template) = spec["jobTemplate"].get_mut("spec").and_then(|spec| spec.get_mut("template"))
        && let Some(pod) = template.get_mut("spec")
    {
        pods::spec(pod);
    }
}

/// A job without labels has those of its template.
pub(super) fn job_labels(object: &mut Value) {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    if labels.is_object() && object["metadata"].get("labels").is_none() {
        object["metadata"]["labels"] = labels;
    }
}

/// Selects a job's pods by its uid, unless the user selects them.
pub(super) fn job_selector(object: &mut Value) {
    if object["spec"]["manualSelector"] != true {
        let uid = object["metadata"]["uid"].clone();
        let name = json!(object["metadata"]["name"].as_str().unwrap_or_default());
        let template = &mut object["spec"]["template"]["metadata"];
        if !template.is_object() {
            *template = json!({});
        }
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &uid),
            ("job-name", &name),
        ] {
            template["labels"][key] = value.clone();
        }
        object["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid;
    }
    job_labels(object);
}
