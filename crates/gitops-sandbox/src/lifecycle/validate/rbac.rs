//! The rules of roles and bindings.

use serde_json::{Value, json};

use super::super::names;
use super::fields::{
    each, has, is_usable, items, looks_if_any, needed, needed_as, one_of, refuse_selector, selector, text,
};
use crate::wire::status::Cause;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn role(object: &Value, namespaced: bool, causes: &mut Vec<Cause>) {
    for (position, rule) in items(&object["rules"]).enumerate() {
        let at = format!("rules[{position}]");
        let any = |name: &str| items(&rule[name]).next().is_some();
        if !any("verbs") {
            causes.push(Cause::required(format!("{at}.verbs"), "verbs must contain at least one value"));
        }
        if any("nonResourceURLs") {
            if namespaced {
                let why = "namespaced rules cannot apply to non-resource URLs";
                causes.push(Cause::invalid(format!("{at}.nonResourceURLs"), &rule["nonResourceURLs"], why));
            }
            if any("apiGroups") || any("resources") || any("resourceNames") {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                causes.push(Cause::invalid(format!("{at}.nonResourceURLs"), &rule["nonResourceURLs"], why));
            }
            continue;
        }
        if !any("apiGroups") {
            let why = "resource rules must supply at least one api group";
            causes.push(Cause::required(format!("{at}.apiGroups"), why));
        }
        if !any("resources") {
            let why = "resource rules must supply at least one resource";
            causes.push(Cause::required(format!("{at}.resources"), why));
        }
    }
    if !namespaced && has(object, "aggregationRule") {
        aggregation(&object["aggregationRule"]["clusterRoleSelectors"], causes);
    }
}

/// Checks what a role is put together from.
fn aggregation(selectors: &Value, causes: &mut Vec<Cause>) {
    let path = "aggregationRule.clusterRoleSelectors";
    if items(selectors).next().is_none() {
        let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        causes.push(Cause::required(path, why));
    }
    for (at, of) in each(selectors, path) {
        selector(of, &at, causes);
        if !is_usable(of) {
            refuse_selector(&Value::Null, &at, "invalid label selector.", causes);
        }
    }
}

pub(super) fn binding(object: &Value, namespaced: bool, causes: &mut Vec<Cause>) {
    let role = &object["roleRef"];
    one_of(role, "apiGroup", "roleRef", &[GROUP], causes);
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    one_of(role, "kind", "roleRef", kinds, causes);
    needed_as(role, "name", "roleRef", names::path_segment, causes);
    for (at, of) in each(&object["subjects"], "subjects") {
        subject(of, namespaced, &at, causes);
    }
}

fn subject(subject: &Value, namespaced: bool, path: &str, causes: &mut Vec<Cause>) {
    needed(subject, "name", path, causes);
    match text(subject, "kind") {
        "ServiceAccount" => {
            looks_if_any(subject, "name", path, names::subdomain, causes);
            if !text(subject, "apiGroup").is_empty() {
                one_of(subject, "apiGroup", path, &[""], causes);
            }
            if !namespaced {
                needed(subject, "namespace", path, causes);
            }
        }
        "User" | "Group" => one_of(subject, "apiGroup", path, &[GROUP], causes),
        _ => one_of(subject, "kind", path, &["ServiceAccount", "User", "Group"], causes),
    }
}

pub(super) fn update_binding(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    if new["roleRef"] != old["roleRef"] {
        let role = &new["roleRef"];
        let shown = json!({"APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]});
        causes.push(Cause::invalid("roleRef", &shown, "cannot change roleRef"));
    }
}
