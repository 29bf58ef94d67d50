//! The rules of classes: of storage, of priority, of runtimes and of ingresses.

use serde_json::{Value, json};

use super::super::metadata;
use super::super::names;
use super::fields::{
    child, domain_path, each, has, immutable, items, looks, looks_if_any, needed, needed_as, needed_one_of,
    one_of, text,
};
use super::pods::{self, label_key, renamed};
use crate::wire::status::Cause;

const MAX_PARAMETERS: usize = 512;
const MAX_SIZE: usize = 256 * 1024;
const HIGHEST: i64 = 1_000_000_000;

fn provisioner(object: &Value, field: &str, causes: &mut Vec<Cause>) {
    if needed(object, field, "", causes) {
        let lower = json!(text(object, field).to_lowercase());
        looks(&lower, field, names::qualified_name, causes);
    }
}

fn parameters(object: &Value, causes: &mut Vec<Cause>) {
    let given: Vec<(&String, &Value)> = object["parameters"].as_object().into_iter().flatten().collect();
    if given.len() > MAX_PARAMETERS {
        causes.push(Cause::too_long("parameters", MAX_PARAMETERS));
    }
    for _ in given.iter().filter(|(key, _)| key.is_empty()) {
        causes.push(Cause::invalid("parameters", &json!(""), "field can not be empty."));
    }
    let size: usize = given.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MAX_SIZE {
        causes.push(Cause::too_long("parameters", MAX_SIZE));
    }
}

/// Checks a class of storage.
pub(super) fn storage(object: &Value, causes: &mut Vec<Cause>) {
    provisioner(object, "provisioner", causes);
    parameters(object, causes);
    if !text(object, "reclaimPolicy").is_empty() {
        one_of(object, "reclaimPolicy", "", &["Delete", "Retain"], causes);
    }
    if has(object, "volumeBindingMode") {
        one_of(object, "volumeBindingMode", "", &["Immediate", "WaitForFirstConsumer"], causes);
    } else {
        causes.push(Cause::required("volumeBindingMode", ""));
    }
    topologies(&object["allowedTopologies"], causes);
}

fn topologies(list: &Value, causes: &mut Vec<Cause>) {
    let mut terms: Vec<&Value> = Vec::new();
    for (at, term) in each(list, "allowedTopologies") {
        let path = child(&at, "matchLabelExpressions");
        let mut keys: Vec<&str> = Vec::new();
        for (at, wanted) in each(&term["matchLabelExpressions"], &path) {
            let values = child(&at, "values");
            if items(&wanted["values"]).next().is_none() {
                causes.push(Cause::required(values.clone(), ""));
            }
            let mut known: Vec<&Value> = Vec::new();
            for (at, value) in each(&wanted["values"], &values) {
                if known.contains(&value) {
                    causes.push(Cause::duplicate(at, value));
                }
                known.push(value);
            }
            let key = text(wanted, "key");
            label_key(key, &child(&at, "key"), causes);
            if keys.contains(&key) {
                causes.push(Cause::duplicate(child(&at, "key"), &json!(key)));
            }
            keys.push(key);
        }
        if terms.contains(&term) {
            causes.push(Cause::duplicate(path, &json!("")));
        }
        terms.push(term);
    }
}

/// Checks a changed class of storage against what it was.
pub(super) fn update_storage(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    for field in ["parameters", "provisioner", "reclaimPolicy"] {
        if new[field] != old[field] {
            causes.push(Cause::forbidden(field, &format!("updates to {field} are forbidden.")));
        }
    }
    immutable(&new["volumeBindingMode"], &old["volumeBindingMode"], "volumeBindingMode", causes);
}

/// Checks a class of attributes of volumes.
pub(super) fn attributes(object: &Value, causes: &mut Vec<Cause>) {
    provisioner(object, "driverName", causes);
    parameters(object, causes);
    if object["parameters"].as_object().is_none_or(serde_json::Map::is_empty) {
        causes.push(Cause::required("parameters", "must contain at least one key/value pair"));
    }
}

/// Checks a changed class of attributes against what it was.
pub(super) fn update_attributes(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    for field in ["driverName", "parameters"] {
        if new[field] != old[field] {
            causes.push(Cause::forbidden(field, &format!("updates to {field} are forbidden.")));
        }
    }
}

/// Checks a class of priority.
pub(super) fn priority(object: &Value, causes: &mut Vec<Cause>) {
    const SYSTEM: [(&str, i64); 2] =
        [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];
    let (name, value) = (text(&object["metadata"], "name"), object["value"].as_i64().unwrap_or(0));
    if name.starts_with("system-") {
        let why = match SYSTEM.iter().find(|(known, _)| *known == name) {
            Some((_, wanted)) if *wanted != value => {
                format!("value of {name} PriorityClass must be {wanted}")
            }
            Some(_) if object["globalDefault"] == true => {
                format!("globalDefault of {name} PriorityClass must be false")
            }
            Some(_) => String::new(),
            None => format!("{name} is not a known system priority class"),
        };
        if !why.is_empty() {
            let why = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {why}"
            );
            causes.push(Cause::forbidden("metadata.name", &why));
        }
    } else if value > HIGHEST {
        let why = format!("maximum allowed value of a user defined priority is {HIGHEST}");
        causes.push(Cause::forbidden("value", &why));
    }
    if has(object, "preemptionPolicy") {
        needed_one_of(object, "preemptionPolicy", "", &["PreemptLowerPriority", "Never"], causes);
    }
}

/// Checks a changed class of priority against what it was.
pub(super) fn update_priority(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    if new["value"] != old["value"] {
        causes.push(Cause::forbidden("value", "may not be changed in an update."));
    }
    immutable(&new["preemptionPolicy"], &old["preemptionPolicy"], "preemptionPolicy", causes);
}

/// Checks a class of runtimes.
pub(super) fn runtime(object: &Value, causes: &mut Vec<Cause>) {
    looks(&json!(text(object, "handler")), "handler", names::label_1123, causes);
    if has(object, "overhead") {
        let fixed = json!({"limits": object["overhead"]["podFixed"]});
        pods::requirements(&fixed, &[], "overhead", causes);
    }
    let scheduling = &object["scheduling"];
    causes.extend(metadata::validate_labels(&scheduling["nodeSelector"], "scheduling.nodeSelector"));
    pods::tolerations(&scheduling["tolerations"], "scheduling.tolerations", causes);
    let mut known: Vec<Value> = Vec::new();
    for (at, toleration) in each(&scheduling["tolerations"], "scheduling.tolerations") {
        let key = json!(["key", "operator", "value", "effect"].map(|name| text(toleration, name)));
        if known.contains(&key) {
            causes.push(Cause::duplicate(at, toleration));
        } else {
            known.push(key);
        }
    }
}

/// Remarks about a class of runtimes.
pub(super) fn runtime_warnings(object: &Value, warnings: &mut Vec<String>) {
    let selector = object["scheduling"]["nodeSelector"].as_object();
    for key in selector.into_iter().flatten().map(|(key, _)| key) {
        warnings.extend(renamed(key).map(|why| format!("scheduling.nodeSelector: {why}")));
    }
}

/// Checks a class of ingresses.
pub(super) fn ingress(object: &Value, causes: &mut Vec<Cause>) {
    const LONGEST: usize = 250;
    let spec = &object["spec"];
    if text(spec, "controller").len() > LONGEST {
        causes.push(Cause::too_long("spec.controller", LONGEST));
    }
    domain_path(&spec["controller"], "spec.controller", causes);
    if !has(spec, "parameters") {
        return;
    }
    let (of, path) = (&spec["parameters"], "spec.parameters");
    local_reference(of, path, causes);
    if !has(of, "scope") {
        return causes.push(Cause::required("spec.parameters.scope", ""));
    }
    one_of(of, "scope", path, &["Cluster", "Namespace"], causes);
    match (text(of, "scope"), has(of, "namespace")) {
        ("Namespace", false) => {
            let why = "`parameters.scope` is set to 'Namespace'";
            causes.push(Cause::required("spec.parameters.namespace", why));
        }
        ("Namespace", true) => {
            looks(&of["namespace"], "spec.parameters.namespace", names::label_1123, causes);
        }
        ("Cluster", true) => {
            let why = "`parameters.scope` is set to 'Cluster'";
            causes.push(Cause::forbidden("spec.parameters.namespace", why));
        }
        _ => {}
    }
}

/// Checks a reference to an object of any kind in the same namespace.
pub(super) fn local_reference(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    looks_if_any(of, "apiGroup", path, names::subdomain, causes);
    needed_as(of, "kind", path, names::path_segment, causes);
    needed_as(of, "name", path, names::path_segment, causes);
}
