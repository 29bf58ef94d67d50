//! The rules of where pods run.

use serde_json::{Value, json};

use super::super::super::names;
use super::super::fields::{each, has, items, looks, needed, number, one_of, one_of_if_any, selector, text};
use crate::wire::status::Cause;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NO_OPERATOR: &str = "not a valid selector operator";

/// Checks the key of a label.
pub(in super::super) fn label_key(key: &str, field: &str, causes: &mut Vec<Cause>) {
    looks(&json!(key), field, names::qualified_name, causes);
}

/// Checks what a pod is drawn to.
pub(super) fn affinity(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    let nodes = &of["nodeAffinity"];
    if has(nodes, REQUIRED) {
        node_selector(&nodes[REQUIRED], &format!("{path}.nodeAffinity.{REQUIRED}"), causes);
    }
    for (at, term) in each(&nodes[PREFERRED], &format!("{path}.nodeAffinity.{PREFERRED}")) {
        weight(term, &at, causes);
        // What is only preferred may have values that no label has.
        node_term(&term["preference"], &format!("{at}.preference"), Values::Any, causes);
    }
    for name in ["podAffinity", "podAntiAffinity"] {
        for (at, term) in each(&of[name][REQUIRED], &format!("{path}.{name}.{REQUIRED}")) {
            pod_term(term, &at, causes);
        }
        for (at, term) in each(&of[name][PREFERRED], &format!("{path}.{name}.{PREFERRED}")) {
            weight(term, &at, causes);
            pod_term(&term["podAffinityTerm"], &format!("{at}.podAffinityTerm"), causes);
        }
    }
}

fn weight(term: &Value, path: &str, causes: &mut Vec<Cause>) {
    let weight = number(term, "weight");
    if !(1..=100).contains(&weight) {
        causes.push(Cause::invalid(format!("{path}.weight"), &json!(weight), "must be in the range 1-100"));
    }
}

/// Checks what nodes are selected by.
pub(in super::super) fn node_selector(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    let path = format!("{path}.nodeSelectorTerms");
    if items(&of["nodeSelectorTerms"]).next().is_none() {
        return causes.push(Cause::required(path, "must have at least one node selector term"));
    }
    for (at, term) in each(&of["nodeSelectorTerms"], &path) {
        node_term(term, &at, Values::Labels, causes);
    }
}

/// What the values of a requirement may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Any,
    Labels,
}

fn node_term(term: &Value, path: &str, values: Values, causes: &mut Vec<Cause>) {
    for (at, wanted) in each(&term["matchExpressions"], &format!("{path}.matchExpressions")) {
        let (field, count) = (format!("{at}.values"), items(&wanted["values"]).count());
        match text(wanted, "operator") {
            "In" | "NotIn" if count == 0 => {
                let why = "must be specified when `operator` is 'In' or 'NotIn'";
                causes.push(Cause::required(field.clone(), why));
            }
            "Exists" | "DoesNotExist" if count > 0 => {
                let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                causes.push(Cause::forbidden(field.clone(), why));
            }
            "Gt" | "Lt" if count != 1 => {
                let why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                causes.push(Cause::required(field.clone(), why));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => causes.push(Cause::invalid(format!("{at}.operator"), &json!(other), NO_OPERATOR)),
        }
        label_key(text(wanted, "key"), &format!("{at}.key"), causes);
        for (at, value) in each(&wanted["values"], &field) {
            if values == Values::Labels {
                looks(value, &at, names::label_value, causes);
            }
        }
    }
    for (at, wanted) in each(&term["matchFields"], &format!("{path}.matchFields")) {
        match text(wanted, "operator") {
            "In" | "NotIn" => {
                if items(&wanted["values"]).count() != 1 {
                    let why =
                        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                    causes.push(Cause::required(format!("{at}.values"), why));
                }
            }
            other => causes.push(Cause::invalid(format!("{at}.operator"), &json!(other), NO_OPERATOR)),
        }
        if wanted["key"] != "metadata.name" {
            let (field, key) = (format!("{at}.key"), json!(text(wanted, "key")));
            causes.push(Cause::invalid(field, &key, "not a valid field selector key"));
            continue;
        }
        for (at, value) in each(&wanted["values"], &format!("{at}.values")) {
            looks(value, &at, names::subdomain, causes);
        }
    }
}

fn pod_term(term: &Value, path: &str, causes: &mut Vec<Cause>) {
    for name in ["labelSelector", "namespaceSelector"] {
        selector(&term[name], &format!("{path}.{name}"), causes);
    }
    for namespace in items(&term["namespaces"]) {
        looks(namespace, &format!("{path}.namespace"), names::label_1123, causes);
    }
    keys(term, path, &["matchLabelKeys", "mismatchLabelKeys"], causes);
    if text(term, "topologyKey").is_empty() {
        causes.push(Cause::required(format!("{path}.topologyKey"), "can not be empty"));
    }
    label_key(text(term, "topologyKey"), &format!("{path}.topologyKey"), causes);
}

/// Checks keys of labels whose values are taken from the pod.
fn keys(term: &Value, path: &str, lists: &[&str], causes: &mut Vec<Cause>) {
    let of = &term["labelSelector"];
    for name in lists {
        let at = format!("{path}.{name}");
        if items(&term[*name]).next().is_some() && of.is_null() {
            causes.push(Cause::forbidden(at, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (at, key) in each(&term[*name], &at) {
            label_key(key.as_str().unwrap_or_default(), &at, causes);
        }
    }
    let wanted: Vec<&Value> = items(&term["matchLabelKeys"]).collect();
    let mut known: Vec<&str> =
        of["matchLabels"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    for expression in items(&of["matchExpressions"]) {
        let key = text(expression, "key");
        if let Some(position) = wanted.iter().rposition(|wanted| *wanted == key)
            && known.contains(&key)
        {
            let why = "exists in both matchLabelKeys and labelSelector";
            causes.push(Cause::invalid(format!("{path}[{position}]"), &json!(key), why));
        }
        known.push(key);
    }
    for (position, key) in wanted.iter().enumerate() {
        if items(&term["mismatchLabelKeys"]).any(|other| other == *key) {
            let why = "exists in both matchLabelKeys and mismatchLabelKeys";
            causes.push(Cause::invalid(format!("{path}.matchLabelKeys[{position}]"), key, why));
        }
    }
}

/// Checks what holds a pod back.
pub(super) fn gates(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<&str> = Vec::new();
    for (at, gate) in each(list, path) {
        let name = text(gate, "name");
        label_key(name, &at, causes);
        if known.contains(&name) {
            causes.push(Cause::duplicate(at, &json!(name)));
        }
        known.push(name);
    }
}

/// Checks how pods spread over nodes.
pub(super) fn spread(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    let all: Vec<&Value> = items(list).collect();
    for (position, constraint) in all.iter().enumerate() {
        let at = format!("{path}[{position}]");
        let skew = number(constraint, "maxSkew");
        if skew <= 0 {
            causes.push(Cause::invalid(format!("{at}.maxSkew"), &json!(skew), "must be greater than zero"));
        }
        let (key, action) = (text(constraint, "topologyKey"), text(constraint, "whenUnsatisfiable"));
        if key.is_empty() {
            causes.push(Cause::required(format!("{at}.topologyKey"), "can not be empty"));
        }
        one_of(constraint, "whenUnsatisfiable", &at, &["DoNotSchedule", "ScheduleAnyway"], causes);
        let again = all[position + 1..]
            .iter()
            .any(|other| text(other, "topologyKey") == key && text(other, "whenUnsatisfiable") == action);
        if again {
            let field = format!("{at}.{{topologyKey, whenUnsatisfiable}}");
            causes.push(Cause::duplicate(field, &json!(format!("{{{key}, {action}}}"))));
        }
        if let Some(domains) = constraint["minDomains"].as_i64() {
            let field = format!("{at}.minDomains");
            if domains <= 0 {
                causes.push(Cause::invalid(field.clone(), &json!(domains), "must be greater than zero"));
            }
            if action != "DoNotSchedule" {
                let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                causes.push(Cause::invalid(field, &json!(domains), &why));
            }
        }
        for name in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            one_of_if_any(constraint, name, &at, &["Honor", "Ignore"], causes);
        }
        keys(constraint, &at, &["matchLabelKeys"], causes);
        selector(&constraint["labelSelector"], &format!("{at}.labelSelector"), causes);
    }
}

/// Checks what a pod bears of a node.
pub(in super::super) fn tolerations(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (at, toleration) in each(list, path) {
        let (key, operator) = (text(toleration, "key"), text(toleration, "operator"));
        let field = format!("{at}.operator");
        if key.is_empty() {
            if operator != "Exists" {
                let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
                causes.push(Cause::invalid(field.clone(), &json!(operator), why));
            }
        } else {
            label_key(key, &format!("{at}.key"), causes);
        }
        if has(toleration, "tolerationSeconds") && text(toleration, "effect") != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            causes.push(Cause::invalid(format!("{at}.effect"), &json!(text(toleration, "effect")), why));
        }
        let value = text(toleration, "value");
        match operator {
            "Equal" | "" => {
                let why = names::label_value(value);
                if !why.is_empty() {
                    causes.push(Cause::invalid(field, &json!(value), &why.join(";")));
                }
            }
            "Exists" => {
                if !value.is_empty() {
                    let why = "value must be empty when `operator` is 'Exists'";
                    causes.push(Cause::invalid(field, &json!(value), why));
                }
            }
            // Comparisons are known, and switched off.
            "Lt" | "Gt" => {
                let known = ["Equal", "Exists", "Lt", "Gt"];
                causes.push(Cause::not_supported(field, &json!(operator), &known));
            }
            _ => one_of(toleration, "operator", &at, &["Equal", "Exists"], causes),
        }
        if !text(toleration, "effect").is_empty() {
            one_of(toleration, "effect", &at, &EFFECTS, causes);
        }
    }
}

/// Checks what a node puts up to pods.
pub(in super::super) fn taints(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<(&str, &str)> = Vec::new();
    for (at, taint) in each(list, path) {
        let (key, effect) = (text(taint, "key"), text(taint, "effect"));
        label_key(key, &format!("{at}.key"), causes);
        let why = names::label_value(text(taint, "value"));
        if !why.is_empty() {
            causes.push(Cause::invalid(format!("{at}.value"), &taint["value"], &why.join(";")));
        }
        if needed(taint, "effect", &at, causes) {
            one_of(taint, "effect", &at, &EFFECTS, causes);
        }
        if known.contains(&(key, effect)) {
            let shown = format!(
                "{{\"Key\":{key:?},\"Value\":{:?},\"Effect\":{effect:?},\"TimeAdded\":null}}",
                text(taint, "value")
            );
            let why = "taints must be unique by key and effect pair";
            causes.push(Cause::new("FieldValueDuplicate", at, format!("Duplicate value: {shown}: {why}")));
        } else {
            known.push((key, effect));
        }
    }
}
