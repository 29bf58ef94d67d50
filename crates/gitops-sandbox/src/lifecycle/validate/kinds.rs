//! Which rules are of which kind.

use serde_json::Value;

use super::super::strategy::Part;
use super::{fields, frozen, jobs, others, pods, services, workloads};
use crate::crd;
use crate::schema::Kind;
use crate::wire::status::Cause;

/// Checks what must hold of an object whenever it is written.
fn always(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "ConfigMap") => others::config_map(object, causes),
        ("", "Secret") => others::secret(object, causes),
        ("", "Service") => services::service(object, causes),
        ("", "Pod") => pods::spec(&object["spec"], "spec", causes),
        ("", "PodTemplate") => pods::template(&object["template"], "template", causes),
        ("", "ReplicationController") => workloads::replication_controller(object, causes),
        ("", "PersistentVolume") => others::volume(object, causes),
        ("", "ResourceQuota") => others::quota(object, causes),
        ("" | "events.k8s.io", "Event") => others::event(object, kind.group.is_empty(), causes),
        ("apps", "Deployment") => workloads::deployment(object, causes),
        ("apps", "ReplicaSet") => workloads::replica_set(object, causes),
        ("apps", "StatefulSet") => workloads::stateful_set(object, causes),
        ("apps", "DaemonSet") => workloads::daemon_set(object, causes),
        ("batch", "CronJob") => jobs::cron_job(object, causes),
        ("autoscaling", _) => others::autoscaler(object, causes),
        ("networking.k8s.io", "Ingress") => services::ingress(object, causes),
        ("networking.k8s.io", "NetworkPolicy") => services::network_policy(object, causes),
        ("policy", "PodDisruptionBudget") => others::disruption_budget(object, causes),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            others::role(object, kind.namespaced, causes)
        }
        ("rbac.authorization.k8s.io", _) => others::binding(object, kind.namespaced, causes),
        ("coordination.k8s.io", "Lease") => others::lease(object, causes),
        ("discovery.k8s.io", "EndpointSlice") => others::endpoint_slice(object, causes),
        ("storage.k8s.io", "StorageClass") => others::storage_class(object, causes),
        _ => {}
    }
}

pub(super) fn create(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            return crd::validate_definition(object, None);
        }
        ("batch", "Job") => jobs::job(object, &mut causes),
        ("", "PersistentVolumeClaim") => others::claim(object, &mut causes),
        ("", "Pod") => {
            always(kind, object, &mut causes);
            pods::tokens(&object["spec"], &mut causes);
        }
        _ => always(kind, object, &mut causes),
    }
    causes
}

pub(super) fn update(kind: &Kind, part: Part, new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if part == Part::Status && kind.is("", "Namespace") {
        others::namespace_status(new, &mut causes);
    }
    if part != Part::Main {
        return causes;
    }
    // Data that is frozen is told of first.
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "ConfigMap") => others::frozen(new, old, &mut causes),
        ("", "Secret") => others::update_secret(new, old, &mut causes),
        ("", "Service") => services::update_service(new, old, &mut causes),
        _ => {}
    }
    // Events, once written, are only held against what identifies them.
    if kind.kind != "Event" {
        always(kind, new, &mut causes);
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            return crd::validate_definition(new, Some(old));
        }
        ("", "PersistentVolumeClaim") => others::update_claim(new, old, &mut causes),
        ("", "PersistentVolume") => others::update_volume(new, old, &mut causes),
        ("", "Pod") => workloads::update_pod(new, old, &mut causes),
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => {
            workloads::update_deployment(new, old, &mut causes)
        }
        ("apps", "StatefulSet") => workloads::update_stateful_set(new, old, &mut causes),
        ("apps", "ControllerRevision") => fields::immutable(&new["data"], &old["data"], "data", &mut causes),
        ("batch", "Job") => jobs::update_job(new, old, &mut causes),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            others::update_binding(new, old, &mut causes);
        }
        ("storage.k8s.io", "StorageClass") => others::update_storage_class(new, old, &mut causes),
        ("scheduling.k8s.io", "PriorityClass") => others::update_priority_class(new, old, &mut causes),
        ("discovery.k8s.io", "EndpointSlice") => {
            fields::immutable(&new["addressType"], &old["addressType"], "addressType", &mut causes);
        }
        ("", "Node") => frozen::node(new, old, &mut causes),
        _ => frozen::fields(kind, new, old, &mut causes),
    }
    causes
}

pub(super) fn warnings(kind: &Kind, object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    let changed = old.is_none_or(|old| old["metadata"]["generation"] != object["metadata"]["generation"]);
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            warnings.extend(crd::definition_warnings(object, old));
        }
        ("", "PersistentVolumeClaim") => others::claim_warnings(object, old, &mut warnings),
        ("", "Service") => {
            let spec = &object["spec"];
            if spec["clusterIP"] == "None" && spec["sessionAffinity"] == "ClientIP" {
                warnings.push("spec.SessionAffinity is ignored for headless services".to_owned());
            }
        }
        ("", "Pod") if old.is_none() => pods::warnings(&object["spec"], "spec", &mut warnings),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") | ("batch", "Job") if changed => {
            pods::warnings(&object["spec"]["template"]["spec"], "spec.template.spec", &mut warnings);
        }
        ("batch", "CronJob") if changed => {
            let (spec, path) = (
                &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
                "spec.jobTemplate.spec.template.spec",
            );
            pods::warnings(spec, path, &mut warnings);
        }
        _ => {}
    }
    warnings
}
