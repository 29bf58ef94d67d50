//! The rules of what makes pods.

use serde_json::{Value, json};

use super::super::names;
use super::super::selectors::fits_selector;
use super::fields::{has, immutable, is_empty_selector, is_usable, items, non_negative, selector, text};
use super::pods;
use crate::wire::status::Cause;

/// Checks a selector and the template that it must select.
fn selected(spec: &Value, of: &str, causes: &mut Vec<Cause>) {
    if !has(spec, "selector") {
        causes.push(Cause::required("spec.selector", ""));
        return;
    }
    selector(&spec["selector"], "spec.selector", causes);
    if is_empty_selector(&spec["selector"]) {
        let why = format!("empty selector is invalid for {of}");
        causes.push(Cause::invalid("spec.selector", &spec["selector"], &why));
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

fn only_always(spec: &Value, causes: &mut Vec<Cause>) {
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if policy != "Always" {
        causes.push(Cause::not_supported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
}

fn unusable(spec: &Value, causes: &mut Vec<Cause>) {
    if has(spec, "selector") && !is_usable(&spec["selector"]) {
        causes.push(Cause::invalid("spec.selector", &spec["selector"], "invalid label selector"));
    }
}

pub(super) fn deployment(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    non_negative(spec, "replicas", "spec", causes);
    selected(spec, "deployment", causes);
    if is_usable(&spec["selector"]) {
        template(spec, causes);
        only_always(spec, causes);
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
        _ => causes.push(Cause::not_supported("spec.strategy", strategy, &["Recreate", "RollingUpdate"])),
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
    let is_zero = |value: &Value| {
        matches!(value, Value::Number(number) if number.as_i64() == Some(0)) || *value == "0%"
    };
    if is_zero(&update["maxUnavailable"]) && is_zero(&update["maxSurge"]) {
        let why = "may not be 0 when `maxSurge` is 0";
        causes.push(Cause::invalid(format!("{path}.maxUnavailable"), &update["maxUnavailable"], why));
    }
    let percent = update["maxUnavailable"]
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|n| n.parse::<i64>().ok());
    if percent.is_some_and(|percent| percent > 100) {
        let field = format!("{path}.maxUnavailable");
        causes.push(Cause::invalid(field, &update["maxUnavailable"], "must not be greater than 100%"));
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
        only_always(spec, causes);
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
    only_always(spec, causes);
}

pub(super) fn stateful_set(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    match text(spec, "podManagementPolicy") {
        "" => causes.push(Cause::required("spec.podManagementPolicy", "")),
        "OrderedReady" | "Parallel" => {}
        _ => {
            let why = "must be 'OrderedReady' or 'Parallel'";
            causes.push(Cause::invalid("spec.podManagementPolicy", &spec["podManagementPolicy"], why));
        }
    }
    let service = text(spec, "serviceName");
    if !service.is_empty() {
        let why = names::label_1123(service);
        causes.extend(why.iter().map(|why| Cause::invalid("spec.serviceName", &spec["serviceName"], why)));
    }
    non_negative(&spec["ordinals"], "start", "spec.ordinals", causes);
    let strategy = &spec["updateStrategy"];
    match text(strategy, "type") {
        "" => causes.push(Cause::required("spec.updateStrategy", "")),
        "OnDelete" => {
            if has(strategy, "rollingUpdate") {
                let why = "only allowed for updateStrategy 'RollingUpdate'";
                causes.push(Cause::invalid(
                    "spec.updateStrategy.rollingUpdate",
                    &strategy["rollingUpdate"],
                    why,
                ));
            }
        }
        "RollingUpdate" => {
            non_negative(&strategy["rollingUpdate"], "partition", "spec.updateStrategy.rollingUpdate", causes)
        }
        _ => {
            let why = "must be 'RollingUpdate' or 'OnDelete'";
            causes.push(Cause::invalid("spec.updateStrategy", strategy, why));
        }
    }
    non_negative(spec, "replicas", "spec", causes);
    non_negative(spec, "minReadySeconds", "spec", causes);
    let retention = &spec["persistentVolumeClaimRetentionPolicy"];
    for name in ["whenDeleted", "whenScaled"] {
        let given = text(retention, name);
        if has(retention, name) && !matches!(given, "Retain" | "Delete") {
            let field = format!("spec.persistentVolumeClaimRetentionPolicy.{name}");
            causes.push(Cause::not_supported(field, &retention[name], &["Retain", "Delete"]));
        }
    }
    selected(spec, "statefulset", causes);
    if is_usable(&spec["selector"]) {
        template(spec, causes);
    } else {
        unusable(spec, causes);
    }
    only_always(spec, causes);
}

pub(super) fn daemon_set(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    selector(&spec["selector"], "spec.selector", causes);
    let of = &spec["selector"];
    if is_usable(of) && has(spec, "selector") && !fits_selector(of, &spec["template"]["metadata"]["labels"]) {
        let why = "`selector` does not match template `labels`";
        let labels = &spec["template"]["metadata"]["labels"];
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
    if has(spec, "selector") && is_empty_selector(of) {
        let why = "empty selector is invalid for daemonset";
        causes.push(Cause::invalid("spec.selector", of, why));
    }
    pods::template(&spec["template"], "spec.template", causes);
    only_always(spec, causes);
    non_negative(spec, "minReadySeconds", "spec", causes);
    match text(&spec["updateStrategy"], "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            rolling(&spec["updateStrategy"]["rollingUpdate"], "spec.updateStrategy.rollingUpdate", causes)
        }
        _ => {
            let supported = ["RollingUpdate", "OnDelete"];
            causes.push(Cause::not_supported(
                "spec.updateStrategy.type",
                &spec["updateStrategy"]["type"],
                &supported,
            ));
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

pub(super) fn update_pod(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = object["spec"].clone();
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(map) = container.as_object_mut() {
                    map.remove("image");
                }
            }
        }
        if let Some(map) = spec.as_object_mut() {
            for name in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
                map.remove(name);
            }
        }
        spec
    };
    let known: Vec<&Value> = items(&old["spec"]["tolerations"]).collect();
    let kept =
        known.iter().all(|toleration| items(&new["spec"]["tolerations"]).any(|now| now == *toleration));
    if !kept {
        let why = "existing toleration can not be modified except its tolerationSeconds";
        causes.push(Cause::forbidden("spec.tolerations", why));
    }
    if rest(new) != rest(old) {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        causes.push(Cause::forbidden("spec", why));
    }
}
