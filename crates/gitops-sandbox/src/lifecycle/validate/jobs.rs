//! The rules of Jobs and of what makes Jobs.

use serde_json::{Value, json};

use super::super::names;
use super::super::selectors::fits_selector;
use super::fields::{
    domain_path, has, immutable, is_usable, non_negative, one_of, refuse_selector, selector, text,
};
use super::{outcomes, pods, schedules};
use crate::wire::status::Cause;

/// How many pods an indexed Job may run at once.
const MAX_INDEXED: i64 = 100_000;
/// How many it may run at once where there are more indexes than that.
const MAX_OF_MANY: i64 = 10_000;
const LONGEST_MANAGER: usize = 63;

pub(super) fn job(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    generated_selector(object, causes);
    job_spec(spec, "spec", causes);
    selected(spec, causes);
    last_pod(object, causes);
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
        ("job-name", name),
        ("batch.kubernetes.io/controller-uid", uid),
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
    let labels: Value = generated
        .iter()
        .map(|(label, value)| ((*label).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    if is_usable(&spec["selector"]) && !fits_selector(&spec["selector"], &labels) {
        refuse_selector(&spec["selector"], "spec.selector", "`selector` not auto-generated", causes);
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
    if has(spec, "managedBy") {
        let field = format!("{path}.managedBy");
        domain_path(&spec["managedBy"], &field, causes);
        if text(spec, "managedBy").len() > LONGEST_MANAGER {
            causes.push(Cause::too_long(field, LONGEST_MANAGER));
        }
    }
    completion(spec, path, causes);
    if has(spec, "podFailurePolicy") {
        outcomes::failure(spec, &format!("{path}.podFailurePolicy"), causes);
    }
    if has(spec, "successPolicy") {
        outcomes::success(spec, &format!("{path}.successPolicy"), causes);
    }
    if has(spec, "podReplacementPolicy") {
        let known: &[&str] =
            if has(spec, "podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
        let given = text(spec, "podReplacementPolicy");
        if !known.contains(&given) {
            let field = format!("{path}.podReplacementPolicy");
            causes.push(Cause::not_supported(field, &json!(given), known));
        }
    }
    pods::template(&spec["template"], &format!("{path}.template"), causes);
    match text(&spec["template"]["spec"], "restartPolicy") {
        "" | "Always" => {
            let why = "valid values: \"OnFailure\", \"Never\"";
            causes.push(Cause::required(format!("{path}.template.spec.restartPolicy"), why));
        }
        "OnFailure" if has(spec, "podFailurePolicy") => {
            let field = format!("{path}.template.spec.restartPolicy");
            let why = "only \"Never\" is supported when podFailurePolicy is specified";
            causes.push(Cause::invalid(field, &json!("OnFailure"), why));
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
    let mode = text(spec, "completionMode");
    if !matches!(mode, "" | "NonIndexed" | "Indexed") {
        let known = ["NonIndexed", "Indexed"];
        let field = format!("{path}.completionMode");
        return causes.push(Cause::not_supported(field, &spec["completionMode"], &known));
    }
    if mode != "Indexed" {
        for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if has(spec, name) {
                let why = "requires indexed completion mode";
                causes.push(Cause::invalid(format!("{path}.{name}"), &spec[name], why));
            }
        }
        return;
    }
    let of = |name: &str| spec[name].as_i64();
    if of("completions").is_none() {
        let why = "when completion mode is Indexed";
        causes.push(Cause::required(format!("{path}.completions"), why));
    }
    let mut above = |name: &str, limit: i64, why: &str| {
        if of(name).is_some_and(|given| given > limit) {
            causes.push(Cause::invalid(format!("{path}.{name}"), &spec[name], why));
        }
    };
    let (completions, failures) = (of("completions"), "maxFailedIndexes");
    let why = format!("must be less than or equal to {MAX_INDEXED} when completion mode is Indexed");
    above("parallelism", MAX_INDEXED, &why);
    if let Some(completions) = completions {
        above(failures, completions, "must be less than or equal to completions");
    }
    above(failures, MAX_INDEXED, &format!("must be less than or equal to {MAX_INDEXED}"));
    let many = completions.is_some_and(|completions| completions > MAX_INDEXED);
    if many && has(spec, "backoffLimitPerIndex") {
        let when = format!("when completions are above {MAX_INDEXED} and used with backoff limit per index");
        let why = format!("must be less than or equal to {MAX_OF_MANY} {when}");
        above("parallelism", MAX_OF_MANY, &why);
        above(failures, MAX_OF_MANY, &why);
        if !has(spec, failures) {
            let why = format!("must be specified when completions is above {MAX_INDEXED}");
            causes.push(Cause::required(format!("{path}.{failures}"), &why));
        }
    }
}

/// The name of the last pod must be that of a host.
fn last_pod(object: &Value, causes: &mut Vec<Cause>) {
    let (spec, name) = (&object["spec"], text(&object["metadata"], "name"));
    let completions = spec["completions"].as_i64().unwrap_or(0);
    if spec["completionMode"] != "Indexed" || completions <= 0 {
        return;
    }
    let pod = format!("{name}-{}", completions - 1);
    if !names::label_1123(&pod).is_empty() {
        let why = format!("will not able to create pod with invalid DNS label: {pod}");
        causes.push(Cause::invalid("metadata.name", &json!(name), &why));
    }
}

/// Checks a CronJob; a zone in its schedule stays if it is there already.
pub(super) fn cron_job(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let was = old.map(|old| &old["spec"]);
    let schedule = text(spec, "schedule");
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if let Err(why) = schedules::read(schedule) {
        causes.push(Cause::invalid("spec.schedule", &spec["schedule"], &why));
    }
    if schedule.contains("TZ") {
        let kept = was.is_some_and(|was| text(was, "schedule").contains("TZ"));
        let why = if kept {
            "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        } else {
            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        };
        if !kept || has(spec, "timeZone") {
            causes.push(Cause::invalid("spec.schedule", &spec["schedule"], why));
        }
    }
    non_negative(spec, "startingDeadlineSeconds", "spec", causes);
    if was.is_none_or(|was| was["timeZone"] != spec["timeZone"]) {
        time_zone(&spec["timeZone"], causes);
    }
    match text(spec, "concurrencyPolicy") {
        "" => causes.push(Cause::required("spec.concurrencyPolicy", "")),
        _ => one_of(spec, "concurrencyPolicy", "spec", &["Allow", "Forbid", "Replace"], causes),
    }
    let job = &spec["jobTemplate"]["spec"];
    job_spec(job, "spec.jobTemplate.spec", causes);
    if has(job, "selector") {
        let field = "spec.jobTemplate.spec.selector";
        refuse_selector(&job["selector"], field, "`selector` will be auto-generated", causes);
    }
    if job["manualSelector"] == true {
        let field = "spec.jobTemplate.spec.manualSelector";
        causes.push(Cause::not_supported(field, &json!(true), &["nil", "false"]));
    }
    non_negative(spec, "successfulJobsHistoryLimit", "spec", causes);
    non_negative(spec, "failedJobsHistoryLimit", "spec", causes);
}

/// Checks the zone that a schedule is of.
fn time_zone(zone: &Value, causes: &mut Vec<Cause>) {
    let Some(given) = zone.as_str() else { return };
    let fits = |part: &str| {
        (1..=14).contains(&part.len())
            && !matches!(part, "." | "..")
            && !part.starts_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte))
    };
    let mut refuse = |why: &str| causes.push(Cause::invalid("spec.timeZone", zone, why));
    if given.is_empty() {
        return refuse("timeZone must be nil or non-empty string");
    }
    if !given.split('/').all(fits) {
        return refuse(&format!("unknown time zone {given}"));
    }
    if given.eq_ignore_ascii_case("local") {
        refuse("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
    }
    if !matches!(given, "UTC" | "Local") && jiff::tz::TimeZone::get(given).is_err() {
        refuse(&format!("unknown time zone {given}"));
    }
}

pub(super) fn update_job(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    // The server checks the new Job as a whole, and its spec again beside what may not change.
    job(new, causes);
    job_spec(&new["spec"], "spec", causes);
    selected(&new["spec"], causes);
    let (now, was) = (&new["spec"], &old["spec"]);
    if now["completionMode"] != "Indexed" {
        immutable(&now["completions"], &was["completions"], "spec.completions", causes);
    } else if now["completions"] != was["completions"]
        && has(now, "completions")
        && now["completions"] != now["parallelism"]
    {
        let why = "can only be modified in tandem with spec.parallelism";
        causes.push(Cause::invalid("spec.completions", &now["completions"], why));
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
    immutable(&now["successPolicy"], &was["successPolicy"], "spec.successPolicy", causes);
}
