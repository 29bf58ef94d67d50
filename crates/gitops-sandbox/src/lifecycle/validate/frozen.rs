//! Fields that never change once they are set, of kinds that have few other rules.

use serde_json::Value;

use super::fields::immutable;
use crate::schema::Kind;
use crate::wire::status::Cause;

/// Where a field stands, and how the server names it.
type Field = (&'static str, &'static str);

/// Returns the fields of a kind that may not change.
fn of(kind: &Kind) -> &'static [Field] {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("node.k8s.io", "RuntimeClass") => &[("/handler", "handler")],
        ("networking.k8s.io", "IngressClass") => &[("/spec/controller", "spec.controller")],
        ("storage.k8s.io", "CSIDriver") => &[
            // The server's own spelling.
            ("/spec/attachRequired", "spec.attachedRequired"),
            ("/spec/volumeLifecycleModes", "spec.volumeLifecycleModes"),
        ],
        ("storage.k8s.io", "CSIStorageCapacity") => {
            &[("/nodeTopology", "nodeTopology"), ("/storageClassName", "storageClassName")]
        }
        ("storage.k8s.io", "VolumeAttachment") => &[("/spec", "spec")],
        _ => &[],
    }
}

pub(super) fn fields(kind: &Kind, new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    const NOTHING: Value = Value::Null;
    for (place, name) in of(kind) {
        let (now, was) = (new.pointer(place), old.pointer(place));
        immutable(now.unwrap_or(&NOTHING), was.unwrap_or(&NOTHING), name, causes);
    }
}

/// A node gets its addresses and its provider once.
pub(super) fn node(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (now, was) = (&new["spec"], &old["spec"]);
    let given = |value: &Value| value.as_array().is_some_and(|items| !items.is_empty());
    if given(&was["podCIDRs"]) && now["podCIDRs"] != was["podCIDRs"] {
        let why = "node updates may not change podCIDR except from \"\" to valid";
        causes.push(Cause::forbidden("spec.podCIDRs", why));
    }
    if !was["providerID"].as_str().unwrap_or_default().is_empty() && now["providerID"] != was["providerID"] {
        let why = "node updates may not change providerID except from \"\" to valid";
        causes.push(Cause::forbidden("spec.providerID", why));
    }
    if now["externalID"] != was["externalID"] {
        causes.push(Cause::forbidden("spec.externalID", "may not be updated"));
    }
}
