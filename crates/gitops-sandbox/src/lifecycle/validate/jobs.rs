//! The rules of Jobs and of what makes Jobs.

use serde_json::{Value, json};

use super::super::selectors::fits_selector;
use super::fields::{has, immutable, is_usable, non_negative, one_of, selector, text};
use super::{pods, schedules};
use crate::wire::status::Cause;

/// How many pods an indexed Job may run at once.
const MAX_INDEXED: i64 = 100_000;

pub(super) fn job(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    generated_selector(object, causes);
    job_spec(spec, "spec", causes);
    selected(spec, causes);
}

/// Checks the selector of a Job, and that it selects the Job's pods.
fn selected(spec: &Value, causes: &mut Vec<Cause>) {
    let of = &spec["selector"];
    if has(spec, "selector") {
        selector(of, "spec.selector", causes);
    } else {
        causes.push(Cause::required("spec.selector", ""));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    // A selector that is not there selects nothing.
    if is_usable(of) && !(has(spec, "selector") && fits_selector(of, labels)) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
}

/// What the server has generated stays as it was generated.
fn generated_selector(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if spec["manualSelector"] == true || !has(spec, "selector") {
        return;
    }
    let (uid, name) = (text(&object["metadata"], "uid"), text(&object["metadata"], "name"));
    let labels = &spec["template"]["metadata"]["labels"];
    let generated = [
        ("controller-uid", uid),
        ("batch.kubernetes.io/controller-uid", uid),
        ("job-name", name),
        ("batch.kubernetes.io/job-name", name),
    ];
    for (label, wanted) in generated {
        let field = format!("spec.template.metadata.labels[{label}]");
        match labels[label].as_str() {
            None => causes.push(Cause::required(field, &format!("must be '{wanted}'"))),
            Some(found) if found != wanted => {
                causes.push(Cause::invalid(field, labels, &format!("must be '{wanted}'")));
            }
            Some(_) => {}
        }
    }
    if spec["selector"] != json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}) {
        causes.push(Cause::invalid("spec.selector", &spec["selector"], "`selector` not auto-generated"));
    }
}

fn job_spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    for name in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        non_negative(spec, name, path, causes);
    }
    if has(spec, "maxFailedIndexes") && !has(spec, "backoffLimitPerIndex") {
        let why = "when maxFailedIndexes is specified";
        causes.push(Cause::required(format!("{path}.backoffLimitPerIndex"), why));
    }
    let managed_by = text(spec, "managedBy");
    if has(spec, "managedBy") && !managed_by.contains('/') {
        let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        causes.push(Cause::invalid(format!("{path}.managedBy"), &spec["managedBy"], why));
    }
    completion(spec, path, causes);
    if has(spec, "podReplacementPolicy") {
        one_of(spec, "podReplacementPolicy", path, &["Failed", "TerminatingOrFailed"], causes);
    }
    pods::template(&spec["template"], &format!("{path}.template"), causes);
    match text(&spec["template"]["spec"], "restartPolicy") {
        "" | "Always" => {
            let why = "valid values: \"OnFailure\", \"Never\"";
            causes.push(Cause::required(format!("{path}.template.spec.restartPolicy"), why));
        }
        "OnFailure" | "Never" => {}
        _ => {
            let field = format!("{path}.template.spec.restartPolicy");
            let given = &spec["template"]["spec"]["restartPolicy"];
            causes.push(Cause::not_supported(field, given, &["OnFailure", "Never"]));
        }
    }
}

/// Checks what depends on how a Job counts its pods.
fn completion(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    match text(spec, "completionMode") {
        "Indexed" => {
            if !has(spec, "completions") {
                let why = "when completion mode is Indexed";
                causes.push(Cause::required(format!("{path}.completions"), why));
            }
            if spec["parallelism"].as_i64().is_some_and(|pods| pods > MAX_INDEXED) {
                let why = "must be less than or equal to 100000 when completion mode is Indexed";
                causes.push(Cause::invalid(format!("{path}.parallelism"), &spec["parallelism"], why));
            }
        }
        mode => {
            if !matches!(mode, "" | "NonIndexed") {
                let supported = ["NonIndexed", "Indexed"];
                let field = format!("{path}.completionMode");
                causes.push(Cause::not_supported(field, &spec["completionMode"], &supported));
            }
            for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if spec[name].as_i64().is_some_and(|number| number >= 0) {
                    let why = "requires indexed completion mode";
                    causes.push(Cause::invalid(format!("{path}.{name}"), &spec[name], why));
                }
            }
        }
    }
}

pub(super) fn cron_job(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let schedule = text(spec, "schedule");
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if let Err(why) = schedules::read(schedule) {
        causes.push(Cause::invalid("spec.schedule", &spec["schedule"], &why));
    } else if schedule.contains("TZ") {
        let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        causes.push(Cause::invalid("spec.schedule", &spec["schedule"], why));
    }
    non_negative(spec, "startingDeadlineSeconds", "spec", causes);
    if let Some(zone) = spec["timeZone"].as_str() {
        if zone.is_empty() {
            let why = "timeZone must be nil or non-empty string";
            causes.push(Cause::invalid("spec.timeZone", &spec["timeZone"], why));
        } else if zone.eq_ignore_ascii_case("local") {
            let why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
            causes.push(Cause::invalid("spec.timeZone", &spec["timeZone"], why));
        }
    }
    match text(spec, "concurrencyPolicy") {
        "" => causes.push(Cause::required("spec.concurrencyPolicy", "")),
        _ => one_of(spec, "concurrencyPolicy", "spec", &["Allow", "Forbid", "Replace"], causes),
    }
    let job = &spec["jobTemplate"]["spec"];
    job_spec(job, "spec.jobTemplate.spec", causes);
    if job["manualSelector"] == true {
        let field = "spec.jobTemplate.spec.manualSelector";
        causes.push(Cause::not_supported(field, &json!(true), &["nil", "false"]));
    }
    non_negative(spec, "successfulJobsHistoryLimit", "spec", causes);
    non_negative(spec, "failedJobsHistoryLimit", "spec", causes);
}

pub(super) fn update_job(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    // The server checks the new Job as a whole, and its spec again beside what may not change.
    job(new, causes);
    job_spec(&new["spec"], "spec", causes);
    selected(&new["spec"], causes);
    let (now, was) = (&new["spec"], &old["spec"]);
    if now["completionMode"] != "Indexed" || was["completionMode"] != "Indexed" {
        immutable(&now["completions"], &was["completions"], "spec.completions", causes);
    }
    immutable(&now["selector"], &was["selector"], "spec.selector", causes);
    // A suspended job that never ran may still be placed elsewhere.
    let placeable = was["suspend"] == true && old["status"]["startTime"].is_null();
    let rest = |spec: &Value| {
        let mut template = spec["template"].clone();
        if placeable && let Some(map) = template["spec"].as_object_mut() {
            for name in ["nodeSelector", "tolerations", "affinity", "schedulingGates"] {
                map.remove(name);
            }
        }
        if placeable && let Some(map) = template["metadata"].as_object_mut() {
            map.remove("labels");
            map.remove("annotations");
        }
        template
    };
    if rest(now) != rest(was) {
        causes.push(Cause::invalid("spec.template", &now["template"], "field is immutable"));
    }
    immutable(&now["completionMode"], &was["completionMode"], "spec.completionMode", causes);
    immutable(&now["podFailurePolicy"], &was["podFailurePolicy"], "spec.podFailurePolicy", causes);
    immutable(
        &now["backoffLimitPerIndex"],
        &was["backoffLimitPerIndex"],
        "spec.backoffLimitPerIndex",
        causes,
    );
    immutable(&now["managedBy"], &was["managedBy"], "spec.managedBy", causes);
}
