//! What may change of a pod.

use serde_json::{Value, json};

use super::super::fields::{each, has, items, needed, text};
use super::padded_image;
use crate::wire::status::Cause;

const FIXED: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const AFFINITY: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// Checks a changed pod against what it was.
pub(in super::super) fn update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (now, was) = (&new["spec"], &old["spec"]);
    marks(&new["metadata"]["annotations"], &old["metadata"]["annotations"], causes);
    for list in ["containers", "initContainers"] {
        let path = format!("spec.{list}");
        if items(&now[list]).count() != items(&was[list]).count() {
            return causes.push(Cause::forbidden(path, "pod updates may not add or remove containers"));
        }
        for (at, container) in each(&now[list], &path) {
            needed(container, "image", &at, causes);
            padded_image(container, &at, causes);
        }
    }
    deadline(now, was, causes);
    tolerations(now, was, causes);
    for (position, gate) in items(&now["schedulingGates"]).enumerate() {
        if !items(&was["schedulingGates"]).any(|known| known["name"] == gate["name"]) {
            let name = text(gate, "name");
            let why = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            causes.push(Cause::forbidden(format!("spec.schedulingGates[{position}].name"), &why));
        }
    }
    if now == was {
        return;
    }
    let mut rest = now.clone();
    let gated = items(&was["schedulingGates"]).next().is_some();
    if gated {
        placement(&mut rest, was, causes);
    }
    if kept(&rest, was) != kept(was, was) {
        causes.push(Cause::forbidden("spec", FIXED));
    }
}

/// What marks a pod's makers stays.
fn marks(now: &Value, was: &Value, causes: &mut Vec<Cause>) {
    const MIRROR: &str = "kubernetes.io/config.mirror";
    let field = format!("metadata.annotations[{MIRROR}]");
    if has(was, MIRROR) && now[MIRROR] != was[MIRROR] {
        causes.push(Cause::forbidden(field, "may not remove or update mirror pod annotation"));
    } else if !has(was, MIRROR) && has(now, MIRROR) {
        causes.push(Cause::forbidden(field, "may not add mirror pod annotation"));
    }
}

/// A deadline comes nearer, or stays.
fn deadline(now: &Value, was: &Value, causes: &mut Vec<Cause>) {
    let field = "spec.activeDeadlineSeconds";
    let (given, known) = (now["activeDeadlineSeconds"].as_i64(), was["activeDeadlineSeconds"].as_i64());
    match (given, known) {
        (Some(given), known) => {
            if !(0..=i64::from(i32::MAX)).contains(&given) {
                let why = "must be between 0 and 2147483647, inclusive";
                causes.push(Cause::invalid(field, &json!(given), why));
            }
            if known.is_some_and(|known| known < given) {
                let why = "must be less than or equal to previous value";
                causes.push(Cause::invalid(field, &json!(given), why));
            }
        }
        (None, Some(_)) => {
            let why = "must not update from a positive integer to nil value";
            causes.push(Cause::invalid(field, &Value::Null, why));
        }
        (None, None) => {}
    }
}

fn tolerations(now: &Value, was: &Value, causes: &mut Vec<Cause>) {
    let untimed = |toleration: &Value| {
        let mut toleration = toleration.clone();
        if let Some(map) = toleration.as_object_mut() {
            map.remove("tolerationSeconds");
        }
        toleration
    };
    for known in items(&was["tolerations"]) {
        if !items(&now["tolerations"]).any(|given| untimed(given) == untimed(known)) {
            let why = "existing toleration can not be modified except its tolerationSeconds";
            return causes.push(Cause::forbidden("spec.tolerations", why));
        }
    }
    super::tolerations(&now["tolerations"], "spec.tolerations", causes);
}

/// A pod that is held back may still be placed more narrowly.
fn placement(rest: &mut Value, was: &Value, causes: &mut Vec<Cause>) {
    if rest["nodeSelector"] != was["nodeSelector"] {
        for (key, value) in was["nodeSelector"].as_object().into_iter().flatten() {
            if rest["nodeSelector"][key.as_str()] != *value {
                let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
                causes.push(Cause::invalid("spec.nodeSelector", &rest["nodeSelector"], why));
            }
        }
        rest["nodeSelector"] = was["nodeSelector"].clone();
    }
    let nodes = |spec: &Value| spec["affinity"]["nodeAffinity"].clone();
    let (given, known) = (nodes(rest), nodes(was));
    if given == known {
        return;
    }
    terms(&given[AFFINITY], &known[AFFINITY], causes);
    rest["affinity"]["nodeAffinity"] = known;
    for (place, name) in [("/affinity", "nodeAffinity"), ("", "affinity")] {
        let Some(Value::Object(map)) = rest.pointer_mut(place) else { continue };
        let empty =
            map.get(name).is_some_and(|value| value.as_object().is_none_or(serde_json::Map::is_empty));
        if empty {
            map.remove(name);
        }
    }
}

fn terms(given: &Value, known: &Value, causes: &mut Vec<Cause>) {
    let path = format!("spec.affinity.nodeAffinity.{AFFINITY}.nodeSelectorTerms");
    let (given, known) = (&given["nodeSelectorTerms"], &known["nodeSelectorTerms"]);
    let count = items(known).count();
    if count == 0 {
        return;
    }
    if items(given).count() != count {
        let why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return causes.push(Cause::invalid(path, given, why));
    }
    for (position, (given, known)) in items(given).zip(items(known)).enumerate() {
        let begins = |name: &str| {
            let known: Vec<&Value> = items(&known[name]).collect();
            let given: Vec<&Value> = items(&given[name]).collect();
            given.starts_with(&known)
        };
        let lists = ["matchExpressions", "matchFields"];
        let any = |term: &Value| lists.iter().any(|name| items(&term[*name]).next().is_some());
        if !lists.iter().all(|name| begins(name)) || !any(known) && any(given) {
            let why = "only additions are allowed (no mutations or deletions)";
            causes.push(Cause::invalid(format!("{path}[{position}]"), given, why));
        }
    }
}

/// Returns what is left of a spec without what may change.
fn kept(spec: &Value, was: &Value) -> Value {
    let mut spec = spec.clone();
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(map) = container.as_object_mut() {
                map.remove("image");
            }
        }
    }
    let was_negative = was["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0);
    if let Some(map) = spec.as_object_mut() {
        for name in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
            map.remove(name);
        }
        if was_negative && map.get("terminationGracePeriodSeconds") == Some(&json!(1)) {
            map.insert(
                "terminationGracePeriodSeconds".to_owned(),
                was["terminationGracePeriodSeconds"].clone(),
            );
        }
        map.retain(|_, value| !value.is_null());
    }
    spec
}
