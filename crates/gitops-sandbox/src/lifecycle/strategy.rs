//! In what kinds differ: which writes they allow, what a write resets, when the generation goes up.
//!
//! The table follows `test/integration/apiserver/apidefinitions` of Kubernetes, and the recorded server
//! where the two differ.

use serde_json::{Map, Value, json};

use super::names;
use crate::schema::Kind;

/// What a write is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
    /// Namespaces' `/finalize`.
    Finalize,
    /// Another subresource that holds the whole object.
    Other,
}

impl Part {
    pub(crate) fn of(subresource: &str) -> Self {
        match subresource {
            "" => Self::Main,
            "status" => Self::Status,
            "finalize" => Self::Finalize,
            _ => Self::Other,
        }
    }
}

/// Whether PUT creates what is not there.
pub(crate) fn put_creates(kind: &Kind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("coordination.k8s.io", "Lease" | "LeaseCandidate")
            | ("" | "events.k8s.io", "Event")
            | ("", "Endpoints" | "LimitRange" | "Service")
            | ("node.k8s.io", "RuntimeClass")
            | ("rbac.authorization.k8s.io", _)
    )
}

/// Whether PUT needs no resourceVersion.
pub(crate) fn put_without_revision(kind: &Kind) -> bool {
    kind.custom.is_none()
        && !matches!(
            (kind.group.as_str(), kind.kind.as_str()),
            ("coordination.k8s.io", "Lease")
                | ("node.k8s.io", "RuntimeClass")
                | ("policy", "PodDisruptionBudget")
                | ("apiextensions.k8s.io", "CustomResourceDefinition")
                | ("apiregistration.k8s.io", "APIService")
                | ("admissionregistration.k8s.io", _)
                | ("storage.k8s.io", "CSIDriver" | "CSINode" | "VolumeAttachment" | "CSIStorageCapacity")
        )
}

/// Whether the first write to a new object is stored although it changes nothing.
///
/// The server compares what it would store with what is stored, and some kinds are stored otherwise when they are
/// created than when they are read and written again: a Job gets the labels of its pods as it is read.
pub(crate) fn first_write_is_stored(kind: &Kind, object: &Value) -> bool {
    const GENERATED: [&str; 4] =
        ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "PersistentVolumeClaim") => true,
        ("batch", "Job") => {
            let (own, of_pods) =
                (&object["metadata"]["labels"], &object["spec"]["template"]["metadata"]["labels"]);
            let generated = of_pods
                .as_object()
                .is_some_and(|labels| labels.keys().all(|name| GENERATED.contains(&name.as_str())));
            generated && own == of_pods
        }
        _ => false,
    }
}

/// What the rules of a kind check of changed metadata, beside what is checked of all kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MetadataChecks {
    /// Whether what may not change is checked again.
    pub(crate) changes: bool,
    /// How often the rules of new metadata are.
    pub(crate) anew: usize,
    /// Whether the rules of new metadata come before those of changes.
    pub(crate) anew_first: bool,
    /// Whether finalizers need a domain.
    pub(crate) domains: bool,
}

/// Returns which checks of metadata an update goes through twice, or more often: every kind's own rules decide.
pub(crate) fn metadata_checks(kind: &Kind) -> MetadataChecks {
    let (changes, anew) = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Event") | ("policy", _) => (kind.api_version() == "events.k8s.io/v1", 0),
        ("", "LimitRange") | ("storage.k8s.io", "VolumeAttachment") | ("discovery.k8s.io", _) => (false, 1),
        ("admissionregistration.k8s.io", _) => (false, 1),
        ("", "PersistentVolume") | ("storage.k8s.io", "CSINode") => (false, 2),
        ("", "Service" | "PodTemplate" | "ReplicationController" | "ResourceQuota")
        | ("storage.k8s.io", "CSIDriver")
        | ("batch", "CronJob")
        | ("autoscaling" | "events.k8s.io" | "scheduling.k8s.io" | "coordination.k8s.io", _) => (true, 0),
        ("apps", kind) => (true, usize::from(kind == "ControllerRevision")),
        _ if kind.custom.is_some() => (true, 0),
        _ => (true, 1),
    };
    let plain = matches!(
        kind.group.as_str(),
        "coordination.k8s.io"
            | "policy"
            | "node.k8s.io"
            | "admissionregistration.k8s.io"
            | "apiextensions.k8s.io"
    );
    let anew_first = matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("rbac.authorization.k8s.io" | "storage.k8s.io", _)
            | ("networking.k8s.io", "NetworkPolicy")
            | ("", "Node" | "Namespace")
    );
    MetadataChecks { changes, anew, anew_first, domains: kind.custom.is_none() && !plain }
}

/// How names of objects of this kind look.
pub(crate) fn name_check(kind: &Kind) -> fn(&str) -> Vec<String> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Service") => names::label_1035,
        ("", "Namespace") | ("apps", "StatefulSet") => names::label_1123,
        ("rbac.authorization.k8s.io", _) | ("policy", "PodDisruptionBudget") => names::path_segment,
        ("batch", "CronJob") => names::cron_job,
        _ => names::subdomain,
    }
}

/// Whether deleting an object leaves what it owns, unless told otherwise.
pub(crate) fn orphans_by_default(kind: &Kind) -> bool {
    matches!((kind.group.as_str(), kind.kind.as_str()), ("batch", "Job") | ("", "ReplicationController"))
}

/// Whether a finished deletion answers with the object.
pub(crate) fn delete_returns_object(kind: &Kind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        (
            "",
            "Service"
                | "ServiceAccount"
                | "PersistentVolumeClaim"
                | "PersistentVolume"
                | "Pod"
                | "PodTemplate"
                | "ResourceQuota"
        ) | ("storage.k8s.io", "StorageClass" | "CSIDriver" | "CSINode" | "VolumeAttachment")
    )
}

/// Whether the finalizers for dependants are put on objects of this kind.
pub(crate) fn has_dependants(kind: &Kind) -> bool {
    kind.kind != "Event"
}

/// Kinds that have a status but keep no generation.
fn without_generation(kind: &Kind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        (
            "",
            "Namespace"
                | "Node"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "Service"
                | "ResourceQuota"
                | "ConfigMap"
                | "Secret"
                | "ServiceAccount"
                | "Endpoints"
                | "Event"
                | "LimitRange"
        ) | ("autoscaling", _)
            | ("certificates.k8s.io", _)
            | ("apiregistration.k8s.io", _)
            | ("rbac.authorization.k8s.io", _)
            | ("coordination.k8s.io", _)
            | ("events.k8s.io", _)
            | (
                "storage.k8s.io",
                "StorageClass"
                    | "CSIDriver"
                    | "CSINode"
                    | "VolumeAttachment"
                    | "CSIStorageCapacity"
                    | "VolumeAttributesClass"
            )
            | ("node.k8s.io", _)
            | ("resource.k8s.io", _)
    ) || (kind.group == "apps" && kind.kind == "ControllerRevision")
        || (kind.group == "networking.k8s.io" && matches!(kind.kind.as_str(), "ServiceCIDR" | "IPAddress"))
}

/// Sets what a new object starts with.
pub(crate) fn prepare_for_create(kind: &Kind, object: &mut Value) {
    let Some(map) = object.as_object_mut() else { return };
    if let Some(custom) = &kind.custom {
        if custom.has_status(&kind.version) {
            map.remove("status");
        }
        map["metadata"]["generation"] = json!(1);
        return;
    }
    // What a kubelet says of its node as it registers it stays.
    if kind.has_status() && !kind.is("", "Node") {
        match initial_status(kind) {
            Value::Null => map.remove("status"),
            status => map.insert("status".to_owned(), status),
        };
    }
    if !without_generation(kind) {
        map["metadata"]["generation"] = json!(1);
    }
    super::defaults::on_create(kind, object);
}

/// Returns the status that Go writes of a new object.
fn initial_status(kind: &Kind) -> Value {
    let empty = kind.go().map(crate::schema::decode::zero).unwrap_or_default();
    let mut status = empty["status"].clone();
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => status["phase"] = json!("Active"),
        ("", "PersistentVolumeClaim" | "PersistentVolume" | "Pod") => status["phase"] = json!("Pending"),
        _ => {}
    }
    status
}

/// Resets what a write may not change, and counts the generation.
pub(crate) fn prepare_for_update(kind: &Kind, part: Part, new: &mut Value, old: &Value) {
    let (Some(map), Some(before)) = (new.as_object_mut(), old.as_object()) else { return };
    let keep = |map: &mut Map<String, Value>, name: &str| match before.get(name) {
        Some(value) => {
            map.insert(name.to_owned(), value.clone());
        }
        None => {
            map.remove(name);
        }
    };
    if let Some(custom) = &kind.custom {
        let has_status = custom.has_status(&kind.version);
        match part {
            Part::Status => {
                let managed = map["metadata"].get("managedFields").cloned();
                let status = map.remove("status");
                let mut result = before.clone();
                match status {
                    Some(status) => result.insert("status".to_owned(), status),
                    None => result.remove("status"),
                };
                result.insert("apiVersion".to_owned(), map["apiVersion"].clone());
                if let Some(metadata) = result["metadata"].as_object_mut() {
                    match managed {
                        Some(managed) => metadata.insert("managedFields".to_owned(), managed),
                        None => metadata.remove("managedFields"),
                    };
                }
                *map = result;
            }
            _ => {
                if has_status {
                    keep(map, "status");
                }
                let differs = |ignored: &[&str]| {
                    let rest = |of: &Map<String, Value>| {
                        let mut of = of.clone();
                        ignored.iter().for_each(|name| {
                            of.remove(*name);
                        });
                        of
                    };
                    rest(map) != rest(before)
                };
                let ignored: &[&str] = if has_status {
                    &["metadata", "apiVersion", "status"]
                } else {
                    &["metadata", "apiVersion"]
                };
                if differs(ignored) {
                    let generation = before["metadata"]["generation"].as_i64().unwrap_or(0);
                    map["metadata"]["generation"] = json!(generation + 1);
                }
            }
        }
        return;
    }
    match part {
        Part::Status | Part::Other => {
            for name in before.keys().cloned().collect::<Vec<_>>() {
                if !matches!(name.as_str(), "metadata" | "status") && part == Part::Status {
                    keep(map, &name);
                }
            }
            if part == Part::Status {
                map.retain(|name, _| {
                    matches!(name.as_str(), "metadata" | "status") || before.contains_key(name)
                });
                super::defaults::on_status_update(kind, map, before);
            }
        }
        Part::Finalize => {
            keep(map, "status");
        }
        Part::Main => {
            if kind.has_status() {
                keep(map, "status");
            }
            super::defaults::on_update(kind, map, before);
            let counts = !without_generation(kind) || kind.is("storage.k8s.io", "CSIDriver");
            if counts && changes_generation(kind, map, before) {
                let generation = before["metadata"]["generation"].as_i64().unwrap_or(0);
                map["metadata"]["generation"] = json!(generation + 1);
            }
        }
    }
}

fn changes_generation(kind: &Kind, new: &Map<String, Value>, old: &Map<String, Value>) -> bool {
    let nothing = Value::Null;
    let nothing = &nothing;
    let differs = |name: &str| new.get(name).unwrap_or(nothing) != old.get(name).unwrap_or(nothing);
    let spec = differs("spec");
    let metadata = |name: &str| new["metadata"][name] != old["metadata"][name];
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => spec || metadata("annotations"),
        ("discovery.k8s.io", "EndpointSlice") => {
            metadata("labels") || ["endpoints", "ports", "addressType"].iter().any(|name| differs(name))
        }
        ("", "PodTemplate") => differs("template"),
        ("scheduling.k8s.io", "PriorityClass") => false,
        ("admissionregistration.k8s.io", _) if !kind.has_status() => differs("webhooks") || spec,
        ("apiextensions.k8s.io", _) => spec,
        _ => spec,
    }
}

/// Tells whether the deletion of an object counts as a change of it.
pub(crate) fn deletion_bumps_generation(object: &Value) -> bool {
    object["metadata"]["generation"].as_i64().unwrap_or(0) > 0
}

/// Turns an object of a kind with several versions into another.
pub(crate) fn convert(object: &mut Value, to: &str) {
    let from = object["apiVersion"].as_str().unwrap_or_default().to_owned();
    match (from.as_str(), to) {
        ("v1", "events.k8s.io/v1") => event_to_events(object),
        ("events.k8s.io/v1", "v1") => event_to_core(object),
        ("autoscaling/v2", "autoscaling/v1") => super::defaults::autoscaler_to_v1(object),
        ("autoscaling/v1", "autoscaling/v2") => super::defaults::autoscaler_to_v2(object),
        _ => return,
    }
    object["apiVersion"] = json!(to);
}

/// The same fields under other names: core, `events.k8s.io`.
const EVENT_FIELDS: [(&str, &str); 6] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

fn rename(object: &mut Value, from: &str, to: &str) {
    if let Some(map) = object.as_object_mut()
        && let Some(value) = map.remove(from)
    {
        map.insert(to.to_owned(), value);
    }
}

fn event_to_events(object: &mut Value) {
    for (core, new) in EVENT_FIELDS {
        rename(object, core, new);
    }
    rename(object, "reportingComponent", "reportingController");
    let drop_empty = ["reportingController", "reportingInstance"];
    if let Some(map) = object.as_object_mut() {
        map.retain(|name, value| !drop_empty.contains(&name.as_str()) || *value != "");
        if map.get("regarding") == Some(&json!({})) {
            map.insert("regarding".to_owned(), json!({}));
        }
    }
}

fn event_to_core(object: &mut Value) {
    for (core, new) in EVENT_FIELDS {
        rename(object, new, core);
    }
    rename(object, "reportingController", "reportingComponent");
    if let Some(map) = object.as_object_mut() {
        for name in ["reportingComponent", "reportingInstance"] {
            map.entry(name).or_insert_with(|| json!(""));
        }
        map.entry("involvedObject").or_insert_with(|| json!({}));
    }
}
