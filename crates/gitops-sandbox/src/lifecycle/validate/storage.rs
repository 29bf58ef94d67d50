//! The rules of drivers of storage, and of what they attach.

use serde_json::{Value, json};

use super::super::names;
use super::claims::class_name;
use super::fields::{
    child, each, has, immutable, items, looks, needed, non_negative, non_negative_amount, one_of_if_any, text,
};
use super::pods;
use crate::wire::status::Cause;

const TEN_MINUTES: i64 = 600;

/// Checks a driver.
pub(super) fn driver(object: &Value, causes: &mut Vec<Cause>) {
    const LONGEST: i64 = 1 << 32;
    let (spec, path) = (&object["spec"], "spec");
    let field = |name: &str| child(path, name);
    // The server's own spelling.
    for (name, told) in [
        ("attachRequired", "attachedRequired"),
        ("podInfoOnMount", "podInfoOnMount"),
        ("storageCapacity", "storageCapacity"),
    ] {
        if !has(spec, name) {
            causes.push(Cause::required(field(told), ""));
        }
    }
    one_of_if_any(spec, "fsGroupPolicy", path, &["File", "None", "ReadWriteOnceWithFSType"], causes);
    let mut known: Vec<&str> = Vec::new();
    for (at, token) in each(&spec["tokenRequests"], "spec.tokenRequests") {
        let audience = text(token, "audience");
        if known.contains(&audience) {
            causes.push(Cause::duplicate(child(&at, "audience"), &json!(audience)));
            continue;
        }
        known.push(audience);
        let (seconds, field) = (&token["expirationSeconds"], child(&at, "expirationSeconds"));
        if seconds.as_i64().is_some_and(|seconds| seconds < TEN_MINUTES) {
            let why = "may not specify a duration less than 10 minutes";
            causes.push(Cause::invalid(field, seconds, why));
        } else if seconds.as_i64().is_some_and(|seconds| seconds > LONGEST) {
            let why = "may not specify a duration larger than 2^32 seconds";
            causes.push(Cause::invalid(field, seconds, why));
        }
    }
    for mode in items(&spec["volumeLifecycleModes"]) {
        let known = ["Persistent", "Ephemeral"];
        if !known.contains(&mode.as_str().unwrap_or_default()) {
            causes.push(Cause::not_supported(field("volumeLifecycleModes"), mode, &known));
        }
    }
    let name = "nodeAllocatableUpdatePeriodSeconds";
    if spec[name].as_i64().is_some_and(|seconds| seconds < 10) {
        let why = "must be greater than or equal to 10 seconds";
        causes.push(Cause::invalid(field(name), &spec[name], why));
    }
    let name = "serviceAccountTokenInSecrets";
    if has(spec, name) && known.is_empty() {
        let why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        causes.push(Cause::invalid(field(name), &spec[name], why));
    }
}

/// Checks the drivers of a node.
pub(super) fn node(object: &Value, causes: &mut Vec<Cause>) {
    const LONGEST: usize = 256;
    let mut known: Vec<&str> = Vec::new();
    for (at, driver) in each(&object["spec"]["drivers"], "spec.drivers") {
        pods::csi_driver_name(driver, "name", &at, causes);
        let id = text(driver, "nodeID");
        needed(driver, "nodeID", &at, causes);
        if id.len() > LONGEST {
            let why = format!("must be {LONGEST} characters or less");
            causes.push(Cause::invalid(child(&at, "nodeID"), &json!(id), &why));
        }
        non_negative(&driver["allocatable"], "count", &child(&at, "allocatable"), causes);
        let name = text(driver, "name");
        if known.contains(&name) {
            causes.push(Cause::duplicate(child(&at, "name"), &json!(name)));
        }
        known.push(name);
        let mut keys: Vec<&Value> = Vec::new();
        for key in items(&driver["topologyKeys"]) {
            if key == "" {
                causes.push(Cause::required(at.clone(), ""));
            }
            if keys.contains(&key) {
                causes.push(Cause::duplicate(at.clone(), key));
            }
            keys.push(key);
            looks(key, &at, names::qualified_name, causes);
        }
    }
}

/// Checks changed drivers of a node against what they were.
pub(super) fn update_node(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let rest = |driver: &Value| {
        let mut driver = driver.clone();
        if let Some(map) = driver.as_object_mut() {
            map.remove("allocatable");
        }
        driver
    };
    for was in items(&old["spec"]["drivers"]) {
        for now in items(&new["spec"]["drivers"]).filter(|now| now["name"] == was["name"]) {
            let shown = json!({
                "Name": now["name"], "NodeID": now["nodeID"], "TopologyKeys": now["topologyKeys"],
                "Allocatable": null,
            });
            if rest(now) != rest(was) {
                causes.push(Cause::invalid("spec.drivers", &shown, "field is immutable"));
            }
        }
    }
}

/// Checks an attachment of a volume.
pub(super) fn attachment(object: &Value, causes: &mut Vec<Cause>) {
    const ONE: &str = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    let (spec, path) = (&object["spec"], "spec.source");
    needed(spec, "attacher", "spec", causes);
    let source = &spec["source"];
    match (has(source, "inlineVolumeSpec"), has(source, "persistentVolumeName")) {
        (false, false) => causes.push(Cause::required(path, ONE)),
        (true, true) => causes.push(Cause::forbidden(path, ONE)),
        (false, true) if text(source, "persistentVolumeName").is_empty() => {
            let why = "must specify non empty persistentVolumeName";
            causes.push(Cause::required("spec.source.persistentVolumeName", why));
        }
        _ => {}
    }
    looks(&json!(text(spec, "nodeName")), "spec.nodeName", names::subdomain, causes);
    let field = "spec.source.persistentVolumeName";
    looks(&source["persistentVolumeName"], field, names::subdomain, causes);
}

/// Checks the driver of a new attachment.
pub(super) fn new_attachment(object: &Value, causes: &mut Vec<Cause>) {
    pods::csi_driver_name(&object["spec"], "attacher", "spec", causes);
}

/// Checks what there is room for.
pub(super) fn room(object: &Value, causes: &mut Vec<Cause>) {
    super::fields::selector(&object["nodeTopology"], "nodeTopology", causes);
    class_name(&object["storageClassName"], "storageClassName", causes);
    non_negative_amount(&object["capacity"], "capacity", causes);
}

/// Checks changed room against what it was.
pub(super) fn update_room(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    immutable(&new["nodeTopology"], &old["nodeTopology"], "nodeTopology", causes);
    immutable(&new["storageClassName"], &old["storageClassName"], "storageClassName", causes);
}

/// Checks a changed driver against what it was.
pub(super) fn update_driver(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (now, was) = (&new["spec"], &old["spec"]);
    // The server's own spelling.
    immutable(&now["attachRequired"], &was["attachRequired"], "spec.attachedRequired", causes);
    let name = "volumeLifecycleModes";
    immutable(&now[name], &was[name], "spec.volumeLifecycleModes", causes);
}
