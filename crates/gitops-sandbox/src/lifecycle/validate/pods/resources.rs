//! The rules of what containers and pods ask of a node.

use gitops_expr::Quantity;
use serde_json::{Value, json};

use super::super::super::names;
use super::super::fields::{each, has, items, looks, looks_if_any, non_negative_amount, quantity, text};
use crate::wire::status::Cause;

const AMOUNTS: [&str; 10] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];
/// Numbers of objects, which come whole.
const NUMBERS: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

/// Returns whether a quota can be set for what has this name, pages aside.
pub(in super::super) fn is_counted(name: &str) -> bool {
    AMOUNTS.contains(&name) || NUMBERS.contains(&name)
}

/// Resources that have no domain, or that of Kubernetes.
fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Resources that others define, which come whole.
fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && names::qualified_name(&format!("requests.{name}")).is_empty()
}

fn is_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Checks the name of any resource; tells whether it is one.
pub(in super::super) fn resource_name(name: &str, field: &str, causes: &mut Vec<Cause>) -> bool {
    let before = causes.len();
    looks(&json!(name), field, names::qualified_name, causes);
    if causes.len() > before {
        return false;
    }
    if !name.contains('/')
        && !is_counted(name)
        && name != "storage"
        && !is_pages(name)
        && !is_prefixed_pages(name)
    {
        let why = "must be a standard resource type or fully qualified";
        causes.push(Cause::invalid(field, &json!(name), why));
    }
    true
}

fn is_prefixed_pages(name: &str) -> bool {
    name.starts_with("requests.hugepages-")
}

/// Checks the name of a resource that containers can ask for.
pub(in super::super) fn container_resource(name: &str, field: &str, causes: &mut Vec<Cause>) {
    resource_name(name, field, causes);
    if !name.contains('/') {
        if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !is_pages(name) {
            let why = "must be a standard resource for containers";
            causes.push(Cause::invalid(field, &json!(name), why));
        }
    } else if !is_native(name) && !is_extended(name) {
        let why = "doesn't follow extended resource name standard";
        causes.push(Cause::invalid(field, &json!(name), why));
    }
}

/// Checks the name of a resource that a pod as a whole can ask for.
fn pod_resource(name: &str, field: &str, causes: &mut Vec<Cause>) {
    if !matches!(name, "cpu" | "memory") && !is_pages(name) {
        let known = ["cpu", "hugepages-", "memory"];
        causes.push(Cause::not_supported(field, &json!(name), &known));
    }
}

/// Checks an amount: none is negative, and what is counted is counted whole.
pub(in super::super) fn amount(name: &str, value: &Value, field: &str, causes: &mut Vec<Cause>) {
    non_negative_amount(value, field, causes);
    let whole = NUMBERS.contains(&name) || is_extended(name);
    if whole && quantity(value).is_some_and(|given| !given.is_whole()) {
        causes.push(Cause::invalid(field, value, "must be an integer"));
    }
}

/// Checks what a container asks for.
pub(in super::super) fn requirements(given: &Value, claims: &[&str], path: &str, causes: &mut Vec<Cause>) {
    check(given, container_resource, path, causes);
    used_claims(&given["claims"], claims, &format!("{path}.claims"), causes);
}

fn check(given: &Value, name_check: fn(&str, &str, &mut Vec<Cause>), path: &str, causes: &mut Vec<Cause>) {
    let (limits, requests) = (&given["limits"], &given["requests"]);
    let mut names: Vec<&str> = Vec::new();
    for (list, values) in [("limits", limits), ("requests", requests)] {
        for (name, value) in values.as_object().into_iter().flatten() {
            let field = format!("{path}.{list}[{name}]");
            name_check(name, &field, causes);
            amount(name, value, &field, causes);
            if list == "requests" {
                within_limit(name, value, limits, path, causes);
            }
            divisible(name, value, &field, causes);
            names.push(name);
        }
    }
    if names.iter().any(|name| is_pages(name)) && !names.iter().any(|name| matches!(*name, "cpu" | "memory"))
    {
        causes.push(Cause::forbidden(path, "HugePages require cpu or memory"));
    }
}

/// Pages come whole.
fn divisible(name: &str, value: &Value, field: &str, causes: &mut Vec<Cause>) {
    let Some(size) = name.strip_prefix("hugepages-").and_then(Quantity::parse) else { return };
    let Some(given) = quantity(value) else { return };
    if size.is_zero() || given.nano() % size.nano() != 0 {
        let why = format!("{} is not positive integer multiple of {name}", given.canonical());
        causes.push(Cause::invalid(field, value, &why));
    }
}

fn within_limit(name: &str, value: &Value, limits: &Value, path: &str, causes: &mut Vec<Cause>) {
    let (limit, field) = (quantity(&limits[name]), format!("{path}.requests"));
    // What containers share can be promised to more of them than there is.
    let shared = is_native(name) && !is_pages(name);
    match (quantity(value), limit) {
        (Some(request), Some(limit)) => {
            let shown = limit.canonical();
            if request != limit && !shared {
                let why = format!("must be equal to {name} limit of {shown}");
                causes.push(Cause::invalid(field, value, &why));
            } else if request > limit {
                let why = format!("must be less than or equal to {name} limit of {shown}");
                causes.push(Cause::invalid(field, value, &why));
            }
        }
        (_, None) if !shared => {
            let why = "Limit must be set for non overcommitable resources";
            causes.push(Cause::required(format!("{path}.limits"), why));
        }
        _ => {}
    }
}

/// Checks claims that a container uses.
fn used_claims(list: &Value, of_pod: &[&str], path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<String> = Vec::new();
    for (at, claim) in each(list, path) {
        let (name, request) = (text(claim, "name"), text(claim, "request"));
        if name.is_empty() {
            causes.push(Cause::required(at, ""));
            continue;
        }
        looks_if_any(claim, "request", &at, names::label_1123, causes);
        let key = if request.is_empty() { name.to_owned() } else { format!("{name}/{request}") };
        let of_whole = request.is_empty() && known.iter().any(|known| known.starts_with(&format!("{name}/")));
        if known.iter().any(|known| *known == name || *known == key) || of_whole {
            causes.push(Cause::duplicate(at.clone(), &json!(key)));
        }
        known.push(key);
        if !of_pod.contains(&name) {
            let mut cause = Cause::not_found(at, &json!(name));
            let listed = if of_pod.is_empty() {
                " which is empty".to_owned()
            } else {
                format!(": {}", of_pod.join(", "))
            };
            cause.message.push_str(&format!(": must be one of the names in pod.spec.resourceClaims{listed}"));
            causes.push(cause);
        }
    }
}

/// Checks claims that a pod makes.
pub(super) fn claims(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<&str> = Vec::new();
    for (at, claim) in each(list, path) {
        let name = text(claim, "name");
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else if known.contains(&name) {
            causes.push(Cause::duplicate(format!("{at}.name"), &claim["name"]));
        } else {
            looks(&claim["name"], &format!("{at}.name"), names::label_1123, causes);
            known.push(name);
        }
        let given = ["resourceClaimName", "resourceClaimTemplateName"];
        let given: Vec<&str> = given.into_iter().filter(|name| has(claim, name)).collect();
        let shown = format!(
            "{{\"Name\":{},\"ResourceClaimName\":{},\"ResourceClaimTemplateName\":{}}}",
            json!(name),
            claim["resourceClaimName"],
            claim["resourceClaimTemplateName"]
        );
        match given.len() {
            1 => {}
            0 => {
                let why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
                causes.push(Cause::invalid_as(at.clone(), &shown, why));
            }
            _ => {
                let why =
                    "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
                causes.push(Cause::invalid_as(at.clone(), &shown, why));
            }
        }
        for name in given {
            looks(&claim[name], &format!("{at}.{name}"), names::subdomain, causes);
        }
    }
}

/// Checks what a pod as a whole asks for.
pub(super) fn of_pod(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let given = &spec["resources"];
    if given.is_null() {
        return;
    }
    let path = format!("{path}.resources");
    if spec["os"]["name"] == "windows" {
        return causes.push(Cause::forbidden(path, "may not be set for a windows pod"));
    }
    if has(given, "claims") {
        let why = "claims may not be set for Resources at pod-level";
        causes.push(Cause::forbidden(format!("{path}.claims"), why));
    }
    check(given, pod_resource, &path, causes);
    for (name, value) in given["requests"].as_object().into_iter().flatten() {
        let asked = items(&spec["containers"])
            .filter_map(|container| quantity(&container["resources"]["requests"][name.as_str()]));
        let Some(sum) = asked.reduce(|sum, more| sum.checked_add(more).unwrap_or(sum)) else { continue };
        if quantity(value).is_some_and(|given| sum > given) {
            let why = format!(
                "must be greater than or equal to aggregate container requests of {}",
                sum.canonical()
            );
            causes.push(Cause::invalid(format!("{path}.requests[{name}]"), value, &why));
        }
    }
    for (position, container) in items(&spec["containers"]).enumerate() {
        for (name, value) in container["resources"]["limits"].as_object().into_iter().flatten() {
            let Some(limit) = quantity(&given["limits"][name.as_str()]) else { continue };
            if quantity(value).is_some_and(|given| given > limit) {
                let field = format!("{path}.containers[{position}][{name}].limits");
                let why = format!("must be less than or equal to pod limits of {}", limit.canonical());
                causes.push(Cause::invalid(field, value, &why));
            }
        }
    }
}
