//! The rules of PersistentVolumes.

use serde_json::{Value, json};

use super::super::names;
use super::claims::access_modes;
use super::fields::{
    child, has, immutable, items, looks, looks_if_any, needed, needed_as, one_of, one_of_if_any, quantity,
    text,
};
use super::pods;
use crate::wire::status::Cause;

/// All sources, in the order in which they are checked.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

/// Checks a volume.
pub(super) fn volume(object: &Value, causes: &mut Vec<Cause>) {
    let (spec, path) = (&object["spec"], "spec");
    if items(&spec["accessModes"]).next().is_none() {
        causes.push(Cause::required("spec.accessModes", ""));
    }
    access_modes(spec, path, causes);
    capacity(spec, path, causes);
    if !text(spec, "persistentVolumeReclaimPolicy").is_empty() {
        one_of(spec, "persistentVolumeReclaimPolicy", path, &["Delete", "Recycle", "Retain"], causes);
    }
    let placed = has(spec, "nodeAffinity");
    if placed {
        if has(&spec["nodeAffinity"], "required") {
            pods::node_selector(&spec["nodeAffinity"]["required"], "spec.nodeAffinity.required", causes);
        } else {
            let why = "must specify required node constraints";
            causes.push(Cause::required("spec.nodeAffinity.required", why));
        }
    }
    sources(object, placed, causes);
    let root = spec["hostPath"]["path"].as_str().is_some_and(is_root);
    if root && spec["persistentVolumeReclaimPolicy"] == "Recycle" {
        let why = "may not be 'recycle' for a hostPath mount of '/'";
        causes.push(Cause::forbidden("spec.persistentVolumeReclaimPolicy", why));
    }
    looks_if_any(spec, "storageClassName", path, names::subdomain, causes);
    one_of_if_any(spec, "volumeMode", path, &["Block", "Filesystem"], causes);
    if has(spec, "volumeAttributesClassName") {
        if text(spec, "volumeAttributesClassName").is_empty() {
            let why = "an empty string is disallowed";
            causes.push(Cause::required("spec.volumeAttributesClassName", why));
        } else {
            let field = "spec.volumeAttributesClassName";
            looks(&spec["volumeAttributesClassName"], field, names::subdomain, causes);
        }
        if !has(spec, "csi") {
            let why = "has to be specified when using volumeAttributesClassName";
            causes.push(Cause::required("spec.csi", why));
        }
    }
}

/// Whether a path leads to the root of the file system.
fn is_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    path.starts_with('/') && depth == 0
}

fn capacity(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let field = child(path, "capacity");
    let amounts: Vec<(&String, &Value)> = spec["capacity"].as_object().into_iter().flatten().collect();
    if amounts.is_empty() {
        causes.push(Cause::required(field.clone(), ""));
    }
    if amounts.len() != 1 || amounts[0].0 != "storage" {
        causes.push(Cause::not_supported(field.clone(), &spec["capacity"], &["storage"]));
    }
    for (name, amount) in amounts {
        let Some(given) = quantity(amount) else { continue };
        let field = format!("{field}[{name}]");
        if given.is_negative() {
            let whole = i64::try_from(given.nano() / 1_000_000_000).unwrap_or(i64::MIN);
            causes.push(Cause::invalid(field.clone(), &json!(whole), "must be a valid resource quantity"));
        }
        if given.is_negative() || given.is_zero() {
            causes.push(Cause::invalid(field, amount, "must be greater than zero"));
        }
    }
}

fn sources(object: &Value, placed: bool, causes: &mut Vec<Cause>) {
    let (spec, name) = (&object["spec"], text(&object["metadata"], "name"));
    let mut found = 0;
    for source in SOURCES.into_iter().filter(|source| has(spec, source)) {
        found += 1;
        // The server's own spelling; a flexible volume beside another is not told of.
        let field = if source == "cephfs" { "cephFS" } else { source };
        if found > 1 && source != "flexVolume" {
            let why = "may not specify more than 1 volume type";
            causes.push(Cause::forbidden(format!("spec.{field}"), why));
            continue;
        }
        let of = &spec[source];
        match source {
            "csi" => csi(of, "spec.csi", causes),
            "gcePersistentDisk" => {
                pods::legacy_source(source, of, "spec.persistentDisk", Some(name), causes);
            }
            _ => pods::legacy_source(source, of, &format!("spec.{source}"), Some(name), causes),
        }
        if source == "local" && !placed {
            let why = "Local volume requires node affinity";
            causes.push(Cause::required("spec.nodeAffinity", why));
        }
    }
    if found == 0 {
        causes.push(Cause::required("spec", "must specify a volume type"));
    }
}

fn csi(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    pods::csi_driver_name(of, "driver", path, causes);
    needed(of, "volumeHandle", path, causes);
    for name in [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ] {
        if has(of, name) {
            let at = child(path, name);
            needed_as(&of[name], "name", &at, names::subdomain, causes);
            needed_as(&of[name], "namespace", &at, names::label_1123, causes);
        }
    }
}

/// Checks a changed volume against what it was.
pub(super) fn update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (now, was) = (&new["spec"], &old["spec"]);
    let expandable = has(was, "csi") && !has(&was["csi"], "controllerExpandSecretRef");
    let source = |spec: &Value| -> Vec<Value> {
        let of = |name: &&str| {
            let mut source = spec[*name].clone();
            if expandable && let Some(map) = source.as_object_mut() {
                map.remove("controllerExpandSecretRef");
            }
            source
        };
        SOURCES.iter().map(of).collect()
    };
    if source(now) != source(was) {
        let why = "spec.persistentvolumesource is immutable after creation";
        causes.push(Cause::forbidden("spec.persistentvolumesource", why));
    }
    immutable(&now["volumeMode"], &was["volumeMode"], "volumeMode", causes);
    if has(was, "nodeAffinity") && now["nodeAffinity"] != was["nodeAffinity"] && !only_renamed(now, was) {
        let why = "field is immutable, except for updating from beta label to GA";
        causes.push(Cause::invalid("nodeAffinity", &now["nodeAffinity"], why));
    }
    let class = "volumeAttributesClassName";
    if has(was, class) && !has(now, class) {
        let why = "update from non-nil value to nil is forbidden";
        causes.push(Cause::forbidden(format!("spec.{class}"), why));
    }
}

/// Whether two affinities differ only in labels that have other names now.
fn only_renamed(now: &Value, was: &Value) -> bool {
    const NAMES: [(&str, &str); 5] = [
        ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
        ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
        ("beta.kubernetes.io/os", "kubernetes.io/os"),
        ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
        ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
    ];
    let mut known = was["nodeAffinity"].clone();
    let terms = |of: &Value| of["required"]["nodeSelectorTerms"].clone();
    let given = terms(&now["nodeAffinity"]);
    let list = known.pointer_mut("/required/nodeSelectorTerms").and_then(Value::as_array_mut);
    for (position, term) in list.into_iter().flatten().enumerate() {
        let wanted = term.get_mut("matchExpressions").and_then(Value::as_array_mut);
        for (place, wanted) in wanted.into_iter().flatten().enumerate() {
            let now = &given[position]["matchExpressions"][place]["key"];
            let renamed = NAMES.iter().any(|(old, new)| wanted["key"] == *old && *now == *new);
            if renamed {
                wanted["key"] = now.clone();
            }
        }
    }
    now["nodeAffinity"] == known
}

/// Remarks about volumes that are on their way out.
pub(super) fn warnings(object: &Value, warnings: &mut Vec<String>) {
    const GONE: [(&str, &str); 6] = [
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ];
    let spec = &object["spec"];
    if spec["persistentVolumeReclaimPolicy"] == "Recycle" {
        let why = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
        warnings.push(format!("spec.persistentVolumeReclaimPolicy: {why}"));
    }
    for (source, why) in GONE.iter().filter(|(source, _)| has(spec, source)) {
        // The server's own spelling.
        let field = if *source == "storageos" { "storageOS" } else { source };
        warnings.push(format!("spec.{field}: {why}"));
    }
}
