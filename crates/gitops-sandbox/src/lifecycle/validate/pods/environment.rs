//! The rules of environment variables.

use serde_json::{Value, json};

use super::super::super::names;
use super::super::fields::{each, has, items, looks, needed, needed_as, quantity, text};
use super::no_steps_back;
use crate::wire::status::Cause;

const OF_VARIABLES: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
pub(super) const OF_FILES: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const OF_RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// Checks variables.
pub(super) fn check(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (at, variable) in each(list, path) {
        needed_as(variable, "name", &at, names::variable, causes);
        if has(variable, "valueFrom") {
            source(variable, &format!("{at}.valueFrom"), causes);
        }
    }
}

fn source(variable: &Value, path: &str, causes: &mut Vec<Cause>) {
    let from = &variable["valueFrom"];
    let mut found = 0;
    for name in ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] {
        if !has(from, name) {
            continue;
        }
        found += 1;
        let (of, at) = (&from[name], format!("{path}.{name}"));
        match name {
            "fieldRef" => field(of, &OF_VARIABLES, &at, causes),
            "resourceFieldRef" => resource(of, &at, false, causes),
            "fileKeyRef" => {
                needed_as(of, "key", &at, names::variable, causes);
                needed_as(of, "volumeName", &at, names::label_1123, causes);
                if needed(of, "path", &at, causes) {
                    no_steps_back(&of["path"], &format!("{at}.path"), causes);
                }
            }
            _ => {
                looks(&json!(text(of, "name")), &format!("{at}.name"), names::subdomain, causes);
                needed_as(of, "key", &at, names::config_key, causes);
            }
        }
    }
    let why = match found {
        0 => {
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        }
        _ if !text(variable, "value").is_empty() => "may not be specified when `value` is not empty",
        1 => return,
        _ => "may not have more than one field specified at a time",
    };
    causes.push(Cause::invalid(path, &json!(""), why));
}

/// Checks a reference to a field of the pod.
pub(super) fn field(of: &Value, known: &[&str], path: &str, causes: &mut Vec<Cause>) {
    if !needed(of, "apiVersion", path, causes) || !needed(of, "fieldPath", path, causes) {
        return;
    }
    let given = text(of, "fieldPath");
    let (place, key) = match given.split_once("['") {
        Some((place, key)) if key.ends_with("']") => (place, Some(&key[..key.len() - 2])),
        _ => (given, None),
    };
    let convertible = match key {
        Some(_) => matches!(place, "metadata.annotations" | "metadata.labels"),
        None => {
            OF_VARIABLES.contains(&place)
                || OF_FILES.contains(&place)
                || matches!(
                    place,
                    "status.phase"
                        | "spec.restartPolicy"
                        | "spec.schedulerName"
                        | "spec.host"
                        | "status.nominatedNodeName"
                )
        }
    };
    let at = format!("{path}.fieldPath");
    if !convertible {
        let what = if key.is_some() {
            "field label does not support subscript"
        } else {
            "field label not supported"
        };
        let shown = if key.is_some() { place } else { given };
        let why = format!("error converting fieldPath: {what}: {shown}");
        return causes.push(Cause::invalid(at, &of["fieldPath"], &why));
    }
    match key {
        Some(key) if place == "metadata.annotations" => {
            looks(&json!(key.to_lowercase()), path, names::qualified_name, causes);
        }
        Some(key) => looks(&json!(key), path, names::qualified_name, causes),
        None if !known.contains(&place) => causes.push(Cause::not_supported(at, &json!(place), known)),
        None => {}
    }
}

/// Checks a reference to the resources of a container.
pub(super) fn resource(of: &Value, path: &str, in_volume: bool, causes: &mut Vec<Cause>) {
    if in_volume && !needed(of, "containerName", path, causes) || !needed(of, "resource", path, causes) {
        return;
    }
    let name = text(of, "resource");
    let pages = name.starts_with("limits.hugepages-") || name.starts_with("requests.hugepages-");
    if !OF_RESOURCES.contains(&name) && !pages {
        causes.push(Cause::not_supported(format!("{path}.resource"), &json!(name), &OF_RESOURCES));
    }
    divisor(of, name, path, causes);
}

fn divisor(of: &Value, name: &str, path: &str, causes: &mut Vec<Cause>) {
    const SIZES: [&str; 13] =
        ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    let Some(given) = quantity(&of["divisor"]).filter(|given| !given.is_zero()) else { return };
    let given = given.canonical();
    let of = match name.split_once('.').map(|(_, what)| what).unwrap_or_default() {
        "cpu" => "cpu",
        "memory" => "memory",
        "ephemeral-storage" => "local ephemeral storage",
        what if what.starts_with("hugepages-") => "hugepages",
        _ => return,
    };
    let (fits, which) = if of == "cpu" {
        (matches!(given.as_str(), "1m" | "1"), "1m and 1".to_owned())
    } else {
        (SIZES.contains(&given.as_str()), SIZES.join(", "))
    };
    if !fits {
        let why = format!("only divisor's values {which} are supported with the {of} resource");
        causes.push(Cause::invalid(format!("{path}.divisor"), &json!(name), &why));
    }
}

/// Checks where many variables come from.
pub(super) fn from(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (at, from) in each(list, path) {
        super::super::fields::looks_if_any(from, "prefix", &at, names::variable, causes);
        let given = ["configMapRef", "secretRef"].into_iter().filter(|name| has(from, name));
        let given: Vec<&str> = given.collect();
        for name in &given {
            needed_as(&from[*name], "name", &format!("{at}.{name}"), look_of_prefix, causes);
        }
        let why = match given.len() {
            0 => "must specify one of: `configMapRef` or `secretRef`",
            1 => continue,
            _ => "may not have more than one field specified at a time",
        };
        causes.push(Cause::invalid(path, &json!(""), why));
    }
}

fn look_of_prefix(name: &str) -> Vec<String> {
    names::of_prefix(names::subdomain, name)
}

/// Variables out of files are out of volumes that are empty at first.
pub(super) fn files(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (at, container) in each(&spec[list], &format!("{path}.{list}")) {
            for (at, variable) in each(&container["env"], &format!("{at}.env")) {
                let of = &variable["valueFrom"]["fileKeyRef"];
                if of.is_null() {
                    continue;
                }
                let (name, at) = (text(of, "volumeName"), format!("{at}.valueFrom.fileKeyRef.volumeName"));
                match items(&spec["volumes"]).find(|volume| text(volume, "name") == name) {
                    None => causes.push(Cause::not_found(at, &json!(name))),
                    Some(volume) if !has(volume, "emptyDir") => {
                        let why = "referenced volume must be of type emptyDir";
                        causes.push(Cause::invalid(at, &json!(name), why));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
