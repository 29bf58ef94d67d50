//! Which rules are of which kind.

use serde_json::Value;

use super::super::defaults;
use super::super::strategy::Part;
use super::{
    autoscalers, budgets, claims, classes, config, endpoints, events, fields, ingresses, jobs, leases,
    network_policies, nodes, persistent_volumes, pods, quotas, rbac, registrations, services, storage,
    workloads,
};
use crate::crd;
use crate::schema::Kind;
use crate::wire::status::Cause;

/// Checks what must hold of an object whenever it is written.
fn always(kind: &Kind, object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let namespaced = kind.namespaced;
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "ConfigMap") => config::config_map(object, causes),
        ("", "Secret") => config::secret(object, causes),
        ("", "Service") => services::service(object, old, causes),
        ("", "Pod") => pods::pod(object, causes),
        ("", "PodTemplate") => pods::template(&object["template"], "template", causes),
        ("", "ReplicationController") => workloads::replication_controller(object, causes),
        ("", "PersistentVolume") => persistent_volumes::volume(object, causes),
        ("", "ResourceQuota") => quotas::quota(object, causes),
        ("", "LimitRange") => quotas::limit_range(object, causes),
        ("", "Endpoints") => endpoints::endpoints(object, old, causes),
        ("apps", "Deployment") => workloads::deployment(object, causes),
        ("apps", "ReplicaSet") => workloads::replica_set(object, causes),
        ("apps", "StatefulSet") => workloads::stateful_set(object, old.is_none(), causes),
        ("apps", "DaemonSet") => workloads::daemon_set(object, causes),
        ("apps", "ControllerRevision") => fields::non_negative(object, "revision", "", causes),
        ("batch", "CronJob") => jobs::cron_job(object, old, causes),
        ("autoscaling", _) => {
            let mut newest = object.clone();
            if kind.version == "v1" {
                defaults::autoscaler_to_v2(&mut newest);
            }
            autoscalers::autoscaler(&newest, causes);
        }
        ("networking.k8s.io", "Ingress") => ingresses::ingress(object, causes),
        ("networking.k8s.io", "IngressClass") => classes::ingress(object, causes),
        ("networking.k8s.io", "NetworkPolicy") => network_policies::network_policy(object, causes),
        ("policy", "PodDisruptionBudget") => budgets::disruption_budget(object, causes),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => rbac::role(object, namespaced, causes),
        ("rbac.authorization.k8s.io", _) => rbac::binding(object, namespaced, causes),
        ("coordination.k8s.io", "Lease") => leases::lease(object, causes),
        ("discovery.k8s.io", "EndpointSlice") => endpoints::slice(object, old, causes),
        ("storage.k8s.io", "CSIDriver") => storage::driver(object, causes),
        ("storage.k8s.io", "CSINode") => storage::node(object, causes),
        ("storage.k8s.io", "VolumeAttachment") => storage::attachment(object, causes),
        ("storage.k8s.io", "CSIStorageCapacity") => storage::room(object, causes),
        ("storage.k8s.io", "StorageClass") => classes::storage(object, causes),
        ("storage.k8s.io", "VolumeAttributesClass") => classes::attributes(object, causes),
        ("node.k8s.io", "RuntimeClass") => classes::runtime(object, causes),
        ("scheduling.k8s.io", "PriorityClass") if old.is_none() => classes::priority(object, causes),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => {
            registrations::webhooks(object, false, causes);
        }
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => {
            registrations::webhooks(object, true, causes);
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => {
            registrations::policy(object, causes)
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => {
            registrations::binding(object, causes);
        }
        ("apiregistration.k8s.io", "APIService") => registrations::api_service(object, causes),
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
        ("", "PersistentVolumeClaim") => claims::claim(object, &mut causes),
        ("" | "events.k8s.io", "Event") => events::event(object, kind.group.is_empty(), &mut causes),
        ("", "Node") => nodes::node(object, &mut causes),
        ("", "Namespace") => {
            nodes::finalizers(object, |_| "spec.finalizers".to_owned(), &mut causes);
        }
        _ => always(kind, object, None, &mut causes),
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => pods::new_pod(object, &mut causes),
        ("apps", "ControllerRevision") => workloads::revision(object, &mut causes),
        ("networking.k8s.io", "Ingress") => ingresses::new_ingress(object, &mut causes),
        ("storage.k8s.io", "VolumeAttachment") => storage::new_attachment(object, &mut causes),
        _ => {}
    }
    causes
}

pub(super) fn update(kind: &Kind, part: Part, new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match part {
        Part::Main => main(kind, new, old, &mut causes),
        Part::Status => status(kind, new, old, &mut causes),
        Part::Finalize => {
            let at = |position| format!("spec.finalizers[{position}]");
            nodes::finalizers(new, at, &mut causes);
        }
        Part::Other => {}
    }
    causes
}

fn main(kind: &Kind, new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    // What may not change is told of first by some kinds, and last by others.
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "ConfigMap") => config::frozen(new, old, causes),
        ("", "Secret") => config::update_secret(new, old, causes),
        ("", "Service") => services::update(new, old, causes),
        ("networking.k8s.io", "IngressClass") => {
            let field = "spec.controller";
            fields::immutable(&new["spec"]["controller"], &old["spec"]["controller"], field, causes);
        }
        ("storage.k8s.io", "VolumeAttributesClass") => classes::update_attributes(new, old, causes),
        // These are checked as if they were new, and then as what has changed.
        ("", "PersistentVolume") | ("networking.k8s.io", "NetworkPolicy") | ("storage.k8s.io", "CSINode") => {
            always(kind, new, Some(old), causes)
        }
        ("", "Node") => nodes::node(new, causes),
        _ => {}
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            causes.extend(crd::validate_definition(new, Some(old)));
        }
        ("" | "events.k8s.io", "Event") => events::update(new, old, kind.group.is_empty(), causes),
        ("", "PersistentVolumeClaim") => claims::update(new, old, causes),
        ("", "Node") => nodes::update(new, old, causes),
        ("batch", "Job") => jobs::update_job(new, old, causes),
        _ => always(kind, new, Some(old), causes),
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "PersistentVolume") => persistent_volumes::update(new, old, causes),
        ("", "ResourceQuota") => quotas::update_quota(new, old, causes),
        ("", "Pod") => pods::update(new, old, causes),
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => workloads::update_deployment(new, old, causes),
        ("apps", "StatefulSet") => workloads::update_stateful_set(new, old, causes),
        ("apps", "ControllerRevision") => fields::immutable(&new["data"], &old["data"], "data", causes),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            rbac::update_binding(new, old, causes);
        }
        ("storage.k8s.io", "StorageClass") => classes::update_storage(new, old, causes),
        ("storage.k8s.io", "CSIDriver") => storage::update_driver(new, old, causes),
        ("storage.k8s.io", "CSINode") => storage::update_node(new, old, causes),
        ("storage.k8s.io", "CSIStorageCapacity") => storage::update_room(new, old, causes),
        ("storage.k8s.io", "VolumeAttachment") => {
            fields::immutable(&new["spec"], &old["spec"], "spec", causes);
        }
        ("node.k8s.io", "RuntimeClass") => {
            fields::immutable(&new["handler"], &old["handler"], "handler", causes);
        }
        ("scheduling.k8s.io", "PriorityClass") => classes::update_priority(new, old, causes),
        ("discovery.k8s.io", "EndpointSlice") => {
            fields::immutable(&new["addressType"], &old["addressType"], "addressType", causes);
        }
        _ => {}
    }
}

/// Checks a changed status.
fn status(kind: &Kind, new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => nodes::namespace_status(new, causes),
        ("", "Service") => services::status(new, causes),
        ("", "ResourceQuota") => quotas::quota_status(new, causes),
        ("autoscaling", _) => autoscalers::status(new, causes),
        ("networking.k8s.io", "Ingress") => ingresses::status(new, causes),
        ("apps", _) | ("", "ReplicationController") => workloads::statuses(kind, new, old, causes),
        ("policy", "PodDisruptionBudget") => budgets::status(new, causes),
        _ => {}
    }
}

pub(super) fn warnings(kind: &Kind, object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    let changed = old.is_none_or(|old| old["metadata"]["generation"] != object["metadata"]["generation"]);
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            warnings.extend(crd::definition_warnings(object, old));
        }
        ("", "PersistentVolumeClaim") => claims::warnings(object, old, &mut warnings),
        ("", "Service") => services::warnings(object, &mut warnings),
        ("", "Secret") => config::warnings(object, &mut warnings),
        ("", "PersistentVolume") => persistent_volumes::warnings(object, &mut warnings),
        ("", "Pod") if changed => pods::warnings_of_pod(object, &mut warnings),
        ("node.k8s.io", "RuntimeClass") => classes::runtime_warnings(object, &mut warnings),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") | ("batch", "Job") if changed => {
            let template = &object["spec"]["template"];
            pods::warnings_of_template(template, "spec.template", &mut warnings);
        }
        ("", "ReplicationController") if changed => {
            let template = &object["spec"]["template"];
            pods::warnings_of_template(template, "spec.template", &mut warnings);
        }
        ("", "PodTemplate") if changed => {
            pods::warnings_of_template(&object["template"], "template", &mut warnings);
        }
        ("batch", "CronJob") if changed => {
            let template = &object["spec"]["jobTemplate"]["spec"]["template"];
            pods::warnings_of_template(template, "spec.jobTemplate.spec.template", &mut warnings);
        }
        _ => {}
    }
    warnings
}
