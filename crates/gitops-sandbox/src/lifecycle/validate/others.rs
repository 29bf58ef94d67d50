//! The rules of the other kinds.

use base64::Engine as _;
use serde_json::{Value, json};

use super::super::names;
use super::fields::{has, immutable, items, non_negative, one_of, selector, text};
use super::pods::port_number;
use crate::wire::status::Cause;
use gitops_expr::Quantity;

const MAX_DATA: usize = 1024 * 1024;

fn data_size(object: &Value) -> usize {
    let sizes = |map: &Value, encoded: bool| -> usize {
        let values = map.as_object().into_iter().flatten();
        values
            .map(|(_, value)| {
                let text = value.as_str().unwrap_or_default();
                if encoded {
                    base64::engine::general_purpose::STANDARD.decode(text).map_or(0, |bytes| bytes.len())
                } else {
                    text.len()
                }
            })
            .sum()
    };
    sizes(&object["data"], object["type"].is_string()) + sizes(&object["binaryData"], true)
}

pub(super) fn config_map(object: &Value, causes: &mut Vec<Cause>) {
    for key in object["data"].as_object().into_iter().flatten().map(|(key, _)| key) {
        let why = names::config_key(key);
        causes.extend(why.iter().map(|why| Cause::invalid(format!("data[{key}]"), &json!(key), why)));
        if has(&object["binaryData"], key) {
            let why = "duplicate of key present in binaryData";
            causes.push(Cause::invalid(format!("data[{key}]"), &json!(key), why));
        }
    }
    for key in object["binaryData"].as_object().into_iter().flatten().map(|(key, _)| key) {
        let why = names::config_key(key);
        causes.extend(why.iter().map(|why| Cause::invalid(format!("binaryData[{key}]"), &json!(key), why)));
    }
    if data_size(object) > MAX_DATA {
        causes.push(Cause::too_long("[]", MAX_DATA));
    }
}

pub(super) fn secret(object: &Value, causes: &mut Vec<Cause>) {
    let data = &object["data"];
    for key in data.as_object().into_iter().flatten().map(|(key, _)| key) {
        let why = names::config_key(key);
        causes.extend(why.iter().map(|why| Cause::invalid(format!("data[{key}]"), &json!(key), why)));
    }
    if data_size(object) > MAX_DATA {
        causes.push(Cause::too_long("data", MAX_DATA));
    }
    let require = |key: &str, causes: &mut Vec<Cause>| {
        if !has(data, key) {
            causes.push(Cause::required(format!("data[{key}]"), ""));
        }
    };
    match text(object, "type") {
        "kubernetes.io/tls" => {
            require("tls.crt", causes);
            require("tls.key", causes);
        }
        "kubernetes.io/ssh-auth" => require("ssh-privatekey", causes),
        "kubernetes.io/basic-auth" if !has(data, "username") && !has(data, "password") => {
            causes.push(Cause::required("data[username]", ""));
            causes.push(Cause::required("data[password]", ""));
        }
        "kubernetes.io/service-account-token" => {
            let name = &object["metadata"]["annotations"]["kubernetes.io/service-account.name"];
            if name.as_str().unwrap_or_default().is_empty() {
                let field = "metadata.annotations[kubernetes.io/service-account.name]";
                causes.push(Cause::required(field, ""));
            }
        }
        "kubernetes.io/dockerconfigjson" => {
            require(".dockerconfigjson", causes);
            docker(&data[".dockerconfigjson"], "data[.dockerconfigjson]", causes);
        }
        "kubernetes.io/dockercfg" => {
            require(".dockercfg", causes);
            docker(&data[".dockercfg"], "data[.dockercfg]", causes);
        }
        _ => {}
    }
}

fn docker(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    let Some(text) = value.as_str() else { return };
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    if let Err(error) = serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes) {
        let why = crate::wire::json::go_error(&bytes, &error);
        causes.push(Cause::invalid(field, &json!("<secret contents redacted>"), &why));
    }
}

/// Data that may not change, once its owner has said so.
pub(super) fn frozen(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    if old["immutable"] != true {
        return;
    }
    let why = "field is immutable when `immutable` is set";
    if new["immutable"] != true {
        causes.push(Cause::forbidden("immutable", why));
    }
    for field in ["data", "binaryData"] {
        if new[field] != old[field] {
            causes.push(Cause::forbidden(field, why));
        }
    }
}

pub(super) fn update_secret(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    immutable(&new["type"], &old["type"], "type", causes);
    frozen(new, old, causes);
}

pub(super) fn claim(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if items(&spec["accessModes"]).next().is_none() {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    for mode in items(&spec["accessModes"]) {
        let supported = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
        if !supported.contains(&mode.as_str().unwrap_or_default()) {
            causes.push(Cause::not_supported("spec.accessModes", mode, &supported));
        }
    }
    let single = items(&spec["accessModes"]).any(|mode| mode == "ReadWriteOncePod");
    if single && items(&spec["accessModes"]).count() > 1 {
        let why = "may not use ReadWriteOncePod with other access modes";
        causes.push(Cause::forbidden("spec.accessModes", why));
    }
    if has(spec, "selector") {
        selector(&spec["selector"], "spec.selector", causes);
    }
    let storage = &spec["resources"]["requests"]["storage"];
    match storage.as_str().and_then(Quantity::parse) {
        None => causes.push(Cause::required("spec.resources[storage]", "")),
        Some(quantity) if quantity.is_negative() || quantity.is_zero() => {
            causes.push(Cause::invalid("spec.resources[storage]", storage, "must be greater than zero"));
        }
        Some(_) => {}
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        let why = names::subdomain(class);
        causes.extend(
            why.iter().map(|why| Cause::invalid("spec.storageClassName", &spec["storageClassName"], why)),
        );
    }
    let class = text(spec, "volumeAttributesClassName");
    if !class.is_empty() {
        let why = names::subdomain(class);
        let field = "spec.volumeAttributesClassName";
        causes.extend(why.iter().map(|why| Cause::invalid(field, &spec["volumeAttributesClassName"], why)));
    }
    if has(spec, "volumeMode") {
        one_of(spec, "volumeMode", "spec", &["Block", "Filesystem"], causes);
    }
}

/// Bytes are whole.
pub(super) fn claim_warnings(new: &Value, old: Option<&Value>, warnings: &mut Vec<String>) {
    for list in ["requests", "limits"] {
        let given = &new["spec"]["resources"][list]["storage"];
        let known = old.map_or(&Value::Null, |old| &old["spec"]["resources"][list]["storage"]);
        let Some(text) = given.as_str().filter(|_| given != known) else { continue };
        if Quantity::parse(text).is_some_and(|quantity| !quantity.is_whole()) {
            warnings.push(format!(
                "spec.resources.{list}[storage]: fractional byte value {text:?} is invalid, must be an integer"
            ));
        }
    }
}

pub(super) fn update_claim(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let bound = old["status"]["phase"] == "Bound";
    let rest = |object: &Value| {
        let mut spec = object["spec"].clone();
        if let Some(map) = spec.as_object_mut() {
            if old["spec"]["volumeName"].as_str().unwrap_or_default().is_empty() {
                map.remove("volumeName");
            }
            if bound {
                map.remove("volumeAttributesClassName");
            }
        }
        if bound && let Some(resources) = spec["resources"].as_object_mut() {
            resources.remove("requests");
        }
        spec
    };
    if rest(new) != rest(old) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        causes.push(Cause::forbidden("spec", why));
    }
}

const SOURCES: [&str; 22] = [
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "hostPath",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "flexVolume",
    "cinder",
    "cephfs",
    "fc",
    "flocker",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

pub(super) fn volume(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if items(&spec["accessModes"]).next().is_none() {
        causes.push(Cause::required("spec.accessModes", ""));
    }
    if spec["capacity"].as_object().is_none_or(serde_json::Map::is_empty) {
        causes.push(Cause::required("spec.capacity", ""));
    }
    let given: Vec<&str> = SOURCES.into_iter().filter(|source| has(spec, source)).collect();
    for source in given.iter().skip(1) {
        let why = "may not specify more than 1 volume type";
        causes.push(Cause::forbidden(format!("spec.{source}"), why));
    }
    if given.is_empty() {
        causes.push(Cause::required("spec", "must specify a volume type"));
    }
}

pub(super) fn update_volume(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let source =
        |object: &Value| -> Vec<Value> { SOURCES.iter().map(|name| object["spec"][*name].clone()).collect() };
    if source(new) != source(old) {
        let why = "spec.persistentvolumesource is immutable after creation";
        causes.push(Cause::forbidden("spec.persistentvolumesource", why));
    }
    immutable(&new["spec"]["volumeMode"], &old["spec"]["volumeMode"], "volumeMode", causes);
    if has(&old["spec"], "nodeAffinity") && new["spec"]["nodeAffinity"] != old["spec"]["nodeAffinity"] {
        let why = "field is immutable, except for updating from beta label to GA";
        causes.push(Cause::invalid("nodeAffinity", &new["spec"]["nodeAffinity"], why));
    }
}

pub(super) fn autoscaler(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let (min, max) = (spec["minReplicas"].as_i64(), spec["maxReplicas"].as_i64().unwrap_or(0));
    if min.is_some_and(|min| min < 1) {
        causes.push(Cause::invalid(
            "spec.minReplicas",
            &spec["minReplicas"],
            "must be greater than or equal to 1",
        ));
    }
    if max < 1 {
        causes.push(Cause::invalid("spec.maxReplicas", &json!(max), "must be greater than 0"));
    }
    if min.is_some_and(|min| max < min) {
        let why = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &json!(max), why));
    }
    let target = &spec["scaleTargetRef"];
    for name in ["kind", "name"] {
        if text(target, name).is_empty() {
            causes.push(Cause::required(format!("spec.scaleTargetRef.{name}"), ""));
        }
    }
    let api_version = text(target, "apiVersion");
    let is_core = api_version == "v1" && text(target, "kind") == "ReplicationController";
    if !api_version.contains('/') && !is_core {
        let why = "apiVersion must specify API group";
        causes.push(Cause::invalid("spec.scaleTargetRef.apiVersion", &json!(api_version), why));
    }
}

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
}

pub(super) fn binding(object: &Value, namespaced: bool, causes: &mut Vec<Cause>) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let role = &object["roleRef"];
    if text(role, "apiGroup") != GROUP {
        causes.push(Cause::not_supported("roleRef.apiGroup", &json!(text(role, "apiGroup")), &[GROUP]));
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    one_of(role, "kind", "roleRef", kinds, causes);
    let name = text(role, "name");
    if name.is_empty() {
        causes.push(Cause::required("roleRef.name", ""));
    } else {
        let why = names::path_segment(name);
        causes.extend(why.iter().map(|why| Cause::invalid("roleRef.name", &role["name"], why)));
    }
    for (position, subject) in items(&object["subjects"]).enumerate() {
        let at = format!("subjects[{position}]");
        if text(subject, "name").is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        match text(subject, "kind") {
            "ServiceAccount" => {
                let name = text(subject, "name");
                if !name.is_empty() {
                    let why = names::subdomain(name);
                    causes.extend(
                        why.iter().map(|why| Cause::invalid(format!("{at}.name"), &subject["name"], why)),
                    );
                }
                if !text(subject, "apiGroup").is_empty() {
                    causes.push(Cause::not_supported(format!("{at}.apiGroup"), &subject["apiGroup"], &[""]));
                }
                if !namespaced && text(subject, "namespace").is_empty() {
                    causes.push(Cause::required(format!("{at}.namespace"), ""));
                }
            }
            "User" | "Group" => {
                if text(subject, "apiGroup") != GROUP {
                    causes.push(Cause::not_supported(
                        format!("{at}.apiGroup"),
                        &subject["apiGroup"],
                        &[GROUP],
                    ));
                }
            }
            _ => one_of(subject, "kind", &at, &["ServiceAccount", "User", "Group"], causes),
        }
    }
}

pub(super) fn update_binding(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    if new["roleRef"] != old["roleRef"] {
        let role = &new["roleRef"];
        let shown = json!({"APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]});
        causes.push(Cause::invalid("roleRef", &shown, "cannot change roleRef"));
    }
}

pub(super) fn lease(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
        causes.push(Cause::invalid(
            "spec.leaseDurationSeconds",
            &spec["leaseDurationSeconds"],
            "must be greater than 0",
        ));
    }
    non_negative(spec, "leaseTransitions", "spec", causes);
}

pub(super) fn endpoint_slice(object: &Value, causes: &mut Vec<Cause>) {
    match text(object, "addressType") {
        "" => causes.push(Cause::required("addressType", "")),
        _ => one_of(object, "addressType", "", &["FQDN", "IPv4", "IPv6"], causes),
    }
    for (position, endpoint) in items(&object["endpoints"]).enumerate() {
        if items(&endpoint["addresses"]).next().is_none() {
            let why = "must contain at least 1 address";
            causes.push(Cause::required(format!("endpoints[{position}].addresses"), why));
        }
    }
    for (position, port) in items(&object["ports"]).enumerate() {
        if let Some(number) = port["port"].as_i64() {
            port_number(number, &format!("ports[{position}].port"), causes);
        }
    }
}

pub(super) fn event(object: &Value, is_core: bool, causes: &mut Vec<Cause>) {
    let involved = if is_core { "involvedObject" } else { "regarding" };
    let namespace = text(&object[involved], "namespace");
    let own = text(&object["metadata"], "namespace");
    if !is_core {
        if object["eventTime"].is_null() {
            causes.push(Cause::required("eventTime", ""));
            if !matches!(text(object, "type"), "Normal" | "Warning") {
                let given = text(object, "type");
                causes.push(Cause::invalid("type", &json!(given), &format!("has invalid value: {given}")));
            }
            return;
        }
        for (name, limit) in
            [("reportingController", 0), ("reportingInstance", 128), ("action", 128), ("reason", 128)]
        {
            if text(object, name).is_empty() {
                causes.push(Cause::required(name, ""));
            } else if limit > 0 && text(object, name).len() > limit {
                causes.push(Cause::invalid(
                    name,
                    &json!(""),
                    &format!("can have at most {limit} characters"),
                ));
            }
        }
        if !matches!(text(object, "type"), "Normal" | "Warning") {
            let given = text(object, "type");
            causes.push(Cause::invalid("type", &json!(given), &format!("has invalid value: {given}")));
        }
    }
    if namespace.is_empty() {
        if !matches!(own, "" | "default" | "kube-system") {
            causes.push(Cause::invalid(
                format!("{involved}.namespace"),
                &json!(namespace),
                "does not match event.namespace",
            ));
        }
    } else if namespace != own {
        causes.push(Cause::invalid(
            format!("{involved}.namespace"),
            &json!(namespace),
            "does not match event.namespace",
        ));
    }
}

pub(super) fn quota(object: &Value, causes: &mut Vec<Cause>) {
    for (name, value) in object["spec"]["hard"].as_object().into_iter().flatten() {
        let field = format!("spec.hard[{name}]");
        let standard = matches!(
            name.as_str(),
            "cpu"
                | "memory"
                | "ephemeral-storage"
                | "requests.cpu"
                | "requests.memory"
                | "requests.storage"
                | "requests.ephemeral-storage"
                | "limits.cpu"
                | "limits.memory"
                | "limits.ephemeral-storage"
                | "pods"
                | "resourcequotas"
                | "services"
                | "replicationcontrollers"
                | "secrets"
                | "persistentvolumeclaims"
                | "configmaps"
                | "services.nodeports"
                | "services.loadbalancers"
        );
        if !standard && !name.contains('/') {
            let why = "must be a standard resource type or fully qualified";
            causes.push(Cause::invalid(field.clone(), &json!(name), why));
            let why = "must be a standard resource for quota";
            causes.push(Cause::invalid(field.clone(), &json!(name), why));
        }
        if value
            .as_str()
            .and_then(Quantity::parse)
            .is_some_and(|quantity| !quantity.is_whole() && name == "pods")
        {
            causes.push(Cause::invalid(field, value, "must be an integer"));
        }
    }
}

pub(super) fn storage_class(object: &Value, causes: &mut Vec<Cause>) {
    if text(object, "provisioner").is_empty() {
        causes.push(Cause::required("provisioner", ""));
    }
    one_of(object, "reclaimPolicy", "", &["Delete", "Retain"], causes);
    one_of(object, "volumeBindingMode", "", &["Immediate", "WaitForFirstConsumer"], causes);
}

pub(super) fn update_storage_class(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
        if new[field] != old[field] {
            causes.push(Cause::forbidden(field, &format!("updates to {field} are forbidden.")));
        }
    }
}

pub(super) fn update_priority_class(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    if new["value"] != old["value"] {
        causes.push(Cause::forbidden("value", "may not be changed in an update."));
    }
    immutable(&new["preemptionPolicy"], &old["preemptionPolicy"], "preemptionPolicy", causes);
}

pub(super) fn disruption_budget(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if has(spec, "minAvailable") && has(spec, "maxUnavailable") {
        let why = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", &Value::Null, why));
    }
    for name in ["minAvailable", "maxUnavailable"] {
        super::workloads::int_or_percent(&spec[name], &format!("spec.{name}"), causes);
    }
    super::fields::selector(&spec["selector"], "spec.selector", causes);
}

pub(super) fn namespace_status(new: &Value, causes: &mut Vec<Cause>) {
    let deleting = new["metadata"]["deletionTimestamp"].is_string();
    let phase = &new["status"]["phase"];
    if !deleting && phase != "Active" {
        let why = "may only be 'Active' if `deletionTimestamp` is empty";
        causes.push(Cause::invalid("status.Phase", phase, why));
    }
    if deleting && phase != "Terminating" {
        let why = "may only be 'Terminating' if `deletionTimestamp` is not empty";
        causes.push(Cause::invalid("status.Phase", phase, why));
    }
}
