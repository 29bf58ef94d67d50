//! The rules of containers.

use serde_json::{Value, json};

use super::super::super::names;
use super::super::fields::{each, has, items, looks_if_any, needed, needed_as, needed_one_of, text};
use super::{
    Around, environment, mounts, padded_image, policy, port_number, probes, protocol, pull_policy,
    requirements, security,
};
use crate::wire::status::Cause;

const RESTARTS: [&str; 3] = ["Always", "Never", "OnFailure"];
const MAX_RULES: usize = 20;
const MAX_CODES: usize = 255;

/// Checks all containers of a pod.
pub(super) fn check(spec: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    main(&spec["containers"], around, &format!("{path}.containers"), causes);
    first(spec, around, &format!("{path}.initContainers"), causes);
    ephemeral(spec, around, &format!("{path}.ephemeralContainers"), causes);
}

fn main(list: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    if items(list).next().is_none() {
        return causes.push(Cause::required(path, ""));
    }
    let mut known: Vec<&str> = Vec::new();
    for (at, container) in each(list, path) {
        every(container, around, &at, causes);
        unique(container, &mut known, &at, causes);
        life(container, around, &at, causes);
        restarts(container, &at, causes);
    }
    host_ports(items(list).zip(0..), path, causes);
}

/// Checks containers that run before the others.
fn first(spec: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<&str> = items(&spec["containers"]).map(|container| text(container, "name")).collect();
    for (at, container) in each(&spec["initContainers"], path) {
        every(container, around, &at, causes);
        if !has(container, "restartPolicy") {
            rules_need_policy(container, &at, causes);
        } else if container["restartPolicy"] == "Always" {
            if items(&container["restartPolicyRules"]).next().is_some() {
                let why = "restartPolicyRules are not allowed for init containers with restart policy Always";
                causes.push(Cause::forbidden(format!("{at}.restartPolicyRules"), why));
            }
        } else {
            restarts(container, &at, causes);
        }
        unique(container, &mut known, &at, causes);
        host_ports(std::iter::once((container, 0)), path, causes);
        if container["restartPolicy"] == "Always" {
            life(container, around, &at, causes);
            continue;
        }
        for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if has(container, name) {
                let why = "may not be set for init containers without restartPolicy=Always";
                causes.push(Cause::forbidden(format!("{at}.{name}"), why));
            }
        }
    }
}

/// Checks containers that join a running pod.
fn ephemeral(spec: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    const REFUSED: [&str; 9] = [
        "ports",
        "resources",
        "resizePolicy",
        "restartPolicy",
        "restartPolicyRules",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle",
    ];
    let others: Vec<&str> = items(&spec["containers"])
        .chain(items(&spec["initContainers"]))
        .map(|container| text(container, "name"))
        .collect();
    let mut known = others.clone();
    for (at, container) in each(&spec["ephemeralContainers"], path) {
        every(container, around, &at, causes);
        padded_image(container, &at, causes);
        unique(container, &mut known, &at, causes);
        let target = text(container, "targetContainerName");
        if !target.is_empty() && !others.contains(&target) {
            causes.push(Cause::not_found(format!("{at}.targetContainerName"), &json!(target)));
        }
        for name in REFUSED {
            let is_empty = container[name].as_object().is_some_and(serde_json::Map::is_empty);
            if has(container, name) && !is_empty {
                causes.push(Cause::forbidden(
                    format!("{at}.{name}"),
                    "cannot be set for an Ephemeral Container",
                ));
            }
        }
        for (at, mount) in each(&container["volumeMounts"], &format!("{at}.volumeMounts")) {
            for name in ["subPath", "subPathExpr"] {
                if !text(mount, name).is_empty() {
                    let why = "cannot be set for an Ephemeral Container";
                    causes.push(Cause::forbidden(format!("{at}.{name}"), why));
                }
            }
        }
    }
}

fn unique<'c>(container: &'c Value, known: &mut Vec<&'c str>, path: &str, causes: &mut Vec<Cause>) {
    let name = text(container, "name");
    if known.contains(&name) {
        causes.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
    } else if !name.is_empty() || path.contains(".containers[") {
        known.push(name);
    }
}

/// Checks what holds of every kind of container.
fn every(container: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    let at = |name: &str| format!("{path}.{name}");
    needed_as(container, "name", path, names::label_1123, causes);
    needed(container, "image", path, causes);
    let ends = ["File", "FallbackToLogsOnError"];
    needed_one_of(container, "terminationMessagePolicy", path, &ends, causes);
    ports(&container["ports"], &at("ports"), causes);
    environment::check(&container["env"], &at("env"), causes);
    environment::from(&container["envFrom"], &at("envFrom"), causes);
    mounts::check(container, around, path, causes);
    mounts::devices(container, around, path, causes);
    pull_policy(container, "imagePullPolicy", path, causes);
    requirements(&container["resources"], &around.claims, &at("resources"), causes);
    resizing(&container["resizePolicy"], around.restarts, &at("resizePolicy"), causes);
    security::of_container(&container["securityContext"], around, &at("securityContext"), causes);
}

/// Checks how a container lives: its hooks and its probes.
fn life(container: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    if has(container, "lifecycle") {
        probes::hooks(&container["lifecycle"], around, &format!("{path}.lifecycle"), causes);
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if has(container, name) {
            probes::probe(&container[name], around, path, name, causes);
        }
    }
}

fn rules_need_policy(container: &Value, path: &str, causes: &mut Vec<Cause>) {
    if items(&container["restartPolicyRules"]).next().is_some() {
        let why = "must specify restartPolicy when restart rules are used";
        causes.push(Cause::required(format!("{path}.restartPolicy"), why));
    }
}

/// Checks when a container is started again.
fn restarts(container: &Value, path: &str, causes: &mut Vec<Cause>) {
    if has(container, "restartPolicy") {
        policy(container, "restartPolicy", path, &RESTARTS, causes);
    } else {
        rules_need_policy(container, path, causes);
    }
    let rules = &container["restartPolicyRules"];
    let path = format!("{path}.restartPolicyRules");
    if items(rules).count() > MAX_RULES {
        causes.push(Cause::too_long(path.clone(), MAX_RULES));
    }
    for (at, rule) in each(rules, &path) {
        super::super::fields::one_of(rule, "action", &at, &["Restart"], causes);
        if !has(rule, "exitCodes") {
            causes.push(Cause::required(format!("{at}.exitCodes"), "must be specified"));
            continue;
        }
        let (codes, at) = (&rule["exitCodes"], format!("{at}.exitCodes"));
        super::super::fields::one_of(codes, "operator", &at, &["In", "NotIn"], causes);
        if items(&codes["values"]).count() > MAX_CODES {
            causes.push(Cause::too_long(format!("{at}.values"), MAX_CODES));
        }
    }
}

fn ports(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<&str> = Vec::new();
    for (at, port) in each(list, path) {
        let name = text(port, "name");
        if !name.is_empty() && names::port(name).is_empty() {
            if known.contains(&name) {
                causes.push(Cause::duplicate(format!("{at}.name"), &port["name"]));
            }
            known.push(name);
        } else {
            looks_if_any(port, "name", &at, names::port, causes);
        }
        match port["containerPort"].as_i64().unwrap_or(0) {
            0 => causes.push(Cause::required(format!("{at}.containerPort"), "")),
            number => port_number(number, &format!("{at}.containerPort"), causes),
        }
        let host = port["hostPort"].as_i64().unwrap_or(0);
        if host != 0 {
            port_number(host, &format!("{at}.hostPort"), causes);
        }
        protocol(port, &at, causes);
    }
}

/// A port of the node is one container's.
fn host_ports<'c>(list: impl Iterator<Item = (&'c Value, usize)>, path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<String> = Vec::new();
    for (container, position) in list {
        for (at, port) in each(&container["ports"], &format!("{path}[{position}].ports")) {
            let host = port["hostPort"].as_i64().unwrap_or(0);
            if host == 0 {
                continue;
            }
            let key = format!("{}/{}/{host}", text(port, "protocol"), text(port, "hostIP"));
            if known.contains(&key) {
                causes.push(Cause::duplicate(format!("{at}.hostPort"), &json!(key)));
            } else {
                known.push(key);
            }
        }
    }
}

/// Checks what a change of resources does to a running container.
fn resizing(list: &Value, restarts: &str, path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<&str> = Vec::new();
    let among = |value: &Value, supported: &[&str], causes: &mut Vec<Cause>| match value.as_str() {
        None | Some("") => causes.push(Cause::required(path, "")),
        Some(text) if !supported.contains(&text) => {
            causes.push(Cause::not_supported(path, value, supported));
        }
        Some(_) => {}
    };
    for (at, policy) in each(list, path) {
        let name = text(policy, "resourceName");
        if known.contains(&name) {
            causes.push(Cause::duplicate(at, &json!(name)));
        }
        known.push(name);
        among(&policy["resourceName"], &["cpu", "memory"], causes);
        among(&policy["restartPolicy"], &["NotRequired", "RestartContainer"], causes);
        if restarts == "Never" && policy["restartPolicy"] != "NotRequired" {
            let why = "must be 'NotRequired' when `restartPolicy` is 'Never'";
            causes.push(Cause::invalid(path, &json!(text(policy, "restartPolicy")), why));
        }
    }
}
