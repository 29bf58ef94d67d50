//! Roles and bindings.

use serde_json::{Value, json};

use super::User;
use crate::server::Server;
use crate::store::Key;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    /// Of what is no resource.
    pub(crate) path: &'a str,
}

const GROUP: &str = "rbac.authorization.k8s.io";

/// Returns by which binding the user may do it, in the server's words; `None` if it may not.
pub(crate) fn allows(server: &Server, user: &User, wanted: &Attributes<'_>) -> Option<String> {
    let mut found = None;
    each_rule(server, user, wanted.namespace, &mut |rule, why| {
        if found.is_none() && fits(rule, wanted) {
            found = Some(why.to_owned());
        }
    });
    found
}

/// Visits the rules that apply to a user in a namespace, each with the words for its binding.
pub(crate) fn each_rule(server: &Server, user: &User, namespace: &str, visit: &mut dyn FnMut(&Value, &str)) {
    for binding in bindings(server, "clusterrolebindings", "", user) {
        if let Some(subject) = subject_of(&binding, user, "") {
            let why = because("ClusterRoleBinding", &binding, &subject, "");
            rules_of(server, &binding["roleRef"], "").iter().for_each(|rule| visit(rule, &why));
        }
    }
    if namespace.is_empty() {
        return;
    }
    for binding in bindings(server, "rolebindings", namespace, user) {
        if let Some(subject) = subject_of(&binding, user, namespace) {
            let why = because("RoleBinding", &binding, &subject, namespace);
            rules_of(server, &binding["roleRef"], namespace).iter().for_each(|rule| visit(rule, &why));
        }
    }
}

/// Returns the bindings that may name a user; the others are not even read.
fn bindings(server: &Server, plural: &str, namespace: &str, user: &User) -> Vec<Value> {
    let account = user.name.rsplit(':').next().unwrap_or_default();
    let names = user.groups.iter().map(String::as_str).chain([user.name.as_str(), account]);
    let names: Vec<String> = names.map(|name| json!(name).to_string()).collect();
    let page = server.store.list(&format!("{plural}.{GROUP}"), namespace, None, None, 0);
    let items = page.map(|page| page.items).unwrap_or_default();
    let named = items.iter().filter(|stored| {
        let text = std::str::from_utf8(&stored.bytes).unwrap_or_default();
        names.iter().any(|name| text.contains(name))
    });
    named.filter_map(|stored| serde_json::from_slice(&stored.bytes).ok()).collect()
}

/// Returns the rules of a role that a binding names.
pub(crate) fn rules_of(server: &Server, role: &Value, namespace: &str) -> Vec<Value> {
    let name = role["name"].as_str().unwrap_or_default();
    let (plural, namespace) = match role["kind"].as_str() {
        Some("ClusterRole") => ("clusterroles", ""),
        _ => ("roles", namespace),
    };
    let key = Key::new(&format!("{plural}.{GROUP}").as_str().into(), namespace, name);
    let Some(stored) = server.store.get(&key) else { return Vec::new() };
    let role: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
    role["rules"].as_array().cloned().unwrap_or_default()
}

/// Returns the subject of a binding that the user is.
fn subject_of(binding: &Value, user: &User, namespace: &str) -> Option<Value> {
    let subjects = binding["subjects"].as_array()?.iter();
    subjects.clone().find(|subject| is_subject(subject, user, namespace)).cloned()
}

fn is_subject(subject: &Value, user: &User, namespace: &str) -> bool {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str() {
        Some("User") => user.name == name,
        Some("Group") => user.groups.iter().any(|group| group == name),
        Some("ServiceAccount") => {
            let of = subject["namespace"].as_str().filter(|of| !of.is_empty()).unwrap_or(namespace);
            user.name == format!("system:serviceaccount:{of}:{name}")
        }
        _ => false,
    }
}

fn because(kind: &str, binding: &Value, subject: &Value, namespace: &str) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut name = text(&binding["metadata"]["name"]);
    if !namespace.is_empty() {
        name = format!("{name}/{namespace}");
    }
    let role = &binding["roleRef"];
    let mut who = text(&subject["name"]);
    if subject["kind"] == "ServiceAccount" {
        who = format!("{who}/{}", text(&subject["namespace"]));
    }
    format!(
        "RBAC: allowed by {kind} {name:?} of {} {:?} to {} {who:?}",
        text(&role["kind"]),
        text(&role["name"]),
        text(&subject["kind"]),
    )
}

fn has(list: &Value, wanted: &str) -> bool {
    list.as_array().is_some_and(|items| items.iter().any(|item| item == "*" || item == wanted))
}

fn fits(rule: &Value, wanted: &Attributes<'_>) -> bool {
    if !has(&rule["verbs"], wanted.verb) {
        return false;
    }
    if !wanted.path.is_empty() {
        let paths = rule["nonResourceURLs"].as_array().into_iter().flatten().filter_map(|path| path.as_str());
        return paths.into_iter().any(|path| match path.strip_suffix('*') {
            Some(prefix) => wanted.path.starts_with(prefix),
            None => path == wanted.path,
        });
    }
    let combined = if wanted.subresource.is_empty() {
        wanted.resource.to_owned()
    } else {
        format!("{}/{}", wanted.resource, wanted.subresource)
    };
    let any_of = format!("*/{}", wanted.subresource);
    let resources = rule["resources"].as_array().is_some_and(|resources| {
        resources.iter().any(|resource| {
            resource == "*"
                || resource == combined.as_str()
                || (!wanted.subresource.is_empty() && resource == any_of.as_str())
        })
    });
    let names = rule["resourceNames"].as_array().map_or(&[][..], Vec::as_slice);
    has(&rule["apiGroups"], wanted.group)
        && resources
        && (names.is_empty() || names.iter().any(|name| name == wanted.name))
}

/// Returns the rules that a user does not hold, broken down to one verb, group and resource each.
pub(crate) fn uncovered(server: &Server, user: &User, namespace: &str, rules: &[Value]) -> Vec<Value> {
    let mut held = Vec::new();
    each_rule(server, user, namespace, &mut |rule, _| held.push(rule.clone()));
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let mut missing = Vec::new();
    for rule in rules {
        for verb in texts(&rule["verbs"]) {
            for path in texts(&rule["nonResourceURLs"]) {
                let covered = held.iter().any(|held| {
                    has(&held["verbs"], &verb)
                        && texts(&held["nonResourceURLs"]).iter().any(|of| {
                            *of == path || of.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
                        })
                });
                if !covered {
                    missing.push(json!({"nonResourceURLs": [path], "verbs": [verb]}));
                }
            }
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    let names = texts(&rule["resourceNames"]);
                    let names: Vec<Option<String>> =
                        if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
                    for name in names {
                        let (plain, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
                        let covered = held.iter().any(|held| {
                            let names = texts(&held["resourceNames"]);
                            let resources = texts(&held["resources"]);
                            has(&held["verbs"], &verb)
                                && has(&held["apiGroups"], &group)
                                && resources.iter().any(|of| {
                                    *of == "*"
                                        || *of == resource
                                        || (!subresource.is_empty() && *of == format!("*/{subresource}"))
                                        || (subresource.is_empty() && of == plain)
                                })
                                && (names.is_empty()
                                    || name.as_ref().is_some_and(|name| names.contains(name)))
                        });
                        if !covered {
                            let mut rule =
                                json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]});
                            if let Some(name) = name {
                                rule["resourceNames"] = json!([name]);
                            }
                            missing.push(rule);
                        }
                    }
                }
            }
        }
    }
    missing
}

/// Writes rules in the server's words, those that differ only in their verbs together.
pub(crate) fn compacted(rules: &[Value]) -> Vec<String> {
    let mut merged: Vec<(Value, Vec<String>)> = Vec::new();
    for rule in rules {
        let mut rest = rule.clone();
        let verb = rest["verbs"][0].as_str().unwrap_or_default().to_owned();
        rest["verbs"] = Value::Null;
        match merged.iter_mut().find(|(known, _)| *known == rest) {
            Some((_, verbs)) => verbs.push(verb),
            None => merged.push((rest, vec![verb])),
        }
    }
    let list = |value: &Value| -> String {
        let items = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        items.map(|item| format!("{item:?}")).collect::<Vec<_>>().join(" ")
    };
    let mut texts: Vec<String> = merged
        .into_iter()
        .map(|(rule, verbs)| {
            let verbs: Vec<String> = verbs.iter().map(|verb| format!("{verb:?}")).collect();
            let mut parts = Vec::new();
            for (name, field) in [
                ("NonResourceURLs", "nonResourceURLs"),
                ("APIGroups", "apiGroups"),
                ("Resources", "resources"),
                ("ResourceNames", "resourceNames"),
            ] {
                if rule[field].is_array() {
                    parts.push(format!("{name}:[{}]", list(&rule[field])));
                }
            }
            parts.push(format!("Verbs:[{}]", verbs.join(" ")));
            format!("{{{}}}", parts.join(", "))
        })
        .collect();
    texts.sort();
    texts
}
