//! What the server adds to objects of built-in kinds.

mod addresses;
mod autoscalers;
mod others;
mod pods;
mod workloads;

use serde_json::{Map, Value, json};

use crate::schema::Kind;
use crate::server::Server;
use crate::wire::status::Answer;

pub(crate) use addresses::Taken;
pub(crate) use autoscalers::{to_v1 as autoscaler_to_v1, to_v2 as autoscaler_to_v2};

/// Counts the templates of a daemon set.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Adds the defaults that objects get as they are read.
pub(crate) fn apply(kind: &Kind, object: &mut Value) {
    let spec = |object: &mut Value, add: fn(&mut Value)| {
        if let Some(spec) = object.get_mut("spec").filter(|spec| spec.is_object()) {
            add(spec);
        }
    };
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => {
            let name = object["metadata"]["name"].clone();
            if name.as_str().is_some_and(|name| !name.is_empty()) {
                object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            }
        }
        ("", "Pod") => {
            spec(object, pods::spec);
            spec(object, pods::pod);
        }
        ("", "PodTemplate") => {
            if let Some(template) = object.get_mut("template") {
                spec(template, pods::spec);
            }
        }
        ("", "Service") => {
            spec(object, others::service);
            let ingress = object.pointer_mut("/status/loadBalancer/ingress");
            for address in pods::items(ingress).filter(|address| address["ip"].is_string()) {
                fill(address, "ipMode", json!("VIP"));
            }
        }
        ("", "Secret") => others::secret(object),
        ("", "PersistentVolumeClaim") => spec(object, others::claim),
        ("", "PersistentVolume") => spec(object, others::volume),
        ("", "Endpoints") => others::endpoints(object),
        ("", "ReplicationController") => workloads::replication_controller(object),
        ("", "LimitRange") => spec(object, others::limit_range),
        ("", "Node") => {
            others::node(object);
            spec(object, others::node_spec);
        }
        ("apps", "Deployment") => spec(object, workloads::deployment),
        ("apps", "ReplicaSet") => spec(object, workloads::replica_set),
        ("apps", "StatefulSet") => spec(object, workloads::stateful_set),
        ("apps", "DaemonSet") => {
            spec(object, workloads::daemon_set);
            let annotation = &mut object["metadata"]["annotations"][TEMPLATE_GENERATION];
            if annotation.is_null() {
                *annotation = json!("0");
            }
        }
        ("batch", "Job") => {
            spec(object, workloads::job);
            workloads::job_labels(object);
        }
        ("batch", "CronJob") => spec(object, workloads::cron_job),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            if let Some(spec) = object.get_mut("spec") {
                others::autoscaler(&kind.version, spec);
            }
        }
        ("discovery.k8s.io", "EndpointSlice") => others::endpoint_slice(object),
        ("networking.k8s.io", "NetworkPolicy") => spec(object, others::network_policy),
        ("networking.k8s.io", "IngressClass") => spec(object, others::ingress_class),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => others::binding(object),
        ("storage.k8s.io", "StorageClass") => others::storage_class(object),
        ("scheduling.k8s.io", "PriorityClass") => others::priority_class(object),
        ("storage.k8s.io", "CSIDriver") => spec(object, others::csi_driver),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy") => {
            spec(object, others::admission_policy);
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => {
            spec(object, others::admission_binding);
        }
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => others::webhooks(object, true),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => others::webhooks(object, false),
        ("apiregistration.k8s.io", "APIService") => {
            if let Some(service) = object.pointer_mut("/spec/service").filter(|service| service.is_object()) {
                fill(service, "port", json!(443));
            }
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crate::crd::default_definition(object),
        _ => {}
    }
}

/// Sets a field that is absent or empty.
fn fill(value: &mut Value, name: &str, default: Value) {
    match value {
        Value::Object(map) => fill_map(map, name, default),
        Value::Null => *value = json!({name: default}),
        _ => {}
    }
}

fn fill_map(map: &mut Map<String, Value>, name: &str, default: Value) {
    let is_empty = match map.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        // Zero is no value where the default is another number and the field no pointer.
        Some(_) => false,
    };
    if is_empty {
        map.insert(name.to_owned(), default);
    }
}

/// Takes out a null that was only looked for.
fn clean(value: &mut Value, name: &str) {
    clean_if(value, name, &Value::Null);
}

fn clean_if(value: &mut Value, name: &str, unwanted: &Value) {
    if let Some(map) = value.as_object_mut()
        && map.get(name) == Some(unwanted)
    {
        map.remove(name);
    }
}

/// Sets what objects of a kind start with, beside their status.
pub(crate) fn on_create(kind: &Kind, object: &mut Value) {
    if let Some(spec) = object.pointer_mut("/spec/template/spec").filter(|_| kind.custom.is_none()) {
        pods::without_signals(spec);
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => {
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            let finalizers = object["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
            if !finalizers.iter().any(|finalizer| finalizer == "kubernetes") {
                let mut finalizers = finalizers;
                finalizers.push(json!("kubernetes"));
                object["spec"]["finalizers"] = Value::Array(finalizers);
            }
        }
        ("", "Service") => addresses::normalize(&mut object["spec"]),
        ("", "Pod") => {
            pods::settle(&mut object["spec"]);
            object["status"]["qosClass"] = json!(pods::quality(&object["spec"]));
            pods::gated(object);
        }
        ("", "PersistentVolume") => {
            object["status"]["lastPhaseTransitionTime"] = object["metadata"]["creationTimestamp"].clone();
        }
        ("", "PersistentVolumeClaim") => others::claim_source(&mut object["spec"]),
        ("coordination.k8s.io", "Lease") => {
            if let Some(spec) = object.get_mut("spec") {
                others::lease(spec);
            }
        }
        ("apps", "StatefulSet") => workloads::without_unavailable(&mut object["spec"], &Value::Null),
        ("discovery.k8s.io", "EndpointSlice") => others::without_topology(object),
        ("apps", "DaemonSet") => {
            object["metadata"]["annotations"][TEMPLATE_GENERATION] = json!("1");
        }
        ("batch", "Job") => workloads::job_selector(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crate::crd::prepare_definition(object),
        _ => {}
    }
}

/// Keeps what an update of a kind may not change, beside its status.
pub(crate) fn on_update(kind: &Kind, new: &mut Map<String, Value>, old: &Map<String, Value>) {
    if kind.is("", "Service") {
        addresses::carry_over(new, old);
    }
    if kind.is("coordination.k8s.io", "Lease")
        && let Some(spec) = new.get_mut("spec")
    {
        others::lease(spec);
    }
    if kind.is("apps", "StatefulSet")
        && let (Some(spec), Some(before)) = (new.get_mut("spec"), old.get("spec"))
    {
        workloads::without_unavailable(spec, before);
    }
    if kind.is("apps", "DaemonSet") {
        let template = |of: &Map<String, Value>| of.get("spec").map(|spec| spec["template"].clone());
        let changed = u64::from(template(new) != template(old));
        let known =
            old.get("metadata").and_then(|metadata| metadata["annotations"][TEMPLATE_GENERATION].as_str());
        let generation = known.and_then(|known| known.parse::<u64>().ok()).unwrap_or(1) + changed;
        new["metadata"]["annotations"][TEMPLATE_GENERATION] = json!(generation.to_string());
    }
    if kind.kind == "CustomResourceDefinition" {
        let mut object = Value::Object(std::mem::take(new));
        crate::crd::remember_storage(&mut object);
        if let Value::Object(map) = object {
            *new = map;
        }
    }
    if kind.is("", "Namespace") {
        let finalizers = old.get("spec").map(|spec| spec["finalizers"].clone()).unwrap_or_default();
        if let Some(spec) = new.get_mut("spec").and_then(Value::as_object_mut) {
            match finalizers {
                Value::Null => spec.remove("finalizers"),
                finalizers => spec.insert("finalizers".to_owned(), finalizers),
            };
        }
    }
}

/// Keeps what an update of a kind's status may not change.
pub(crate) fn on_status_update(kind: &Kind, new: &mut Map<String, Value>, old: &Map<String, Value>) {
    let whole = kind.is("storage.k8s.io", "VolumeAttachment")
        || kind.is("admissionregistration.k8s.io", "ValidatingAdmissionPolicy");
    let known = old.get("metadata").cloned().unwrap_or_default();
    if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| whole) {
        for name in ["labels", "annotations", "ownerReferences", "finalizers"] {
            match &known[name] {
                Value::Null => metadata.remove(name),
                value => metadata.insert(name.to_owned(), value.clone()),
            };
        }
    }
    if kind.is("apps", "Deployment") {
        let labels = old.get("metadata").map(|metadata| metadata["labels"].clone()).unwrap_or_default();
        if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
            match labels {
                Value::Null => metadata.remove("labels"),
                labels => metadata.insert("labels".to_owned(), labels),
            };
        }
    }
}

/// Gives an object what only one can have: addresses and ports.
pub(crate) fn allocate(
    server: &Server,
    kind: &Kind,
    object: &mut Value,
    old: Option<&Value>,
    dry_run: bool,
) -> Answer<()> {
    if kind.is("", "Service") {
        return addresses::allocate(server, object, old, dry_run);
    }
    Ok(())
}
