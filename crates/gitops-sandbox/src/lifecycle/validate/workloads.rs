//! The rules of what makes pods.

use serde_json::{Value, json};

use super::super::names;
use super::super::selectors::fits_selector;
use super::claims;
use super::fields::{
    each, has, immutable, is_empty_selector, is_usable, items, looks_if_any, needed, non_negative, number,
    one_of, refuse_selector, selector, text,
};
use super::pods;
use crate::schema::Kind;
use crate::wire::status::{Cause, shown};

/// Checks a selector and the template that it must select.
fn selected(spec: &Value, of: &str, causes: &mut Vec<Cause>) {
    if !has(spec, "selector") {
        causes.push(Cause::required("spec.selector", ""));
        return;
    }
    selector(&spec["selector"], "spec.selector", causes);
    if is_empty_selector(&spec["selector"]) {
        let why = format!("empty selector is invalid for {of}");
        refuse_selector(&spec["selector"], "spec.selector", &why, causes);
    }
}

fn template(spec: &Value, causes: &mut Vec<Cause>) {
    let of = &spec["selector"];
    let labels = &spec["template"]["metadata"]["labels"];
    // A selector that is not there selects nothing.
    let nothing = !has(spec, "selector");
    if nothing || (!is_empty_selector(of) && is_usable(of) && !fits_selector(of, labels)) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
    pods::template(&spec["template"], "spec.template", causes);
}

/// Checks that pods run for ever.
fn only_always(spec: &Value, kind: &str, causes: &mut Vec<Cause>) {
    let pod = &spec["template"]["spec"];
    one_of(pod, "restartPolicy", "spec.template.spec", &["Always"], causes);
    if has(pod, "activeDeadlineSeconds") {
        let why = format!("activeDeadlineSeconds in {kind} is not Supported");
        causes.push(Cause::forbidden("spec.template.spec.activeDeadlineSeconds", &why));
    }
}

fn unusable(spec: &Value, causes: &mut Vec<Cause>) {
    if has(spec, "selector") && !is_usable(&spec["selector"]) {
        refuse_selector(&spec["selector"], "spec.selector", "invalid label selector", causes);
    }
}

pub(super) fn deployment(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    non_negative(spec, "replicas", "spec", causes);
    selected(spec, "deployment", causes);
    if is_usable(&spec["selector"]) {
        template(spec, causes);
        only_always(spec, "ReplicaSet", causes);
    } else {
        unusable(spec, causes);
    }
    let strategy = &spec["strategy"];
    match text(strategy, "type") {
        "Recreate" => {
            if has(strategy, "rollingUpdate") {
                let why = "may not be specified when strategy `type` is 'Recreate'";
                causes.push(Cause::forbidden("spec.strategy.rollingUpdate", why));
            }
        }
        "RollingUpdate" => rolling(&strategy["rollingUpdate"], "spec.strategy.rollingUpdate", causes),
        kind => {
            let known = ["Recreate", "RollingUpdate"];
            causes.push(unknown_strategy("spec.strategy", kind, &strategy["rollingUpdate"], &known));
        }
    }
    non_negative(spec, "minReadySeconds", "spec", causes);
    non_negative(spec, "revisionHistoryLimit", "spec", causes);
    if let Some(deadline) = spec["progressDeadlineSeconds"].as_i64() {
        non_negative(spec, "progressDeadlineSeconds", "spec", causes);
        if deadline <= spec["minReadySeconds"].as_i64().unwrap_or(0) {
            let why = "must be greater than minReadySeconds";
            causes.push(Cause::invalid("spec.progressDeadlineSeconds", &json!(deadline), why));
        }
    }
}

fn rolling(update: &Value, path: &str, causes: &mut Vec<Cause>) {
    for name in ["maxUnavailable", "maxSurge"] {
        int_or_percent(&update[name], &format!("{path}.{name}"), causes);
    }
    if number_or_share(&update["maxUnavailable"]) == 0 && number_or_share(&update["maxSurge"]) == 0 {
        let why = "may not be 0 when `maxSurge` is 0";
        causes.push(Cause::invalid(format!("{path}.maxUnavailable"), &update["maxUnavailable"], why));
    }
    not_more_than_all(&update["maxUnavailable"], &format!("{path}.maxUnavailable"), causes);
}

/// Returns a number, of a share too, and 0 for what is neither.
fn number_or_share(value: &Value) -> i64 {
    let share = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse().ok());
    share.or_else(|| value.as_i64()).unwrap_or(0)
}

/// A share is at most the whole.
pub(super) fn not_more_than_all(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    if value.is_string() && number_or_share(value) > 100 {
        causes.push(Cause::invalid(field, value, "must not be greater than 100%"));
    }
}

/// Tells of a strategy that is none, in Go's words.
fn unknown_strategy(field: &str, kind: &str, rolling: &Value, known: &[&str]) -> Cause {
    let rolling = if rolling.is_null() {
        "null".to_owned()
    } else {
        let [unavailable, surge] = ["maxUnavailable", "maxSurge"].map(|name| shown(&rolling[name]));
        format!("{{\"MaxUnavailable\":{unavailable},\"MaxSurge\":{surge}}}")
    };
    let known: Vec<String> = known.iter().map(|known| format!("{known:?}")).collect();
    Cause::new(
        "FieldValueNotSupported",
        field,
        format!(
            "Unsupported value: {{\"Type\":{kind:?},\"RollingUpdate\":{rolling}}}: supported values: {}",
            known.join(", ")
        ),
    )
}

/// Checks how the pods of a daemon set are replaced.
fn rolling_daemons(update: &Value, path: &str, causes: &mut Vec<Cause>) {
    let lists = ["maxUnavailable", "maxSurge"];
    for name in lists {
        int_or_percent(&update[name], &format!("{path}.{name}"), causes);
    }
    for name in lists {
        not_more_than_all(&update[name], &format!("{path}.{name}"), causes);
    }
    match lists.map(|name| number_or_share(&update[name]) != 0) {
        [true, true] => {
            let why = "may not be set when maxUnavailable is non-zero";
            causes.push(Cause::invalid(format!("{path}.maxSurge"), &update["maxSurge"], why));
        }
        [false, false] => {
            let why = "cannot be 0 when maxSurge is 0";
            causes.push(Cause::required(format!("{path}.maxUnavailable"), why));
        }
        _ => {}
    }
}

pub(super) fn int_or_percent(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::String(text) => {
            let digits = text.strip_suffix('%').unwrap_or_default();
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                let why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
                causes.push(Cause::invalid(field, value, why));
            }
        }
        Value::Number(number) if number.as_i64().unwrap_or(0) < 0 => {
            causes.push(Cause::invalid(field, value, "must be greater than or equal to 0"));
        }
        _ => {}
    }
}

pub(super) fn replica_set(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    non_negative(spec, "replicas", "spec", causes);
    non_negative(spec, "minReadySeconds", "spec", causes);
    selected(spec, "deployment", causes);
    if is_usable(&spec["selector"]) {
        template(spec, causes);
        only_always(spec, "ReplicaSet", causes);
    } else {
        unusable(spec, causes);
    }
}

pub(super) fn replication_controller(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    non_negative(spec, "minReadySeconds", "spec", causes);
    let empty = spec["selector"].as_object().is_none_or(serde_json::Map::is_empty);
    if empty {
        causes.push(Cause::required("spec.selector", ""));
    }
    non_negative(spec, "replicas", "spec", causes);
    if !has(spec, "template") {
        causes.push(Cause::required("spec.template", ""));
        return;
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if !empty && !fits_selector(&json!({"matchLabels": spec["selector"]}), labels) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
    pods::template(&spec["template"], "spec.template", causes);
    only_always(spec, "ReplicationController", causes);
}

/// Checks a stateful set; some of what is stored is not looked at again.
pub(super) fn stateful_set(object: &Value, is_new: bool, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if needed(spec, "podManagementPolicy", "spec", causes)
        && !matches!(text(spec, "podManagementPolicy"), "OrderedReady" | "Parallel")
    {
        let why = "must be 'OrderedReady' or 'Parallel'";
        causes.push(Cause::invalid("spec.podManagementPolicy", &spec["podManagementPolicy"], why));
    }
    ordered_strategy(&spec["updateStrategy"], causes);
    let (retention, path) =
        (&spec["persistentVolumeClaimRetentionPolicy"], "spec.persistentVolumeClaimRetentionPolicy");
    if !retention.is_null() {
        for name in ["whenDeleted", "whenScaled"] {
            one_of(retention, name, path, &["Retain", "Delete"], causes);
        }
    }
    let claims_of = &spec["volumeClaimTemplates"];
    if is_new {
        for (at, claim) in each(claims_of, "spec.volumeClaimTemplates") {
            claims::template(claim, &at, causes);
        }
    }
    non_negative(spec, "replicas", "spec", causes);
    non_negative(spec, "minReadySeconds", "spec", causes);
    non_negative(&spec["ordinals"], "start", "spec.ordinals", causes);
    if is_new {
        looks_if_any(spec, "serviceName", "spec", names::label_1123, causes);
    }
    selected(spec, "statefulset", causes);
    if is_usable(&spec["selector"]) {
        let whole = with_volumes(spec);
        template(&whole, causes);
        // The server looks at these a second time.
        pods::template_marks(&whole["template"], "spec.template", causes);
    } else {
        refuse_selector(&spec["selector"], "spec.selector", "", causes);
    }
    only_always(spec, "StatefulSet", causes);
}

/// The pods of a stateful set have its claims as volumes, and names of its own making.
fn with_volumes(spec: &Value) -> Value {
    let mut spec = spec.clone();
    let names: Vec<String> = items(&spec["volumeClaimTemplates"])
        .map(|claim| text(&claim["metadata"], "name").to_owned())
        .collect();
    let Some(pod) = spec["template"]["spec"].as_object_mut() else { return spec };
    pod.remove("subdomain");
    pod.remove("hostname");
    if !names.is_empty() {
        let given = pod.get("volumes").and_then(Value::as_array).cloned().unwrap_or_default();
        let made =
            names.iter().map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}));
        let others = given.into_iter().filter(|volume| !names.iter().any(|name| volume["name"] == **name));
        let volumes: Vec<Value> = made.chain(others).collect();
        pod.insert("volumes".to_owned(), Value::Array(volumes));
    }
    spec
}

fn ordered_strategy(strategy: &Value, causes: &mut Vec<Cause>) {
    let (rolling, path) = (&strategy["rollingUpdate"], "spec.updateStrategy.rollingUpdate");
    let told = || {
        if rolling.is_null() {
            return "null".to_owned();
        }
        format!(
            "{{\"Partition\":{},\"MaxUnavailable\":{}}}",
            number(rolling, "partition"),
            shown(&rolling["maxUnavailable"])
        )
    };
    match text(strategy, "type") {
        "" => causes.push(Cause::required("spec.updateStrategy", "")),
        "OnDelete" => {
            if !rolling.is_null() {
                let why = "only allowed for updateStrategy 'RollingUpdate'";
                causes.push(Cause::invalid_as(path, &told(), why));
            }
        }
        "RollingUpdate" => {
            non_negative(rolling, "partition", path, causes);
            let (given, field) = (&rolling["maxUnavailable"], format!("{path}.maxUnavailable"));
            if !given.is_null() {
                int_or_percent(given, &field, causes);
                if number_or_share(given) == 0 {
                    causes.push(Cause::invalid(field.clone(), given, "cannot be 0"));
                }
                not_more_than_all(given, &field, causes);
            }
        }
        kind => {
            let given = format!("{{\"Type\":{kind:?},\"RollingUpdate\":{}}}", told());
            let why = "must be 'RollingUpdate' or 'OnDelete'";
            causes.push(Cause::invalid_as("spec.updateStrategy", &given, why));
        }
    }
}

pub(super) fn daemon_set(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    selector(&spec["selector"], "spec.selector", causes);
    let of = &spec["selector"];
    // A selector that is not there selects nothing, nor does an empty one.
    let fits = has(spec, "selector") && fits_selector(of, &spec["template"]["metadata"]["labels"]);
    if is_usable(of) && !fits {
        let why = "`selector` does not match template `labels`";
        let labels = &spec["template"]["metadata"]["labels"];
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
    if has(spec, "selector") && is_empty_selector(of) {
        refuse_selector(of, "spec.selector", "empty selector is invalid for daemonset", causes);
    }
    pods::template(&spec["template"], "spec.template", causes);
    only_always(spec, "DaemonSet", causes);
    non_negative(spec, "minReadySeconds", "spec", causes);
    let strategy = &spec["updateStrategy"];
    match text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            rolling_daemons(&strategy["rollingUpdate"], "spec.updateStrategy.rollingUpdate", causes);
        }
        kind => {
            let known = ["RollingUpdate", "OnDelete"];
            causes.push(unknown_strategy("spec.updateStrategy", kind, &strategy["rollingUpdate"], &known));
        }
    }
    non_negative(spec, "revisionHistoryLimit", "spec", causes);
}

pub(super) fn update_deployment(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    immutable(&new["spec"]["selector"], &old["spec"]["selector"], "spec.selector", causes);
}

pub(super) fn update_stateful_set(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = object["spec"].clone();
        if let Some(map) = spec.as_object_mut() {
            for name in [
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ] {
                map.remove(name);
            }
        }
        spec
    };
    if rest(new) != rest(old) {
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        causes.push(Cause::forbidden("spec", why));
    }
}

/// Checks what a revision keeps.
pub(super) fn revision(object: &Value, causes: &mut Vec<Cause>) {
    let why = match &object["data"] {
        Value::Null => "data is mandatory",
        Value::Object(_) => return,
        _ => "data must be a valid JSON object",
    };
    causes.push(Cause::required("data", why));
}

/// Checks a changed status.
pub(super) fn statuses(kind: &Kind, new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    match kind.kind.as_str() {
        "Deployment" => {
            let counts = [
                "observedGeneration",
                "replicas",
                "updatedReplicas",
                "readyReplicas",
                "availableReplicas",
                "unavailableReplicas",
                "terminatingReplicas",
                "collisionCount",
            ];
            let parts = ["updatedReplicas", "readyReplicas", "availableReplicas"];
            status(new, &counts, &parts, "cannot be greater than readyReplicas", causes);
        }
        "ReplicaSet" | "ReplicationController" => {
            let counts = [
                "replicas",
                "fullyLabeledReplicas",
                "readyReplicas",
                "availableReplicas",
                "observedGeneration",
                "terminatingReplicas",
            ];
            let parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
            status(new, &counts, &parts, "cannot be greater than readyReplicas", causes);
        }
        "StatefulSet" => {
            let counts = [
                "replicas",
                "readyReplicas",
                "currentReplicas",
                "updatedReplicas",
                "availableReplicas",
                "observedGeneration",
                "collisionCount",
            ];
            let parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
            status(new, &counts, &parts, "cannot be greater than status.readyReplicas", causes);
        }
        "DaemonSet" => {
            let counts = [
                "currentNumberScheduled",
                "numberMisscheduled",
                "desiredNumberScheduled",
                "numberReady",
                "observedGeneration",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberUnavailable",
                "collisionCount",
            ];
            status(new, &counts, &[], "", causes);
        }
        _ => {}
    }
    collisions(new, old, causes);
}

/// Checks the counts of a status: none is negative, and none is more than all.
fn status(object: &Value, names: &[&str], parts: &[&str], ready: &str, causes: &mut Vec<Cause>) {
    let status = &object["status"];
    for name in names {
        non_negative(status, name, "status", causes);
    }
    for name in parts {
        if number(status, name) > number(status, "replicas") {
            let why = "cannot be greater than status.replicas";
            causes.push(Cause::invalid(format!("status.{name}"), &status[*name], why));
        }
    }
    if !ready.is_empty() && number(status, "availableReplicas") > number(status, "readyReplicas") {
        let field = "status.availableReplicas";
        causes.push(Cause::invalid(field, &status["availableReplicas"], ready));
    }
}

/// A count of collisions only grows.
fn collisions(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let count = |object: &Value| object["status"]["collisionCount"].as_i64();
    if count(old).is_some_and(|known| count(new).is_none_or(|given| given < known)) {
        let given = json!(count(new).unwrap_or(0));
        causes.push(Cause::invalid("status.collisionCount", &given, "cannot be decremented"));
    }
}
