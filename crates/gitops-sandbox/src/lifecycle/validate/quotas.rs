//! The rules of ResourceQuotas and LimitRanges.

use gitops_expr::Quantity;
use serde_json::{Value, json};

use super::super::names;
use super::fields::{each, items, looks, quantity, text};
use super::pods;
use crate::wire::status::{Cause, shown};

const OF_PODS: [&str; 7] =
    ["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
const PAIRS: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];

fn is_counted(name: &str) -> bool {
    pods::is_counted(name) || name.starts_with("hugepages-") || name.starts_with("requests.hugepages-")
}

/// Whether a scope is known, and a resource can be counted in it.
fn is_in_scope(scope: &str, resource: &str) -> Option<bool> {
    Some(match scope {
        "Terminating"
        | "NotTerminating"
        | "NotBestEffort"
        | "PriorityClass"
        | "CrossNamespacePodAffinity" => OF_PODS.contains(&resource),
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        _ => return None,
    })
}

/// Checks a quota.
pub(super) fn quota(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    amounts(&spec["hard"], "spec.hard", causes);
    let hard: Vec<&str> =
        spec["hard"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let beyond = |scope: &str| {
        let counted = hard.iter().filter(|name| is_counted(name));
        counted.filter(|name| is_in_scope(scope, name) == Some(false)).count()
    };
    let (scopes, field) = (&spec["scopes"], "spec.scopes");
    for scope in items(scopes).filter_map(Value::as_str) {
        if is_in_scope(scope, "").is_none() {
            causes.push(Cause::invalid(field, scopes, "unsupported scope"));
        }
        for _ in 0..beyond(scope) {
            causes.push(Cause::invalid(field, scopes, "unsupported scope applied to resource"));
        }
    }
    for pair in PAIRS {
        if pair.iter().all(|scope| items(scopes).any(|given| given == scope)) {
            causes.push(Cause::invalid(field, scopes, "conflicting scopes"));
        }
    }
    let wanted = &spec["scopeSelector"]["matchExpressions"];
    let path = "spec.scopeSelector.matchExpressions";
    for expression in items(wanted) {
        let scope = text(expression, "scopeName");
        if is_in_scope(scope, "").is_none() {
            causes.push(Cause::invalid(format!("{path}.scopeName"), &json!(scope), "unsupported scope"));
        }
        for _ in 0..beyond(scope) {
            let why = "unsupported scope applied to resource";
            causes.push(Cause::invalid_as(path, &selector_of(wanted), why));
        }
        requirement(expression, scope, path, causes);
    }
    for pair in PAIRS {
        if pair.iter().all(|scope| items(wanted).any(|given| given["scopeName"] == *scope)) {
            causes.push(Cause::invalid(path, scopes, "conflicting scopes"));
        }
    }
}

/// Returns a selector of scopes as Go prints it.
fn selector_of(wanted: &Value) -> String {
    let each = items(wanted).map(|expression| {
        let [scope, operator] = ["scopeName", "operator"].map(|name| shown(&expression[name]));
        format!("{{\"ScopeName\":{scope},\"Operator\":{operator},\"Values\":{}}}", expression["values"])
    });
    format!("{{\"MatchExpressions\":[{}]}}", each.collect::<Vec<_>>().join(","))
}

fn requirement(expression: &Value, scope: &str, path: &str, causes: &mut Vec<Cause>) {
    const ONLY: &str = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    let operator = text(expression, "operator");
    let plain = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
    if plain.contains(&scope) && operator != "Exists" {
        causes.push(Cause::invalid(format!("{path}.operator"), &json!(operator), ONLY));
    }
    let any = items(&expression["values"]).next().is_some();
    match operator {
        "In" | "NotIn" if !any => {
            let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
            causes.push(Cause::required(format!("{path}.values"), why));
        }
        "Exists" | "DoesNotExist" if any => {
            let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
            causes.push(Cause::invalid(format!("{path}.values"), &expression["values"], why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => {
            let why = "not a valid selector operator";
            causes.push(Cause::invalid(format!("{path}.operator"), &json!(operator), why));
        }
    }
}

fn amounts(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (name, amount) in list.as_object().into_iter().flatten() {
        let field = format!("{path}[{name}]");
        pods::resource_name(name, &field, causes);
        if !name.contains('/') && !is_counted(name) {
            let why = "must be a standard resource for quota";
            causes.push(Cause::invalid(field.clone(), &json!(name), why));
        }
        pods::amount(name, amount, &field, causes);
    }
}

/// Checks a changed quota against what it was.
pub(super) fn update_quota(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let scopes = |object: &Value| {
        let mut scopes: Vec<String> =
            items(&object["spec"]["scopes"]).filter_map(Value::as_str).map(str::to_owned).collect();
        scopes.sort();
        scopes.dedup();
        scopes
    };
    if scopes(new) != scopes(old) {
        causes.push(Cause::invalid("spec.scopes", &new["spec"]["scopes"], "field is immutable"));
    }
}

/// Checks the status of a quota.
pub(super) fn quota_status(object: &Value, causes: &mut Vec<Cause>) {
    for name in ["hard", "used"] {
        amounts(&object["status"][name], &format!("status.{name}"), causes);
    }
}

/// Checks a range of limits.
pub(super) fn limit_range(object: &Value, causes: &mut Vec<Cause>) {
    let mut known: Vec<&str> = Vec::new();
    for (at, limit) in each(&object["spec"]["limits"], "spec.limits") {
        let kind = text(limit, "type");
        let field = format!("{at}.type");
        looks(&json!(kind), &field, names::qualified_name, causes);
        let standard = matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim");
        if !standard && !kind.contains('/') && names::qualified_name(kind).is_empty() {
            let why = "must be a standard limit type or fully qualified";
            causes.push(Cause::invalid(field.clone(), &json!(kind), why));
        }
        if known.contains(&kind) {
            causes.push(Cause::duplicate(field, &json!(kind)));
        }
        known.push(kind);
        let mut names: Vec<&str> = Vec::new();
        for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            let amounts = &limit[list];
            if kind == "Pod" && list.starts_with("default") {
                if amounts.as_object().is_some_and(|amounts| !amounts.is_empty()) {
                    let why = "may not be specified when `type` is 'Pod'";
                    causes.push(Cause::forbidden(format!("{at}.{list}"), why));
                }
                continue;
            }
            if list == "maxLimitRequestRatio" {
                claims_have_storage(limit, kind, &at, causes);
            }
            for (name, _) in amounts.as_object().into_iter().flatten() {
                let field = format!("{at}.{list}[{name}]");
                if matches!(kind, "Pod" | "Container") {
                    pods::container_resource(name, &field, causes);
                } else {
                    pods::resource_name(name, &field, causes);
                }
                names.push(name);
            }
        }
        names.sort_unstable();
        names.dedup();
        for name in names {
            of_resource(limit, name, kind == "Pod", &at, causes);
        }
    }
}

fn claims_have_storage(limit: &Value, kind: &str, path: &str, causes: &mut Vec<Cause>) {
    let given = ["min", "max"].iter().any(|list| !limit[*list]["storage"].is_null());
    if kind == "PersistentVolumeClaim" && !given {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        causes.push(Cause::required(format!("{path}.limits"), why));
    }
}

/// Checks that the limits of one resource agree.
fn of_resource(limit: &Value, name: &str, of_pod: bool, path: &str, causes: &mut Vec<Cause>) {
    let of = |list: &str| quantity(&limit[list][name]);
    let (min, max, ratio) = (of("min"), of("max"), of("maxLimitRequestRatio"));
    let (default, request) = if of_pod { (None, None) } else { (of("default"), of("defaultRequest")) };
    let mut above =
        |one: Option<Quantity>, other: Option<Quantity>, list: &str, told: &str, what: [&str; 2]| {
            let (Some(one), Some(other)) = (one, other) else { return };
            if one > other {
                let (one, other) = (one.canonical(), other.canonical());
                let why = format!("{} value {one} is greater than {} value {other}", what[0], what[1]);
                let told = if told == "one" { one } else { other };
                causes.push(Cause::invalid(format!("{path}.{list}[{name}]"), &json!(told), &why));
            }
        };
    above(min, max, "min", "one", ["min", "max"]);
    above(min, request, "defaultRequest", "other", ["min", "default request"]);
    above(request, max, "defaultRequest", "one", ["default request", "max"]);
    above(request, default, "defaultRequest", "one", ["default request", "default limit"]);
    above(min, default, "default", "one", ["min", "default"]);
    above(default, max, "default", "other", ["default", "max"]);
    let Some(ratio) = ratio else { return };
    let field = format!("{path}.maxLimitRequestRatio[{name}]");
    let shown = ratio.canonical();
    if ratio < Quantity::whole(1) {
        let why = format!("ratio {shown} is less than 1");
        causes.push(Cause::invalid(field.clone(), &json!(shown), &why));
    }
    let (Some(min), Some(max)) = (min, max) else { return };
    let exact = ratio.nano().checked_mul(min.nano()).zip(max.nano().checked_mul(1_000_000_000));
    if exact.is_some_and(|(wanted, most)| wanted > most) {
        #[allow(clippy::cast_precision_loss, reason = "the server compares floating numbers too")]
        let most = max.nano() as f64 / min.nano() as f64;
        let why = format!("ratio {shown} is greater than max/min = {most:.6}");
        causes.push(Cause::invalid(field, &json!(shown), &why));
    }
}
