//! The rules of Nodes and Namespaces.

use serde_json::{Value, json};

use super::fields::{each, items, text};
use super::pods::{self, BAD_RANGE};
use crate::wire::status::Cause;

/// Checks a new node.
pub(super) fn node(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    pods::taints(&spec["taints"], "metadata.taints", causes);
    status(object, causes);
    let (list, field) = (&spec["podCIDRs"], "spec.podCIDRs");
    for (at, range) in each(list, field) {
        if pods::range(range.as_str().unwrap_or_default()).is_none() {
            causes.push(Cause::invalid(at, range, BAD_RANGE));
        }
    }
    let families = items(list).filter_map(Value::as_str).filter_map(pods::range);
    let families: Vec<bool> = families.map(|(start, _)| start.is_ipv4()).collect();
    if families.len() > 2 || families.len() == 2 && families[0] == families[1] {
        let why = "may specify no more than one CIDR for each IP family";
        causes.push(Cause::invalid(field, list, why));
    }
}

/// Checks the resources of a node.
fn status(object: &Value, causes: &mut Vec<Cause>) {
    for list in ["capacity", "allocatable"] {
        for (name, amount) in object["status"][list].as_object().into_iter().flatten() {
            pods::amount(name, amount, &format!("status.{list}.{name}"), causes);
        }
    }
}

/// A node gets its addresses and its provider once.
pub(super) fn update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (now, was) = (&new["spec"], &old["spec"]);
    status(new, causes);
    let known: Vec<&Value> = items(&was["podCIDRs"]).collect();
    let given: Vec<&Value> = items(&now["podCIDRs"]).collect();
    let changed = match given.len() == known.len() {
        true => given.iter().zip(&known).filter(|(given, known)| given != known).count(),
        false => usize::from(!known.is_empty()),
    };
    for _ in 0..changed {
        let why = "node updates may not change podCIDR except from \"\" to valid";
        causes.push(Cause::forbidden("spec.podCIDRs", why));
    }
    if !text(was, "providerID").is_empty() && now["providerID"] != was["providerID"] {
        let why = "node updates may not change providerID except from \"\" to valid";
        causes.push(Cause::forbidden("spec.providerID", why));
    }
    pods::taints(&now["taints"], "metadata.taints", causes);
    if now["externalID"] != was["externalID"] {
        causes.push(Cause::forbidden("spec.externalID", "may not be updated"));
    }
}

/// Checks what must be gone before a namespace is.
pub(super) fn finalizers(object: &Value, path: impl Fn(usize) -> String, causes: &mut Vec<Cause>) {
    for (position, finalizer) in items(&object["spec"]["finalizers"]).enumerate() {
        let (given, field) = (finalizer.as_str().unwrap_or_default(), path(position));
        super::fields::looks(&json!(given), &field, super::super::names::qualified_name, causes);
        let standard = matches!(given, "kubernetes" | "orphan" | "foregroundDeletion");
        if !given.contains('/') && !standard {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(field, finalizer, why));
        }
    }
}

/// Checks the status of a namespace.
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
