//! The rules of HorizontalPodAutoscalers.

use serde_json::{Value, json};

use super::super::names;
use super::fields::{
    child, each, has, items, needed_as, non_negative_amount, number, one_of, one_of_if_any, quantity, text,
};
use super::pods;
use crate::wire::status::Cause;

const MAX_WINDOW: i64 = 3600;
const MAX_PERIOD: i64 = 1800;
const METRICS: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];

/// Checks an autoscaler in the newest version.
pub(super) fn autoscaler(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let (min, max) = (spec["minReplicas"].as_i64(), number(spec, "maxReplicas"));
    if min.is_some_and(|min| min < 1) {
        let why = "must be greater than or equal to 1";
        causes.push(Cause::invalid("spec.minReplicas", &spec["minReplicas"], why));
    }
    if max < 1 {
        causes.push(Cause::invalid("spec.maxReplicas", &json!(max), "must be greater than 0"));
    }
    if min.is_some_and(|min| max < min) {
        let why = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &json!(max), why));
    }
    reference(&spec["scaleTargetRef"], "spec.scaleTargetRef", causes);
    for (at, metric) in each(&spec["metrics"], "spec.metrics") {
        of_metric(metric, &at, causes);
    }
    let reaches_zero = |metric: &Value| matches!(text(metric, "type"), "Object" | "External");
    if min == Some(0) && !items(&spec["metrics"]).any(reaches_zero) {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        causes.push(Cause::forbidden("spec.metrics", why));
    }
    for name in ["scaleUp", "scaleDown"] {
        if has(&spec["behavior"], name) {
            rules(&spec["behavior"][name], &format!("spec.behavior.{name}"), causes);
        }
    }
}

/// Checks what is scaled or measured.
fn reference(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    needed_as(of, "kind", path, names::path_segment, causes);
    needed_as(of, "name", path, names::path_segment, causes);
    let version = text(of, "apiVersion");
    let core = version == "v1" && text(of, "kind") == "ReplicationController";
    let why = match version.matches('/').count() {
        0 if !core => "apiVersion must specify API group".to_owned(),
        0 | 1 => return,
        _ => format!("unexpected GroupVersion string: {version}"),
    };
    causes.push(Cause::invalid(child(path, "apiVersion"), &json!(version), &why));
}

fn of_metric(metric: &Value, path: &str, causes: &mut Vec<Cause>) {
    const NEEDED: &str = "must populate information for the given metric source";
    let kind = text(metric, "type");
    let field = child(path, "type");
    if kind.is_empty() {
        causes.push(Cause::required(field.clone(), "must specify a metric source type"));
    }
    one_of(metric, "type", path, &METRICS, causes);
    let given: Vec<&str> = ["object", "external", "pods", "resource", "containerResource"]
        .into_iter()
        .filter(|name| has(metric, name))
        .collect();
    if let Some(first) = given.first() {
        source(&metric[*first], first, &child(path, first), causes);
    }
    let expected = match kind {
        "Object" => "object",
        "Pods" => "pods",
        "Resource" => "resource",
        "External" => "external",
        "ContainerResource" => "containerResource",
        _ => {
            one_of(metric, "type", path, &METRICS, causes);
            ""
        }
    };
    if !expected.is_empty() && !has(metric, expected) {
        causes.push(Cause::required(child(path, expected), NEEDED));
    }
    if given.len() != 1 {
        let mut others: Vec<&str> = given.into_iter().filter(|name| *name != expected).collect();
        others.sort_unstable();
        for name in others {
            causes.push(Cause::forbidden(child(path, name), "must populate the given metric source only"));
        }
    }
}

fn source(of: &Value, kind: &str, path: &str, causes: &mut Vec<Cause>) {
    match kind {
        "object" => {
            let at = child(path, "describedObject");
            let described = &of["describedObject"];
            needed_as(described, "kind", &at, names::path_segment, causes);
            needed_as(described, "name", &at, names::path_segment, causes);
            let version = text(described, "apiVersion");
            if version.matches('/').count() > 1 {
                let why = format!("unexpected GroupVersion string: {version}");
                causes.push(Cause::invalid(child(&at, "apiVersion"), &json!(version), &why));
            }
        }
        "resource" | "containerResource" => {
            let field = child(path, "name");
            if text(of, "name").is_empty() {
                causes.push(Cause::required(field, "must specify a resource name"));
            } else if kind == "containerResource" {
                pods::container_resource(text(of, "name"), &field, causes);
            }
            if kind == "containerResource" {
                if text(of, "container").is_empty() {
                    causes.push(Cause::required(child(path, "container"), "must specify a container"));
                } else {
                    needed_as(of, "container", path, names::label_1123, causes);
                }
            }
        }
        _ => {}
    }
    if matches!(kind, "object" | "external" | "pods") {
        let at = child(path, "metric");
        if text(&of["metric"], "name").is_empty() {
            causes.push(Cause::required(child(&at, "name"), "must specify a metric name"));
        } else {
            needed_as(&of["metric"], "name", &at, names::path_segment, causes);
        }
    }
    target(&of["target"], kind, &child(path, "target"), causes);
}

fn target(target: &Value, kind: &str, path: &str, causes: &mut Vec<Cause>) {
    let of = text(target, "type");
    if of.is_empty() {
        causes.push(Cause::required(child(path, "type"), "must specify a metric target type"));
    }
    if !matches!(of, "Utilization" | "Value" | "AverageValue") {
        let why = "must be either Utilization, Value, or AverageValue";
        causes.push(Cause::invalid(child(path, "type"), &json!(of), why));
    }
    for name in ["value", "averageValue"] {
        if quantity(&target[name]).is_some_and(|given| given.is_negative() || given.is_zero()) {
            causes.push(Cause::invalid(child(path, name), &target[name], "must be positive"));
        }
    }
    if target["averageUtilization"].as_i64().is_some_and(|percent| percent < 1) {
        let field = child(path, "averageUtilization");
        causes.push(Cause::invalid(field, &target["averageUtilization"], "must be greater than 0"));
    }
    let (value, average, share) =
        (has(target, "value"), has(target, "averageValue"), has(target, "averageUtilization"));
    match kind {
        "object" if !value && !average => {
            let why = "must set either a target value or averageValue";
            causes.push(Cause::required(child(path, "averageValue"), why));
        }
        "external" if !value && !average => {
            let why = "must set either a target value for metric or a per-pod target";
            causes.push(Cause::required(child(path, "averageValue"), why));
        }
        "external" if value && average => {
            let why = "may not set both a target value for metric and a per-pod target";
            causes.push(Cause::forbidden(child(path, "value"), why));
        }
        "pods" if !average => {
            let why = "must specify a positive target averageValue";
            causes.push(Cause::required(child(path, "averageValue"), why));
        }
        "resource" | "containerResource" if !share && !average => {
            let why = "must set either a target raw value or a target utilization";
            causes.push(Cause::required(child(path, "averageUtilization"), why));
        }
        "resource" | "containerResource" if share && average => {
            let why = "may not set both a target raw value and a target utilization";
            causes.push(Cause::forbidden(child(path, "averageValue"), why));
        }
        _ => {}
    }
}

/// Checks how fast it scales.
fn rules(rules: &Value, path: &str, causes: &mut Vec<Cause>) {
    let (name, field) = ("stabilizationWindowSeconds", child(path, "stabilizationWindowSeconds"));
    if let Some(seconds) = rules[name].as_i64() {
        if seconds < 0 {
            let why = "must be greater than or equal to zero";
            causes.push(Cause::invalid(field.clone(), &json!(seconds), why));
        }
        if seconds > MAX_WINDOW {
            let why = format!("must be less than or equal to {MAX_WINDOW}");
            causes.push(Cause::invalid(field, &json!(seconds), &why));
        }
    }
    one_of_if_any(rules, "selectPolicy", path, &["Disabled", "Max", "Min"], causes);
    let policies = child(path, "policies");
    if items(&rules["policies"]).next().is_none() {
        causes.push(Cause::required(policies.clone(), "must specify at least one Policy"));
    }
    for (at, policy) in each(&rules["policies"], &policies) {
        one_of(policy, "type", &at, &["Percent", "Pods"], causes);
        for name in ["value", "periodSeconds"] {
            if number(policy, name) <= 0 {
                let why = "must be greater than zero";
                causes.push(Cause::invalid(child(&at, name), &json!(number(policy, name)), why));
            }
        }
        if number(policy, "periodSeconds") > MAX_PERIOD {
            let why = format!("must be less than or equal to {MAX_PERIOD}");
            causes.push(Cause::invalid(child(&at, "periodSeconds"), &policy["periodSeconds"], &why));
        }
    }
    non_negative_amount(&rules["tolerance"], &child(path, "tolerance"), causes);
}

/// Checks the status of an autoscaler.
pub(super) fn status(object: &Value, causes: &mut Vec<Cause>) {
    for name in ["currentReplicas", "desiredReplicas"] {
        super::fields::non_negative(&object["status"], name, "status", causes);
    }
}
