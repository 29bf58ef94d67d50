//! Defaults of the other kinds.

use base64::Engine as _;
use serde_json::{Value, json};

use super::fill;
use super::pods::items;

pub(super) fn service(spec: &mut Value) {
    fill(spec, "sessionAffinity", json!("None"));
    if spec["sessionAffinity"] == "None" {
        super::clean(spec, "sessionAffinityConfig");
        if let Some(map) = spec.as_object_mut() {
            map.remove("sessionAffinityConfig");
        }
    }
    if spec["sessionAffinity"] == "ClientIP" {
        let seconds = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].as_i64();
        if seconds.is_none() {
            spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": 10800}});
        }
    }
    fill(spec, "type", json!("ClusterIP"));
    for port in items(spec.get_mut("ports")) {
        fill(port, "protocol", json!("TCP"));
        if matches!(&port["targetPort"], Value::Null) || port["targetPort"] == 0 || port["targetPort"] == "" {
            port["targetPort"] = port["port"].clone();
        }
    }
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer")
        || (kind == "ClusterIP" && spec["externalIPs"].as_array().is_some_and(|ips| !ips.is_empty()))
    {
        fill(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        fill(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if kind == "LoadBalancer"
        && let Some(map) = spec.as_object_mut()
    {
        map.entry("allocateLoadBalancerNodePorts").or_insert(json!(true));
    }
    super::clean(spec, "externalIPs");
    super::clean(spec, "sessionAffinityConfig");
}

pub(super) fn secret(object: &mut Value) {
    if let Some(texts) = object.as_object_mut().and_then(|map| map.remove("stringData"))
        && let Some(texts) = texts.as_object()
        && !texts.is_empty()
    {
        if !object.get("data").is_some_and(Value::is_object) {
            object["data"] = json!({});
        }
        for (name, text) in texts {
            let text = text.as_str().unwrap_or_default();
            object["data"][name.as_str()] = json!(base64::engine::general_purpose::STANDARD.encode(text));
        }
    }
    fill(object, "type", json!("Opaque"));
}

pub(super) fn claim(spec: &mut Value) {
    fill(spec, "volumeMode", json!("Filesystem"));
}

pub(super) fn volume(spec: &mut Value) {
    fill(spec, "persistentVolumeReclaimPolicy", json!("Retain"));
    fill(spec, "volumeMode", json!("Filesystem"));
    if let Some(path) = spec.get_mut("hostPath").and_then(Value::as_object_mut) {
        path.entry("type").or_insert_with(|| json!(""));
    }
    super::pods::volume_source(spec);
}

pub(super) fn csi_driver(spec: &mut Value) {
    fill(spec, "attachRequired", json!(true));
    fill(spec, "podInfoOnMount", json!(false));
    fill(spec, "storageCapacity", json!(false));
    fill(spec, "fsGroupPolicy", json!("ReadWriteOnceWithFSType"));
    fill(spec, "volumeLifecycleModes", json!(["Persistent"]));
    fill(spec, "requiresRepublish", json!(false));
    fill(spec, "seLinuxMount", json!(false));
}

/// What of a policy says on which objects it is tried.
fn match_resources(of: &mut Value) {
    fill(of, "matchPolicy", json!("Equivalent"));
    fill(of, "namespaceSelector", json!({}));
    fill(of, "objectSelector", json!({}));
    for name in ["resourceRules", "excludeResourceRules"] {
        for rule in items(of.get_mut(name)) {
            fill(rule, "scope", json!("*"));
        }
    }
}

pub(super) fn admission_policy(spec: &mut Value) {
    fill(spec, "failurePolicy", json!("Fail"));
    if let Some(of) = spec.get_mut("matchConstraints").filter(|of| of.is_object()) {
        match_resources(of);
    }
}

pub(super) fn admission_binding(spec: &mut Value) {
    if let Some(of) = spec.get_mut("matchResources").filter(|of| of.is_object()) {
        match_resources(of);
    }
}

pub(super) fn node_spec(spec: &mut Value) {
    let cidr = spec["podCIDR"].clone();
    if cidr.as_str().is_some_and(|cidr| !cidr.is_empty()) {
        fill(spec, "podCIDRs", json!([cidr]));
    } else {
        super::clean(spec, "podCIDR");
    }
}

pub(super) fn endpoints(object: &mut Value) {
    for subset in items(object.get_mut("subsets")) {
        for port in items(subset.get_mut("ports")) {
            fill(port, "protocol", json!("TCP"));
        }
    }
}

pub(super) fn endpoint_slice(object: &mut Value) {
    for port in items(object.get_mut("ports")) {
        if let Some(map) = port.as_object_mut() {
            map.entry("name").or_insert_with(|| json!(""));
            map.entry("protocol").or_insert_with(|| json!("TCP"));
        }
    }
}

pub(super) fn network_policy(spec: &mut Value) {
    for (rules, _) in [("ingress", "from"), ("egress", "to")] {
        for rule in items(spec.get_mut(rules)) {
            for port in items(rule.get_mut("ports")) {
                fill(port, "protocol", json!("TCP"));
            }
        }
    }
    let mut types = vec!["Ingress"];
    if spec.get("egress").and_then(Value::as_array).is_some_and(|egress| !egress.is_empty()) {
        types.push("Egress");
    }
    fill(spec, "policyTypes", json!(types));
}

pub(super) fn binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    fill(&mut object["roleRef"], "apiGroup", json!(GROUP));
    for subject in items(object.get_mut("subjects")) {
        if matches!(subject["kind"].as_str(), Some("User" | "Group")) {
            fill(subject, "apiGroup", json!(GROUP));
        }
    }
}

pub(super) fn storage_class(object: &mut Value) {
    fill(object, "reclaimPolicy", json!("Delete"));
    fill(object, "volumeBindingMode", json!("Immediate"));
}

pub(super) fn autoscaler(version: &str, spec: &mut Value) {
    if let Some(map) = spec.as_object_mut() {
        map.entry("minReplicas").or_insert(json!(1));
    }
    if version == "v2" && spec["metrics"].as_array().is_none_or(Vec::is_empty) {
        spec["metrics"] = json!([{
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
        }]);
    }
    super::clean(spec, "metrics");
    if let Some(behavior) = spec.get_mut("behavior").filter(|behavior| behavior.is_object()) {
        let up = json!([
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ]);
        let down = json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]);
        for (name, window, policies) in [("scaleUp", Some(0), up), ("scaleDown", None, down)] {
            if !behavior.get(name).is_some_and(Value::is_object) {
                behavior[name] = json!({});
            }
            let rules = &mut behavior[name];
            fill(rules, "selectPolicy", json!("Max"));
            if let (Some(window), Some(map)) = (window, rules.as_object_mut()) {
                map.entry("stabilizationWindowSeconds").or_insert(json!(window));
            }
            // Whoever names none wants none.
            if let Some(map) = rules.as_object_mut() {
                map.entry("policies").or_insert(policies);
            }
        }
    }
}

pub(super) fn priority_class(object: &mut Value) {
    fill(object, "preemptionPolicy", json!("PreemptLowerPriority"));
}

pub(super) fn ingress_class(spec: &mut Value) {
    if let Some(parameters) = spec.get_mut("parameters").filter(|parameters| parameters.is_object()) {
        fill(parameters, "scope", json!("Cluster"));
    }
}

pub(super) fn limit_range(spec: &mut Value) {
    for item in items(spec.get_mut("limits")) {
        if item["type"] != "Container" {
            continue;
        }
        let part =
            |item: &Value, name: &str| item.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let (max, min) = (part(item, "max"), part(item, "min"));
        let mut default = part(item, "default");
        for (name, value) in &max {
            default.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let mut requests = part(item, "defaultRequest");
        for (name, value) in default.iter().chain(&min) {
            requests.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for (name, map) in [("default", default), ("defaultRequest", requests)] {
            if !map.is_empty() {
                item[name] = Value::Object(map);
            }
        }
    }
}

pub(super) fn node(object: &mut Value) {
    if let Some(capacity) = object["status"].get("capacity").cloned() {
        fill(&mut object["status"], "allocatable", capacity);
    }
}

pub(super) fn webhooks(object: &mut Value, mutating: bool) {
    for hook in items(object.get_mut("webhooks")) {
        fill(hook, "failurePolicy", json!("Fail"));
        fill(hook, "matchPolicy", json!("Equivalent"));
        for name in ["namespaceSelector", "objectSelector"] {
            if let Some(map) = hook.as_object_mut() {
                map.entry(name).or_insert_with(|| json!({}));
            }
        }
        if let Some(map) = hook.as_object_mut() {
            map.entry("timeoutSeconds").or_insert(json!(10));
        }
        if mutating {
            fill(hook, "reinvocationPolicy", json!("Never"));
        }
        if let Some(service) = hook["clientConfig"].get_mut("service").filter(|service| service.is_object()) {
            fill(service, "port", json!(443));
        }
        for rule in items(hook.get_mut("rules")) {
            fill(rule, "scope", json!("*"));
        }
    }
}

/// Candidates for leases are switched off, and so is what leases say of them.
pub(super) fn lease(spec: &mut Value) {
    if let Some(map) = spec.as_object_mut() {
        map.remove("strategy");
        map.remove("preferredHolder");
    }
}

/// Where endpoints are is said otherwise now.
pub(super) fn without_topology(object: &mut Value) {
    for endpoint in items(object.get_mut("endpoints")) {
        if let Some(map) = endpoint.as_object_mut() {
            map.remove("deprecatedTopology");
        }
    }
}

/// Says a claim's source under both of its names; only claims and snapshots are sources by the older one.
pub(super) fn claim_source(spec: &mut Value) {
    let known = |source: &Value| match source["kind"].as_str() {
        Some("PersistentVolumeClaim") => source["apiGroup"].as_str().unwrap_or_default().is_empty(),
        Some("VolumeSnapshot") => source["apiGroup"] == "snapshot.storage.k8s.io",
        _ => false,
    };
    if let Some(map) = spec.as_object_mut()
        && map.get("dataSource").is_some_and(|source| !known(source))
    {
        map.remove("dataSource");
    }
    // Sources in other namespaces are switched off.
    if let Some(map) = spec.as_object_mut()
        && map
            .get("dataSourceRef")
            .is_some_and(|source| source["namespace"].as_str().is_some_and(|of| !of.is_empty()))
    {
        map.remove("dataSourceRef");
    }
    for (from, to) in [("dataSource", "dataSourceRef"), ("dataSourceRef", "dataSource")] {
        if spec.get(from).is_some_and(Value::is_object) && spec.get(to).is_none() {
            let source = spec[from].clone();
            if to == "dataSource" && source.get("namespace").is_some() {
                continue;
            }
            spec[to] = source;
        }
    }
}
