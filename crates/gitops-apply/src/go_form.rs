//! The form that an object gets by passing through Go's types.
//!
//! Flux reads every object of a kind it knows into Go's struct and writes it out again. A struct that is not a pointer
//! is written even when it is empty, so the field manager then owns `strategy: {}` or `resources: {}`; nulls and empty
//! maps go. Whoever takes over from Flux, or hands over to it, keeps the same owned fields by this form.

use serde_json::{Map, Value};

use crate::fields::{group, kind};

/// In which form objects are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Form {
    /// As they are written.
    #[default]
    AsWritten,
    /// With the empty structs that Flux's reading through Go's types leaves in built-in kinds.
    AsFlux,
}

/// The groups whose types are part of Kubernetes' client for Go.
const BUILT_IN: [&str; 20] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Returns whether Flux passes objects of this kind through Go's types: built-in kinds, but for Roles and ClusterRoles
/// (fluxcd/pkg `ssa/normalize`, fluxcd/kustomize-controller issue 1041).
pub(crate) fn passes_through_go(group: &str, kind: &str) -> bool {
    BUILT_IN.contains(&group)
        && !(group == "rbac.authorization.k8s.io" && matches!(kind, "Role" | "ClusterRole"))
}

/// Brings an object of a built-in kind into the form of Go's types; others stay as they are.
pub(crate) fn to_go_form(object: &mut Map<String, Value>) {
    let value = Value::Object(std::mem::take(object));
    let (group, kind) = (group(&value).to_owned(), kind(&value).to_owned());
    let mut value = value;
    if passes_through_go(&group, &kind) {
        drop_nulls(&mut value);
        drop_empty_maps(&mut value);
        for (path, default) in structs(&group, &kind) {
            add(&mut value, path, &default);
        }
    }
    if let Value::Object(map) = value {
        *object = map;
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Drops the empty maps of those fields that are maps in Go; structs stay when they are empty.
fn drop_empty_maps(object: &mut Value) {
    let is_empty = |value: Option<&Value>| value.and_then(Value::as_object).is_some_and(Map::is_empty);
    if let Some(map) = object.as_object_mut() {
        for key in ["data", "stringData", "binaryData"] {
            if is_empty(map.get(key)) {
                map.remove(key);
            }
        }
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for key in ["labels", "annotations"] {
                if is_empty(metadata.get(key)) {
                    metadata.remove(key);
                }
            }
        }
    }
}

/// The structs of a kind that are no pointers, outer ones first (k8s.io/api, `types.go` of each group).
fn structs(group: &str, kind: &str) -> Vec<(&'static str, Value)> {
    let empty = || Value::Object(Map::new());
    let mut list: Vec<(&'static str, Value)> = Vec::new();
    let mut add = |paths: &[&'static str]| list.extend(paths.iter().map(|path| (*path, empty())));
    match (group, kind) {
        ("", "Namespace" | "ResourceQuota" | "LimitRange" | "PersistentVolume" | "Node")
        | ("policy", "PodDisruptionBudget")
        | ("networking.k8s.io", "IngressClass") => add(&["spec"]),
        ("", "Pod") => {
            add(&["spec"]);
            add(&POD);
        }
        ("", "Service") => {
            add(&["spec"]);
            list.push(("spec.ports[].targetPort", Value::from(0)));
        }
        ("", "PersistentVolumeClaim") => add(&["spec", "spec.resources"]),
        ("apps", "Deployment") => {
            add(&["spec", "spec.template", "spec.strategy"]);
            add(&TEMPLATE);
        }
        ("apps", "DaemonSet") => {
            add(&["spec", "spec.template", "spec.updateStrategy"]);
            add(&TEMPLATE);
        }
        ("apps", "ReplicaSet") => {
            add(&["spec", "spec.template"]);
            add(&TEMPLATE);
        }
        ("apps", "StatefulSet") => {
            add(&["spec", "spec.template", "spec.updateStrategy"]);
            add(&TEMPLATE);
            add(&[
                "spec.volumeClaimTemplates[].metadata",
                "spec.volumeClaimTemplates[].spec",
                "spec.volumeClaimTemplates[].spec.resources",
                "spec.volumeClaimTemplates[].status",
            ]);
            list.push(("spec.serviceName", Value::from("")));
        }
        ("batch", "Job") => {
            add(&["spec", "spec.template"]);
            add(&TEMPLATE);
        }
        ("batch", "CronJob") => {
            add(&[
                "spec",
                "spec.jobTemplate",
                "spec.jobTemplate.metadata",
                "spec.jobTemplate.spec",
                "spec.jobTemplate.spec.template",
            ]);
            add(&JOB_TEMPLATE);
        }
        ("networking.k8s.io", "Ingress") => add(&[
            "spec",
            "spec.defaultBackend.service.port",
            "spec.rules[].http.paths[].backend",
            "spec.rules[].http.paths[].backend.service.port",
        ]),
        ("networking.k8s.io", "NetworkPolicy") => add(&["spec", "spec.podSelector"]),
        ("autoscaling", "HorizontalPodAutoscaler") => add(&["spec", "spec.scaleTargetRef"]),
        _ => {}
    }
    list
}

const POD: [&str; 5] = [
    "spec.initContainers[].resources",
    "spec.containers[].resources",
    "spec.ephemeralContainers[].resources",
    "spec.volumes[].ephemeral.volumeClaimTemplate.spec",
    "spec.volumes[].ephemeral.volumeClaimTemplate.spec.resources",
];

const TEMPLATE: [&str; 6] = [
    "spec.template.metadata",
    "spec.template.spec",
    "spec.template.spec.initContainers[].resources",
    "spec.template.spec.containers[].resources",
    "spec.template.spec.volumes[].ephemeral.volumeClaimTemplate.spec",
    "spec.template.spec.volumes[].ephemeral.volumeClaimTemplate.spec.resources",
];

const JOB_TEMPLATE: [&str; 6] = [
    "spec.jobTemplate.spec.template.metadata",
    "spec.jobTemplate.spec.template.spec",
    "spec.jobTemplate.spec.template.spec.initContainers[].resources",
    "spec.jobTemplate.spec.template.spec.containers[].resources",
    "spec.jobTemplate.spec.template.spec.volumes[].ephemeral.volumeClaimTemplate.spec",
    "spec.jobTemplate.spec.template.spec.volumes[].ephemeral.volumeClaimTemplate.spec.resources",
];

/// Sets a field that is missing, in every item of the lists on its way; what is on the way is not made.
fn add(value: &mut Value, path: &str, default: &Value) {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    match (head.strip_suffix("[]"), rest) {
        (Some(list), Some(rest)) => {
            let items = value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
            items.for_each(|item| add(item, rest, default));
        }
        (None, Some(rest)) => {
            if let Some(next) = value.get_mut(head) {
                add(next, rest, default);
            }
        }
        (None, None) => {
            if let Some(map) = value.as_object_mut() {
                map.entry(head).or_insert_with(|| default.clone());
            }
        }
        (Some(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn built_in_kinds_get_their_empty_structs() {
        #[track_caller]
        fn check(mut input: Value, want: Value) {
            if let Some(object) = input.as_object_mut() {
                to_go_form(object);
            }
            assert_eq!(input, want);
        }
        check(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {}}}),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}, "spec": {}}),
        );
        check(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": null,
                "template": {"spec": {"containers": [{"name": "a"}, {"name": "b", "resources": {"limits": {"cpu": "1"}}}]}}}}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"strategy": {}, "template": {"metadata": {},
                "spec": {"containers": [{"name": "a", "resources": {}}, {"name": "b", "resources": {"limits": {"cpu": "1"}}}]}}}}),
        );
        let widget =
            json!({"apiVersion": "example.org/v1", "kind": "Widget", "spec": {"nothing": null}, "data": {}});
        check(widget.clone(), widget);
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": null});
        check(role.clone(), role);
    }
}
