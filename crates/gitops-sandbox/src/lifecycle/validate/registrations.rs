//! The rules of what joins the server: webhooks, admission policies, aggregated servers.

use serde_json::{Value, json};
use url::Url;

use super::super::names;
use super::fields::{
    child, each, has, items, looks, looks_if_any, needed, needed_as, number, one_of, one_of_if_any, selector,
    text,
};
use crate::wire::status::Cause;

const MAX_CONDITIONS: usize = 64;
const FAILURES: [&str; 2] = ["Fail", "Ignore"];
const MATCHES: [&str; 2] = ["Equivalent", "Exact"];

/// Checks a list of webhooks.
pub(super) fn webhooks(object: &Value, mutating: bool, causes: &mut Vec<Cause>) {
    let mut known: Vec<&str> = Vec::new();
    for (at, hook) in each(&object["webhooks"], "webhooks") {
        webhook(hook, mutating, &at, causes);
        reviews(&hook["admissionReviewVersions"], &child(&at, "admissionReviewVersions"), causes);
        let name = text(hook, "name");
        if known.contains(&name) {
            causes.push(Cause::duplicate(child(&at, "name"), &json!(name)));
        } else if !name.is_empty() {
            known.push(name);
        }
    }
}

fn webhook(hook: &Value, mutating: bool, path: &str, causes: &mut Vec<Cause>) {
    let field = |name: &str| child(path, name);
    if needed(hook, "name", path, causes) {
        let given = text(hook, "name");
        let why = names::subdomain(given);
        if !why.is_empty() {
            causes.push(Cause::invalid(field("name"), &hook["name"], &why.join(",")));
        } else if given.split('.').count() < 3 {
            let why = "should be a domain with at least three segments separated by dots";
            causes.push(Cause::invalid(field("name"), &hook["name"], why));
        }
    }
    for (at, rule) in each(&hook["rules"], &field("rules")) {
        operations(rule, &at, causes);
    }
    one_of_if_any(hook, "failurePolicy", path, &FAILURES, causes);
    one_of_if_any(hook, "matchPolicy", path, &MATCHES, causes);
    if has(hook, "sideEffects") {
        one_of(hook, "sideEffects", path, &["None", "NoneOnDryRun"], causes);
    } else {
        causes.push(Cause::required(field("sideEffects"), "must specify one of None, NoneOnDryRun"));
    }
    if hook["timeoutSeconds"].as_i64().is_some_and(|seconds| !(1..=30).contains(&seconds)) {
        let why = "the timeout value must be between 1 and 30 seconds";
        causes.push(Cause::invalid(field("timeoutSeconds"), &hook["timeoutSeconds"], why));
    }
    for name in ["namespaceSelector", "objectSelector"] {
        selector(&hook[name], &field(name), causes);
    }
    if mutating {
        one_of_if_any(hook, "reinvocationPolicy", path, &["IfNeeded", "Never"], causes);
    }
    client(&hook["clientConfig"], &field("clientConfig"), causes);
    conditions(&hook["matchConditions"], &field("matchConditions"), causes);
}

/// Checks where a webhook is asked.
fn client(config: &Value, path: &str, causes: &mut Vec<Cause>) {
    const FORM: &str = "; desired format: https://host[/path]";
    if has(config, "url") == has(config, "service") {
        return causes.push(Cause::required(path, "exactly one of url or service is required"));
    }
    if has(config, "service") {
        return service(&config["service"], &child(path, "service"), causes);
    }
    let (given, field) = (text(config, "url"), child(path, "url"));
    let (scheme, rest) = given.split_once("://").unwrap_or(("", given));
    let mut refuse = |part: &str, why: &str| causes.push(Cause::invalid(field.clone(), &json!(part), why));
    if scheme != "https" {
        refuse(scheme, &format!("'https' is the only allowed URL scheme{FORM}"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if scheme.is_empty() || authority.rsplit('@').next().unwrap_or_default().is_empty() {
        refuse("", &format!("host must be specified{FORM}"));
    }
    let Ok(url) = Url::parse(given) else { return };
    if !url.username().is_empty() {
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        refuse(user, "user information is not permitted in the URL");
    }
    if let Some(fragment) = url.fragment().filter(|fragment| !fragment.is_empty()) {
        refuse(fragment, "fragments are not permitted in the URL");
    }
    if let Some(query) = url.query().filter(|query| !query.is_empty()) {
        refuse(query, "query parameters are not permitted in the URL");
    }
}

fn service(service: &Value, path: &str, causes: &mut Vec<Cause>) {
    needed(service, "name", path, causes);
    needed(service, "namespace", path, causes);
    port(service, path, causes);
    let (given, field) = (text(service, "path"), child(path, "path"));
    let mut refuse = |why: String| causes.push(Cause::invalid(field.clone(), &json!(given), &why));
    match given {
        "" | "/" => {}
        "//" => refuse("segment[0] may not be empty".to_owned()),
        _ => {
            if !given.starts_with('/') {
                refuse("must start with a '/'".to_owned());
            }
            let inner = given.get(1..).unwrap_or_default();
            for (position, step) in inner.strip_suffix('/').unwrap_or(inner).split('/').enumerate() {
                if step.is_empty() {
                    refuse(format!("segment[{position}] may not be empty"));
                    continue;
                }
                for why in names::subdomain(step) {
                    refuse(format!("segment[{position}]: {why}"));
                }
            }
        }
    }
}

fn port(service: &Value, path: &str, causes: &mut Vec<Cause>) {
    let number = number(service, "port");
    if !(1..=65535).contains(&number) {
        let why = "port is not valid: must be between 1 and 65535, inclusive";
        causes.push(Cause::invalid(child(path, "port"), &json!(number), why));
    }
}

fn reviews(versions: &Value, path: &str, causes: &mut Vec<Cause>) {
    if items(versions).next().is_none() {
        return causes.push(Cause::required(path, "must specify one of v1, v1beta1"));
    }
    let mut known: Vec<&Value> = Vec::new();
    for (at, version) in each(versions, path) {
        if known.contains(&version) {
            causes.push(Cause::invalid(at, version, "duplicate version"));
            continue;
        }
        known.push(version);
        looks(version, &at, names::label_1035, causes);
    }
    if !known.iter().any(|version| *version == "v1" || *version == "v1beta1") {
        causes.push(Cause::invalid(path, versions, "must include at least one of v1, v1beta1"));
    }
}

/// Checks a rule for requests.
fn operations(rule: &Value, path: &str, causes: &mut Vec<Cause>) {
    const KNOWN: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    let lists = [("operations", "operations"), ("apiGroups", "API groups"), ("apiVersions", "API versions")];
    for (name, told) in lists {
        let (list, field) = (&rule[name], child(path, name));
        if items(list).next().is_none() {
            causes.push(Cause::required(field.clone(), ""));
        }
        if items(list).count() > 1 && items(list).any(|item| item == "*") {
            let why = format!("if '*' is present, must not specify other {told}");
            causes.push(Cause::invalid(field.clone(), list, &why));
        }
        for (at, item) in each(list, &field) {
            let given = item.as_str().unwrap_or_default();
            if name == "operations" && !KNOWN.contains(&given) {
                causes.push(Cause::not_supported(at, item, &KNOWN));
            } else if name == "apiVersions" && given.is_empty() {
                causes.push(Cause::required(at, ""));
            }
        }
    }
    resources(&rule["resources"], &child(path, "resources"), causes);
    one_of_if_any(rule, "scope", path, &["*", "Cluster", "Namespaced"], causes);
}

fn resources(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    if items(list).next().is_none() {
        causes.push(Cause::required(path, ""));
    }
    let (mut all_of, mut of_all): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let (mut every, mut any, mut plain) = (false, false, false);
    for (at, item) in each(list, path) {
        let given = item.as_str().unwrap_or_default();
        if given.is_empty() {
            causes.push(Cause::required(at, ""));
            continue;
        }
        every |= given == "*/*";
        any |= given == "*";
        let Some((resource, part)) = given.split_once('/') else {
            plain = given != "*";
            continue;
        };
        if all_of.contains(&resource) {
            let why = format!("if '{resource}/*' is present, must not specify {given}");
            causes.push(Cause::invalid(at.clone(), item, &why));
        }
        if of_all.contains(&part) {
            let why = format!("if '*/{part}' is present, must not specify {given}");
            causes.push(Cause::invalid(at, item, &why));
        }
        if part == "*" {
            all_of.push(resource);
        }
        if resource == "*" {
            of_all.push(part);
        }
    }
    if every && items(list).count() > 1 {
        let why = "if '*/*' is present, must not specify other resources";
        causes.push(Cause::invalid(path, list, why));
    }
    if any && plain {
        let why = "if '*' is present, must not specify other resources without subresources";
        causes.push(Cause::invalid(path, list, why));
    }
}

fn conditions(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    let count = items(list).count();
    if count > MAX_CONDITIONS {
        causes.push(Cause::too_many(path, count, MAX_CONDITIONS));
    }
    let mut known: Vec<&str> = Vec::new();
    for (at, condition) in each(list, path) {
        if text(condition, "expression").trim().is_empty() {
            causes.push(Cause::required(child(&at, "expression"), ""));
        }
        needed_as(condition, "name", &at, names::qualified_name, causes);
        let name = text(condition, "name");
        if known.contains(&name) {
            causes.push(Cause::duplicate(child(&at, "name"), &json!(name)));
        } else if !name.is_empty() {
            known.push(name);
        }
    }
}

/// Checks an admission policy.
pub(super) fn policy(object: &Value, causes: &mut Vec<Cause>) {
    let (spec, path) = (&object["spec"], "spec");
    if has(spec, "failurePolicy") {
        one_of(spec, "failurePolicy", path, &FAILURES, causes);
    } else {
        causes.push(Cause::required("spec.failurePolicy", ""));
    }
    if has(spec, "paramKind") {
        parameter_kind(&spec["paramKind"], "spec.paramKind", causes);
    }
    let (wanted, field) = (&spec["matchConstraints"], "spec.matchConstraints");
    if wanted.is_null() {
        causes.push(Cause::required(field, ""));
    } else {
        constraints(wanted, field, causes);
        if items(&wanted["resourceRules"]).next().is_none() {
            causes.push(Cause::required("spec.matchConstraints.resourceRules", ""));
        }
    }
    conditions(&spec["matchConditions"], "spec.matchConditions", causes);
    for (at, variable) in each(&spec["variables"], "spec.variables") {
        for name in ["name", "expression"] {
            if text(variable, name).trim().is_empty() {
                causes.push(Cause::required(child(&at, name), &format!("{name} is not specified")));
            }
        }
    }
    let any = |name: &str| items(&spec[name]).next().is_some();
    if !any("validations") && !any("auditAnnotations") {
        let why = "validations or auditAnnotations must contain at least one item";
        causes.push(Cause::required("spec.validations", why));
        causes.push(Cause::required("spec.auditAnnotations", why));
    }
    for (at, validation) in each(&spec["validations"], "spec.validations") {
        rule(validation, &at, causes);
    }
}

fn rule(validation: &Value, path: &str, causes: &mut Vec<Cause>) {
    const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
    if text(validation, "expression").trim().is_empty() {
        causes.push(Cause::required(child(path, "expression"), "expression is not specified"));
    }
    for name in ["messageExpression", "message"] {
        let given = text(validation, name);
        let why = if !given.is_empty() && given.trim().is_empty() {
            "must be non-empty if specified"
        } else if name == "message" && given.trim().contains(['\n', '\r']) {
            "must not contain line breaks"
        } else {
            continue;
        };
        causes.push(Cause::invalid(child(path, name), &json!(given), why));
    }
    one_of_if_any(validation, "reason", path, &REASONS, causes);
}

fn parameter_kind(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    if needed(of, "apiVersion", path, causes) {
        let (given, field) = (text(of, "apiVersion"), child(path, "apiVersion"));
        let (group, version) = given.split_once('/').unwrap_or(("", given));
        if version.contains('/') {
            let why = format!("unexpected GroupVersion string: {given}");
            causes.push(Cause::invalid(field, &json!(given), &why));
        } else {
            let why = if group.is_empty() { Vec::new() } else { names::subdomain(group) };
            if !why.is_empty() {
                causes.push(Cause::invalid(field.clone(), &json!(group), &why.join(",")));
            }
            let why = names::label_1035(version);
            if version.is_empty() {
                causes.push(Cause::invalid(field, &json!(given), "version must be specified"));
            } else if !why.is_empty() {
                causes.push(Cause::invalid(field, &json!(version), &why.join(",")));
            }
        }
    }
    if needed(of, "kind", path, causes) {
        let why = names::label_1035(&text(of, "kind").to_lowercase());
        if !why.is_empty() {
            let why = format!("may have mixed case, but should otherwise match: {}", why.join(","));
            causes.push(Cause::invalid(child(path, "kind"), &of["kind"], &why));
        }
    }
}

fn constraints(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    if has(of, "matchPolicy") {
        one_of(of, "matchPolicy", path, &MATCHES, causes);
    } else {
        causes.push(Cause::required(child(path, "matchPolicy"), ""));
    }
    for name in ["namespaceSelector", "objectSelector"] {
        if has(of, name) {
            selector(&of[name], &child(path, name), causes);
        } else {
            causes.push(Cause::required(child(path, name), ""));
        }
    }
    for list in ["resourceRules", "excludeResourceRules"] {
        for (at, rule) in each(&of[list], &child(path, list)) {
            let mut known: Vec<&Value> = Vec::new();
            for (at, name) in each(&rule["resourceNames"], &child(&at, "resourceNames")) {
                looks(name, &at, names::path_segment, causes);
                if known.contains(&name) {
                    causes.push(Cause::duplicate(at, name));
                }
                known.push(name);
            }
            operations(rule, &at, causes);
        }
    }
}

/// Checks a binding of an admission policy.
pub(super) fn binding(object: &Value, causes: &mut Vec<Cause>) {
    const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];
    let spec = &object["spec"];
    needed_as(spec, "policyName", "spec", names::subdomain, causes);
    if has(spec, "paramRef") {
        let (of, path) = (&spec["paramRef"], "spec.paramRef");
        match (text(of, "name").is_empty(), has(of, "selector")) {
            (true, false) => {
                causes.push(Cause::required(path, "one of name or selector must be specified"));
            }
            (false, true) => {
                let why = "name and selector are mutually exclusive";
                causes.push(Cause::forbidden("spec.paramRef.name", why));
            }
            _ => {}
        }
        if has(of, "parameterNotFoundAction") {
            one_of(of, "parameterNotFoundAction", path, &["Deny", "Allow"], causes);
        } else {
            causes.push(Cause::required("spec.paramRef.parameterNotFoundAction", ""));
        }
    }
    if has(spec, "matchResources") {
        constraints(&spec["matchResources"], "spec.matchResouces", causes);
    }
    let (actions, field) = (&spec["validationActions"], "spec.validationActions");
    let mut known: Vec<&Value> = Vec::new();
    for (at, action) in each(actions, field) {
        if !ACTIONS.contains(&action.as_str().unwrap_or_default()) {
            causes.push(Cause::not_supported(at.clone(), action, &ACTIONS));
        }
        if known.contains(&action) {
            causes.push(Cause::duplicate(at, action));
        }
        known.push(action);
    }
    if ["Deny", "Warn"].iter().all(|action| known.iter().any(|known| *known == action)) {
        let why = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        causes.push(Cause::invalid(field, actions, why));
    }
    if known.is_empty() {
        causes.push(Cause::required(field, "at least one validation action is required"));
    }
}

/// Checks an aggregated server.
pub(super) fn api_service(object: &Value, causes: &mut Vec<Cause>) {
    let (spec, path) = (&object["spec"], "spec");
    let (group, version) = (text(spec, "group"), text(spec, "version"));
    let (name, wanted) = (text(&object["metadata"], "name"), format!("{version}.{group}"));
    if names::path_segment(name).is_empty() && name != wanted {
        let why = format!("must be `spec.version+\".\"+spec.group`: {wanted:?}");
        causes.push(Cause::invalid("metadata.name", &json!(name), &why));
    }
    if group.is_empty() && version != "v1" {
        let why = "only v1 may have an empty group and it better be legacy kube";
        causes.push(Cause::required("spec.group", why));
    }
    looks_if_any(spec, "group", path, names::subdomain, causes);
    looks(&json!(version), "spec.version", names::label_1035, causes);
    for (field, limit) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1000)] {
        let given = number(spec, field);
        if given <= 0 || given > limit {
            let why = format!("must be positive and less than {limit}");
            causes.push(Cause::invalid(child(path, field), &json!(given), &why));
        }
    }
    let bundle = text(spec, "caBundle");
    let careless = spec["insecureSkipTLSVerify"] == true;
    let field = "spec.insecureSkipTLSVerify";
    if !has(spec, "service") {
        if careless {
            let why = "local APIServices may not have insecureSkipTLSVerify";
            causes.push(Cause::invalid(field, &json!(true), why));
        }
        return;
    }
    needed(&spec["service"], "namespace", "spec.service", causes);
    needed(&spec["service"], "name", "spec.service", causes);
    port(&spec["service"], "spec.service", causes);
    if careless && !bundle.is_empty() {
        causes.push(Cause::invalid(field, &json!(true), "may not be true if caBundle is present"));
    }
}
