//! Defaults of pods and of templates for them (`pkg/apis/core/v1/defaults.go` of Kubernetes).

use serde_json::{Value, json};

use super::{fill, fill_map};
use gitops_expr::Quantity;

/// Adds the defaults of a pod's spec, in a pod or a template.
pub(super) fn spec(spec: &mut Value) {
    let Some(map) = spec.as_object_mut() else { return };
    fill_map(map, "dnsPolicy", json!("ClusterFirst"));
    fill_map(map, "restartPolicy", json!("Always"));
    fill_map(map, "securityContext", json!({}));
    fill_map(map, "terminationGracePeriodSeconds", json!(30));
    fill_map(map, "schedulerName", json!("default-scheduler"));
    // Two names for one account.
    let account = map.get("serviceAccountName").or_else(|| map.get("serviceAccount")).cloned();
    if let Some(account) = account {
        map.insert("serviceAccountName".to_owned(), account.clone());
        map.insert("serviceAccount".to_owned(), account);
    }
    whole_thousandths(map.get_mut("overhead"));
    let host_network = map.get("hostNetwork") == Some(&json!(true));
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for item in items(map.get_mut(list)) {
            container(item, host_network && list != "ephemeralContainers");
        }
    }
    for item in items(map.get_mut("volumes")) {
        volume(item);
    }
}

/// Adds what only pods have, not templates.
pub(super) fn pod(spec: &mut Value) {
    fill(spec, "enableServiceLinks", json!(true));
    for list in ["containers", "initContainers"] {
        for item in items(spec.get_mut(list)) {
            let limits = item["resources"]["limits"].clone();
            for (name, limit) in limits.as_object().into_iter().flatten() {
                if item["resources"]["requests"][name.as_str()].is_null() {
                    item["resources"]["requests"][name.as_str()] = limit.clone();
                }
            }
        }
    }
}

pub(super) fn items(list: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

/// Rounds amounts of resources up to thousandths.
fn whole_thousandths(amounts: Option<&mut Value>) {
    for amount in amounts.and_then(Value::as_object_mut).into_iter().flat_map(|amounts| amounts.values_mut())
    {
        let read = amount.as_str().and_then(Quantity::parse);
        if let Some(quantity) = read {
            *amount = json!(quantity.in_thousandths().canonical());
        }
    }
}

fn container(container: &mut Value, host_network: bool) {
    let image = container["image"].as_str().unwrap_or_default();
    let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
    fill(container, "imagePullPolicy", json!(policy));
    fill(container, "terminationMessagePath", json!("/dev/termination-log"));
    fill(container, "terminationMessagePolicy", json!("File"));
    for port in items(container.get_mut("ports")) {
        fill(port, "protocol", json!("TCP"));
        if host_network && port["hostPort"].as_i64().unwrap_or(0) == 0 {
            port["hostPort"] = port["containerPort"].clone();
        }
    }
    for variable in items(container.get_mut("env")) {
        reference(&mut variable["valueFrom"]);
        if variable["valueFrom"].is_null()
            && let Some(map) = variable.as_object_mut()
        {
            map.remove("valueFrom");
        }
    }
    for list in ["limits", "requests"] {
        whole_thousandths(container["resources"].get_mut(list));
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container[name].is_object() {
            probe(&mut container[name]);
        } else if let Some(map) = container.as_object_mut() {
            map.remove(name);
        }
    }
    for hook in ["postStart", "preStop"] {
        if container["lifecycle"][hook]["httpGet"].is_object() {
            http_get(&mut container["lifecycle"][hook]["httpGet"]);
        }
    }
    if let Some(map) = container.as_object_mut()
        && map.get("lifecycle").is_some_and(Value::is_null)
    {
        map.remove("lifecycle");
    }
}

/// Tells whether an image's tag may move: it is `latest`, or none and no digest.
fn is_latest(image: &str) -> bool {
    // What is no reference at all has no tag that could move.
    if image.is_empty()
        || image.contains(char::is_whitespace)
        || image.chars().any(char::is_uppercase) && !image.contains('/') && !image.contains(':')
    {
        return false;
    }
    let (name, digest) = image.split_once('@').map_or((image, ""), |(name, digest)| (name, digest));
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => digest.is_empty(),
    }
}

/// A part of a downward API: `fieldRef` or `resourceFieldRef`.
fn reference(from: &mut Value) {
    if from["fieldRef"].is_object() {
        fill(&mut from["fieldRef"], "apiVersion", json!("v1"));
    }
    if from["resourceFieldRef"].is_object() {
        fill(&mut from["resourceFieldRef"], "divisor", json!("0"));
    }
    clean(from, &["fieldRef", "resourceFieldRef"]);
}

/// Takes out what reading by index has put in.
fn clean(value: &mut Value, names: &[&str]) {
    if let Some(map) = value.as_object_mut() {
        for name in names {
            if map.get(*name).is_some_and(Value::is_null) {
                map.remove(*name);
            }
        }
    }
}

fn probe(probe: &mut Value) {
    fill(probe, "timeoutSeconds", json!(1));
    fill(probe, "periodSeconds", json!(10));
    fill(probe, "successThreshold", json!(1));
    fill(probe, "failureThreshold", json!(3));
    if probe.get("httpGet").is_some_and(Value::is_object) {
        http_get(&mut probe["httpGet"]);
    }
    if probe.get("grpc").is_some_and(Value::is_object) {
        fill(&mut probe["grpc"], "service", json!(""));
    }
}

fn http_get(action: &mut Value) {
    fill(action, "path", json!("/"));
    fill(action, "scheme", json!("HTTP"));
}

fn volume(volume: &mut Value) {
    let Some(map) = volume.as_object_mut() else { return };
    if map.keys().all(|name| name == "name") {
        map.insert("emptyDir".to_owned(), json!({}));
    }
    for name in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = map.get_mut(name).filter(|source| source.is_object()) {
            fill(source, "defaultMode", json!(420));
        }
    }
    if let Some(path) = map.get_mut("hostPath").filter(|path| path.is_object())
        && let Some(path) = path.as_object_mut()
    {
        path.entry("type").or_insert_with(|| json!(""));
    }
    for item in items(map.get_mut("downwardAPI").and_then(|source| source.get_mut("items"))) {
        reference(item);
    }
    for source in items(map.get_mut("projected").and_then(|projected| projected.get_mut("sources"))) {
        if let Some(token) = source.get_mut("serviceAccountToken").filter(|token| token.is_object()) {
            fill(token, "expirationSeconds", json!(3600));
        }
        for item in items(source.get_mut("downwardAPI").and_then(|source| source.get_mut("items"))) {
            reference(item);
        }
    }
    if let Some(image) = map.get_mut("image").filter(|image| image.is_object()) {
        let of = image["reference"].as_str().unwrap_or_default();
        let policy = if is_latest(of) { "Always" } else { "IfNotPresent" };
        fill(image, "pullPolicy", json!(policy));
    }
    if let Some(claim) = map.get_mut("ephemeral").and_then(|source| source.get_mut("volumeClaimTemplate")) {
        fill(&mut claim["spec"], "volumeMode", json!("Filesystem"));
    }
    volume_source(volume);
}

/// Where a volume comes from, of pods and of volumes by themselves.
pub(super) fn volume_source(volume: &mut Value) {
    let Some(map) = volume.as_object_mut() else { return };
    for (name, field, value) in [
        ("iscsi", "iscsiInterface", "default"),
        ("rbd", "pool", "rbd"),
        ("rbd", "user", "admin"),
        ("rbd", "keyring", "/etc/ceph/keyring"),
        ("azureDisk", "cachingMode", "ReadWrite"),
        ("azureDisk", "fsType", "ext4"),
        ("azureDisk", "kind", "Shared"),
        ("scaleIO", "storageMode", "ThinProvisioned"),
        ("scaleIO", "fsType", "xfs"),
    ] {
        if let Some(source) = map.get_mut(name).filter(|source| source.is_object()) {
            fill(source, field, json!(value));
        }
    }
}

/// A pod ends at once, but never before its time.
pub(super) fn settle(spec: &mut Value) {
    let name = "terminationGracePeriodSeconds";
    if spec[name].as_i64().is_some_and(|seconds| seconds < 0) {
        spec[name] = json!(1);
    }
    without_signals(spec);
}

/// Signals that containers choose are switched off.
pub(super) fn without_signals(spec: &mut Value) {
    for list in ["containers", "initContainers"] {
        for container in items(spec.get_mut(list)).filter_map(Value::as_object_mut) {
            let Some(hooks) = container.get_mut("lifecycle").and_then(Value::as_object_mut) else { continue };
            if hooks.remove("stopSignal").is_some() && hooks.is_empty() {
                container.remove("lifecycle");
            }
        }
    }
}

/// A pod that is held back says so.
pub(super) fn gated(pod: &mut Value) {
    let held = pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty());
    if held {
        let since = pod["metadata"]["creationTimestamp"].clone();
        pod["status"]["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null, "lastTransitionTime": since,
        }]);
    }
}

/// Returns the class of a pod: whether its resources are guaranteed, limited, or neither.
pub(super) fn quality(spec: &Value) -> &'static str {
    // What the pod as a whole asks for counts for all.
    if spec["resources"].is_object() {
        return quality(&json!({"containers": [{"resources": spec["resources"]}]}));
    }
    let lists = ["containers", "initContainers"];
    let containers = || lists.iter().flat_map(|list| spec[*list].as_array().into_iter().flatten());
    let amounts = |container: &Value, list: &str| {
        ["cpu", "memory"]
            .map(|name| container["resources"][list][name].as_str().unwrap_or_default().to_owned())
    };
    let any = containers().any(|container| {
        ["limits", "requests"]
            .iter()
            .any(|list| amounts(container, list).iter().any(|amount| !amount.is_empty()))
    });
    let guaranteed = containers().all(|container| {
        let (limits, requests) = (amounts(container, "limits"), amounts(container, "requests"));
        limits == requests && limits.iter().all(|amount| !amount.is_empty())
    });
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
