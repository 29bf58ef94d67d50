//! Definitions of custom resources.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::names::{is_true, set_condition};
use super::{conversion, formats, versions};
use crate::lifecycle::names as rules;
use crate::wire::status::{Cause, go_quoted};

/// Adds what a definition does not say.
pub(crate) fn default_definition(object: &mut Value) {
    if object["status"]["storedVersions"].as_array().is_some_and(Vec::is_empty)
        && let Some(version) = storage_version(object)
    {
        object["status"]["storedVersions"] = json!([version]);
    }
    let spec = &mut object["spec"];
    if !spec.is_object() {
        return;
    }
    let names = &mut spec["names"];
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    if names.is_object() {
        if names["singular"].as_str().unwrap_or_default().is_empty() {
            names["singular"] = json!(kind.to_lowercase());
        }
        if names["listKind"].as_str().unwrap_or_default().is_empty() && !kind.is_empty() {
            names["listKind"] = json!(format!("{kind}List"));
        }
    }
    if spec["conversion"].is_null() {
        spec["conversion"] = json!({"strategy": "None"});
    }
    if let Some(service) = spec.pointer_mut("/conversion/webhook/clientConfig/service")
        && service.is_object()
        && service["port"].is_null()
    {
        service["port"] = json!(443);
    }
}

/// Sets what a new definition starts with: nothing is accepted yet.
pub(crate) fn prepare_definition(object: &mut Value) {
    object["status"] = json!({
        "conditions": null,
        "acceptedNames": {"kind": "", "plural": ""},
        "storedVersions": storage_version(object).map(|version| vec![version]),
    });
}

fn storage_version(object: &Value) -> Option<Value> {
    let mut versions = object["spec"]["versions"].as_array().into_iter().flatten();
    versions.find(|version| version["storage"] == true).map(|version| version["name"].clone())
}

/// Remembers a new storage version: objects of it may be stored from now on.
pub(crate) fn remember_storage(object: &mut Value) {
    if let Some(version) = storage_version(object)
        && let Some(stored) = object["status"]["storedVersions"].as_array_mut()
        && !stored.contains(&version)
    {
        stored.push(version);
    }
}

/// Returns what the server remarks about a definition: formats that it does not know, and did not know before.
pub(crate) fn definition_warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    let of = |object: &Value| {
        let mut found = Vec::new();
        let versions: &[Value] = object["spec"]["versions"].as_array().map_or(&[], Vec::as_slice);
        let schema = |version: &Value| version["schema"]["openAPIV3Schema"].clone();
        // What all versions share is looked at once.
        let shared = versions.iter().all(|version| schema(version) == schema(&versions[0]));
        for version in versions.iter().take(if shared { 1 } else { versions.len() }) {
            formats::unknown(&version["schema"]["openAPIV3Schema"], &mut found);
        }
        found
    };
    let before = old.map(of).unwrap_or_default();
    let new = of(object).into_iter().filter(|format| !before.contains(format));
    new.map(|format| format!("unrecognized format {}", go_quoted(&format))).collect()
}

/// Says that the instances are being removed.
pub(super) fn set_terminating(object: &mut Value, now: Timestamp) {
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
    if object["status"]["conditions"].is_array() && !is_true(object, "Terminating") {
        let why = ("True", "InstanceDeletionPending");
        let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
        set_condition(&mut object["status"], "Terminating", why, message, &now);
    }
}

/// Checks a definition (`apiextensions/validation/validation.go` of the server).
pub(crate) fn validate_definition(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let spec = &object["spec"];
    if old.is_none() {
        name(object, &mut causes);
    }
    group_and_scope(spec, &mut causes);
    versions::check(spec, &mut causes);
    conversion::check(spec, &mut causes);
    if let Some(old) = old {
        unchanged(object, old, &mut causes);
    }
    check_names(&object["status"]["acceptedNames"], "status.acceptedNames", &mut causes);
    stored_versions(object, &mut causes);
    approval(object, old, &mut causes);
    if spec["preserveUnknownFields"] == true {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        causes.push(Cause::invalid("spec.preserveUnknownFields", &json!(true), why));
    }
    causes
}

fn name(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let wanted = format!("{}.{}", text(&spec["names"]["plural"]), text(&spec["group"]));
    if object["metadata"]["name"] != wanted.as_str() {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &object["metadata"]["name"], why));
    }
}

fn group_and_scope(spec: &Value, causes: &mut Vec<Cause>) {
    let group = spec["group"].as_str().unwrap_or_default();
    let wrong = rules::subdomain(group);
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
    } else if !wrong.is_empty() {
        causes.push(Cause::invalid("spec.group", &spec["group"], &wrong.join(",")));
    } else if !group.contains('.') {
        let why = "should be a domain with at least one dot";
        causes.push(Cause::invalid("spec.group", &spec["group"], why));
    }
    match spec["scope"].as_str().unwrap_or_default() {
        "" => causes.push(Cause::required("spec.scope", "")),
        "Cluster" | "Namespaced" => {}
        _ => causes.push(Cause::not_supported("spec.scope", &spec["scope"], &["Cluster", "Namespaced"])),
    }
}

/// Checks names that a definition asks for or has.
pub(super) fn check_names(names: &Value, path: &str, causes: &mut Vec<Cause>) {
    let text = |name: &str| names[name].as_str().unwrap_or_default();
    let at = |name: &str| format!("{path}.{name}");
    for name in ["plural", "singular", "kind", "listKind"] {
        let is_kind = name.ends_with("ind");
        let given = if is_kind { text(name).to_lowercase() } else { text(name).to_owned() };
        let wrong = rules::label_1035(&given);
        if !given.is_empty() && !wrong.is_empty() {
            let before = if is_kind { "may have mixed case, but should otherwise match: " } else { "" };
            causes.push(Cause::invalid(at(name), &names[name], &format!("{before}{}", wrong.join(","))));
        }
    }
    let mut listed = |field: &str| {
        for (place, name) in names[field].as_array().into_iter().flatten().enumerate() {
            let wrong = rules::label_1035(name.as_str().unwrap_or_default());
            if !wrong.is_empty() {
                let field = format!("{path}.{field}[{place}]");
                causes.push(Cause::invalid(field, name, &wrong.join(",")));
            }
        }
    };
    listed("shortNames");
    listed("categories");
    if !text("kind").is_empty() && text("kind") == text("listKind") {
        let why = "kind and listKind may not be the same";
        causes.push(Cause::invalid(at("listKind"), &names["listKind"], why));
    }
}

/// What a definition is does not change.
fn unchanged(object: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (spec, was) = (&object["spec"], &old["spec"]);
    let mut same = |field: &str, new: &Value, old: &Value| {
        if new != old {
            causes.push(Cause::invalid(field, new, "field is immutable"));
        }
    };
    if is_true(old, "Established") {
        same("spec.scope", &spec["scope"], &was["scope"]);
        same("spec.names.kind", &spec["names"]["kind"], &was["names"]["kind"]);
    }
    same("spec.group", &spec["group"], &was["group"]);
    same("spec.names.plural", &spec["names"]["plural"], &was["names"]["plural"]);
}

/// Versions in which objects are stored must stay.
fn stored_versions(object: &Value, causes: &mut Vec<Cause>) {
    let field = "status.storedVersions";
    let stored = &object["status"]["storedVersions"];
    let known: &[Value] = stored.as_array().map_or(&[], Vec::as_slice);
    if known.is_empty() {
        causes.push(Cause::invalid(field, stored, "must have at least one stored version"));
        return;
    }
    let versions = object["spec"]["versions"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    for version in versions {
        if version["storage"] == true && !known.contains(&version["name"]) {
            let why =
                format!("must have the storage version {}", version["name"].as_str().unwrap_or_default());
            causes.push(Cause::invalid(field, stored, &why));
        }
    }
    for (place, stored) in known.iter().enumerate() {
        if !versions.iter().any(|version| version["name"] == *stored) {
            let name = stored.as_str().unwrap_or_default();
            let why = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            );
            causes.push(Cause::invalid(format!("{field}[{place}]"), stored, &why));
        }
    }
}

const APPROVED: &str = "api-approved.kubernetes.io";

/// What a definition in a group of the community says of its approval.
#[derive(PartialEq)]
enum Approval {
    Missing,
    Bypassed,
    Given,
    Wrong,
}

fn approval_of(object: &Value) -> Approval {
    let text = object["metadata"]["annotations"][APPROVED].as_str().unwrap_or_default();
    let is_url = url::Url::parse(text).is_ok_and(|url| url.has_host());
    match text {
        "" => Approval::Missing,
        _ if text.starts_with("unapproved") => Approval::Bypassed,
        _ if is_url => Approval::Given,
        _ => Approval::Wrong,
    }
}

fn approval(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let group = object["spec"]["group"].as_str().unwrap_or_default();
    let protected = ["k8s.io", "kubernetes.io"].iter().any(|domain| {
        group.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    });
    let now = approval_of(object);
    if !protected || old.is_some_and(|old| approval_of(old) == now) {
        return;
    }
    let field = format!("metadata.annotations[{APPROVED}]");
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    match now {
        Approval::Missing => {
            let why = format!("protected groups must have approval annotation {APPROVED:?}, {see}");
            causes.push(Cause::required(field, &why));
        }
        Approval::Wrong => {
            let why = format!(
                "protected groups must have approval annotation {APPROVED:?} with either a URL or a reason starting with \"unapproved\", {see}"
            );
            causes.push(Cause::invalid(field, &object["metadata"]["annotations"][APPROVED], &why));
        }
        Approval::Bypassed | Approval::Given => {}
    }
}
