//! What must hold of every object's metadata.

use serde_json::{Value, json};

use super::names;
use super::strategy;
use crate::schema::Kind;
use crate::wire::status::{Cause, go_quoted};

const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Finalizers without a domain that the server knows.
const KNOWN_FINALIZERS: [&str; 4] =
    ["orphan", "foregroundDeletion", "kubernetes", "customresourcecleanup.apiextensions.k8s.io"];

/// Finalizers without a domain that objects of built-in kinds may have.
const STANDARD_FINALIZERS: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];

/// Checks the metadata of a new object.
pub(crate) fn validate(kind: &Kind, object: &Value) -> Vec<Cause> {
    let metadata = &object["metadata"];
    let check = strategy::name_check(kind);
    let mut causes = Vec::new();
    let generate = metadata["generateName"].as_str().unwrap_or_default();
    if !generate.is_empty() {
        let field = "metadata.generateName";
        let why = names::of_prefix(check, generate);
        causes.extend(why.iter().map(|why| Cause::invalid(field, &json!(generate), why)));
    }
    let name = metadata["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        causes.extend(check(name).iter().map(|why| Cause::invalid("metadata.name", &json!(name), why)));
    }
    if kind.namespaced {
        let namespace = metadata["namespace"].as_str().unwrap_or_default();
        let why = names::label_1123(namespace);
        causes.extend(why.iter().map(|why| Cause::invalid("metadata.namespace", &json!(namespace), why)));
    }
    causes.extend(validate_parts(metadata));
    if strategy::metadata_checks(kind).domains {
        causes.extend(without_domain(&metadata["finalizers"]));
    }
    causes
}

/// Checks the metadata of an object inside of another one, which stands at a path.
pub(crate) fn validate_embedded(metadata: &Value, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let text = |name: &str| metadata[name].as_str().unwrap_or_default();
    let mut refuse = |name: &str, why: Vec<String>| {
        let field = format!("metadata.{name}");
        causes.extend(why.iter().map(|why| Cause::invalid(field.clone(), &metadata[name], why)));
    };
    if !text("generateName").is_empty() {
        refuse("generateName", names::of_prefix(names::path_segment, text("generateName")));
    }
    refuse("name", names::path_segment(text("name")));
    if !text("namespace").is_empty() {
        refuse("namespace", names::label_1123(text("namespace")));
    }
    causes.extend(validate_parts(metadata));
    for cause in &mut causes {
        cause.field = format!("{path}{}", cause.field.trim_start_matches("metadata"));
    }
    causes
}

fn validate_parts(metadata: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if metadata["generation"].as_i64().is_some_and(|generation| generation < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid("metadata.generation", &metadata["generation"], why));
    }
    causes.extend(validate_labels(&metadata["labels"], "metadata.labels"));
    causes.extend(validate_annotations(&metadata["annotations"], "metadata.annotations"));
    causes.extend(validate_owners(&metadata["ownerReferences"]));
    causes.extend(validate_finalizers(&metadata["finalizers"]));
    causes.extend(validate_managed_fields(&metadata["managedFields"]));
    causes
}

pub(crate) fn validate_labels(labels: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        for why in names::qualified_name(key) {
            causes.push(Cause::invalid(field, &json!(key), &why));
        }
        let value = value.as_str().unwrap_or_default();
        for why in names::label_value(value) {
            causes.push(Cause::invalid(field, &json!(value), &why));
        }
    }
    causes
}

pub(crate) fn validate_annotations(annotations: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        for why in names::qualified_name(&key.to_lowercase()) {
            causes.push(Cause::invalid(field, &json!(key), &why));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > MAX_ANNOTATIONS {
        causes.push(Cause::too_long(field, MAX_ANNOTATIONS));
    }
    causes
}

fn validate_owners(owners: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut controllers: Vec<String> = Vec::new();
    for owner in owners.as_array().into_iter().flatten() {
        let field = "metadata.ownerReferences".to_owned();
        let text = |name: &str| owner[name].as_str().unwrap_or_default();
        let api_version = text("apiVersion");
        if api_version.matches('/').count() > 1 {
            let why = "version must not be empty";
            causes.push(Cause::invalid(format!("{field}.apiVersion"), &owner["apiVersion"], why));
        }
        let version = api_version.rsplit('/').next().unwrap_or_default();
        if version.is_empty() {
            let why = "version must not be empty";
            causes.push(Cause::invalid(format!("{field}.apiVersion"), &json!(api_version), why));
        }
        if text("kind").is_empty() {
            causes.push(Cause::invalid(format!("{field}.kind"), &json!(""), "must not be empty"));
        }
        if text("name").is_empty() {
            causes.push(Cause::invalid(format!("{field}.name"), &json!(""), "must not be empty"));
        }
        if text("uid").is_empty() {
            causes.push(Cause::invalid(format!("{field}.uid"), &json!(""), "must not be empty"));
        }
        if api_version == "v1" && text("kind") == "Event" {
            let why = format!("{} is disallowed from being an owner", "/v1, Kind=Event");
            causes.push(Cause::invalid(field.clone(), owner, &why));
        }
        if owner["controller"] == true {
            controllers.push(format!("{}/{}", text("kind"), text("name")));
        }
    }
    if let [first, .., last] = controllers.as_slice() {
        let why = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {last}"
        );
        causes.push(Cause::invalid("metadata.ownerReferences", owners, &why));
    }
    causes
}

fn validate_finalizers(finalizers: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let field = "metadata.finalizers";
    let mut both = (false, false);
    for finalizer in finalizers.as_array().into_iter().flatten() {
        let name = finalizer.as_str().unwrap_or_default();
        for why in names::qualified_name(name) {
            causes.push(Cause::invalid(field, finalizer, &why));
        }
        both.0 |= name == "orphan";
        both.1 |= name == "foregroundDeletion";
    }
    if both == (true, true) {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        causes.push(Cause::invalid(field, finalizers, why));
    }
    causes
}

fn validate_managed_fields(entries: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (position, entry) in entries.as_array().into_iter().flatten().enumerate() {
        let field = format!("metadata.managedFields[{position}]");
        let operation = entry["operation"].as_str().unwrap_or_default();
        if operation != "Apply" && operation != "Update" {
            causes.push(Cause::invalid(
                format!("{field}.operation"),
                &json!(operation),
                "must be `Apply` or `Update`",
            ));
        }
        for (name, limit) in [("manager", 128), ("subresource", 256)] {
            let text = entry[name].as_str().unwrap_or_default();
            if text.len() > limit {
                causes.push(Cause::too_long(format!("{field}.{name}"), limit));
            } else if name == "manager" && text.chars().any(char::is_control) {
                let why = "should only contain printable characters";
                causes.push(Cause::invalid(format!("{field}.{name}"), &json!(text), why));
            }
        }
        let fields_type = entry["fieldsType"].as_str().unwrap_or_default();
        if !fields_type.is_empty() && fields_type != "FieldsV1" {
            causes.push(Cause::invalid(
                format!("{field}.fieldsType"),
                &json!(fields_type),
                "must be `FieldsV1`",
            ));
        }
    }
    causes
}

/// Returns the warnings about metadata that should be otherwise.
pub(crate) fn warnings(kind: &Kind, object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    let silent =
        matches!(kind.group.as_str(), "coordination.k8s.io" | "node.k8s.io" | "admissionregistration.k8s.io");
    let finalizers = object["metadata"]["finalizers"].as_array().filter(|_| !silent).into_iter().flatten();
    for name in finalizers.filter_map(Value::as_str) {
        let is_old = old.is_some_and(|old| {
            old["metadata"]["finalizers"]
                .as_array()
                .is_some_and(|known| known.iter().any(|known| known == name))
        });
        if !name.contains('/') && !KNOWN_FINALIZERS.contains(&name) && !is_old {
            warnings.push(format!(
                "metadata.finalizers: {}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers",
                go_quoted(name)
            ));
        }
    }
    if old.is_none() {
        warnings.extend(name_warning(kind, object["metadata"]["name"].as_str().unwrap_or_default()));
    }
    warnings
}

/// Warns of a name that makes a bad name of a host.
fn name_warning(kind: &Kind, name: &str) -> Option<String> {
    let used = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => "the Pod's hostname",
        ("", "ReplicationController")
        | ("apps", "Deployment" | "ReplicaSet")
        | ("batch", "Job" | "CronJob") => "Pod names and hostnames",
        _ => return None,
    };
    let why = names::label_1123(name);
    (!why.is_empty()).then(|| {
        format!(
            "metadata.name: this is used in {used}, which can result in surprising behavior; a DNS label is recommended: [{}]",
            why.join(" ")
        )
    })
}

/// Checks the metadata of a changed object.
///
/// The server does it twice, once for all kinds and once in the kind's own rules, and says so twice.
pub(crate) fn validate_update(kind: &Kind, new: &Value, old: &Value) -> Vec<Cause> {
    let parts = validate_parts(&new["metadata"]);
    let changes = validate_changes(kind, new, old);
    let checks = strategy::metadata_checks(kind);
    let domains = if checks.domains { without_domain(&new["metadata"]["finalizers"]) } else { Vec::new() };
    let mut causes = parts.clone();
    causes.extend(changes.clone());
    let anew: Vec<Cause> =
        (0..checks.anew).flat_map(|_| parts.iter().chain(&domains).cloned().collect::<Vec<_>>()).collect();
    let again = if checks.changes { [changes, domains].concat() } else { Vec::new() };
    let (first, second) = if checks.anew_first { (anew, again) } else { (again, anew) };
    causes.extend(first);
    causes.extend(second);
    causes
}

/// Finalizers of built-in kinds are the server's own, or have a domain.
fn without_domain(finalizers: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (position, finalizer) in finalizers.as_array().into_iter().flatten().enumerate() {
        let name = finalizer.as_str().unwrap_or_default();
        if !name.contains('/') && !STANDARD_FINALIZERS.contains(&name) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(format!("metadata.finalizers[{position}]"), finalizer, why));
        }
    }
    causes
}

/// Checks what may not change in metadata.
fn validate_changes(kind: &Kind, new: &Value, old: &Value) -> Vec<Cause> {
    let (new, old) = (&new["metadata"], &old["metadata"]);
    let mut causes = Vec::new();
    let immutable = "field is immutable";
    causes.extend(deleting_finalizers(new, old));
    if new["generation"].as_i64().unwrap_or(0) < old["generation"].as_i64().unwrap_or(0) {
        let why = "must not be decremented";
        causes.push(Cause::invalid("metadata.generation", &new["generation"], why));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        if new[field] != old[field] && (field != "namespace" || kind.namespaced) {
            causes.push(Cause::invalid(format!("metadata.{field}"), &new[field], immutable));
        }
    }
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        if new[field] != old[field] {
            causes.push(Cause::invalid(format!("metadata.{field}"), &new[field], immutable));
        }
    }
    causes.extend(validate_labels(&new["labels"], "metadata.labels"));
    causes.extend(validate_annotations(&new["annotations"], "metadata.annotations"));
    causes.extend(validate_owners(&new["ownerReferences"]));
    causes.extend(validate_managed_fields(&new["managedFields"]));
    causes
}

fn deleting_finalizers(new: &Value, old: &Value) -> Vec<Cause> {
    if old["deletionTimestamp"].is_null() {
        return Vec::new();
    }
    let list = |metadata: &Value| metadata["finalizers"].as_array().cloned().unwrap_or_default();
    let known = list(old);
    let mut added: Vec<String> = list(new)
        .iter()
        .filter(|finalizer| !known.contains(finalizer))
        .filter_map(|finalizer| finalizer.as_str().map(go_quoted))
        .collect();
    if added.is_empty() {
        return Vec::new();
    }
    added.sort();
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.join(", ")
    );
    vec![Cause::forbidden("metadata.finalizers", &why)]
}
