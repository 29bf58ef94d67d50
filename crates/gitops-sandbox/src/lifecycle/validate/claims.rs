//! The rules of PersistentVolumeClaims.

use serde_json::{Value, json};

use super::super::names;
use super::fields::{
    child, has, immutable, items, looks, looks_if_any, needed, one_of_if_any, quantity, selector, text,
};
use crate::wire::status::Cause;

/// How volumes are accessed, in the order in which the server tells them.
pub(super) const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Checks a claim.
pub(super) fn claim(object: &Value, causes: &mut Vec<Cause>) {
    spec(&object["spec"], "spec", Groups::Checked, causes);
}

/// Checks a template for claims.
pub(super) fn template(template: &Value, path: &str, causes: &mut Vec<Cause>) {
    spec(&template["spec"], &format!("{path}.spec"), Groups::Checked, causes);
}

/// Whether the groups of sources are looked at: those that are stored stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Groups {
    Checked,
    Kept,
}

/// Checks how a volume is accessed.
pub(super) fn access_modes(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let field = format!("{path}.accessModes");
    let known = |mode: &Value| MODES.contains(&mode.as_str().unwrap_or_default());
    for mode in items(&spec["accessModes"]).filter(|mode| !known(mode)) {
        causes.push(Cause::not_supported(field.clone(), mode, &MODES));
    }
    let single = |mode: &&Value| *mode == "ReadWriteOncePod";
    let modes = || items(&spec["accessModes"]);
    if modes().any(|mode| single(&mode)) && modes().any(|mode| known(mode) && !single(&mode)) {
        causes.push(Cause::forbidden(field, "may not use ReadWriteOncePod with other access modes"));
    }
}

fn spec(spec: &Value, path: &str, groups: Groups, causes: &mut Vec<Cause>) {
    if items(&spec["accessModes"]).next().is_none() {
        let why = "at least 1 access mode is required";
        causes.push(Cause::required(format!("{path}.accessModes"), why));
    }
    selector(&spec["selector"], &format!("{path}.selector"), causes);
    access_modes(spec, path, causes);
    let (storage, field) = (&spec["resources"]["requests"]["storage"], format!("{path}.resources[storage]"));
    match quantity(storage) {
        None => causes.push(Cause::required(field, "")),
        Some(size) if size.is_negative() || size.is_zero() => {
            causes.push(Cause::invalid(field, storage, "must be greater than zero"));
        }
        Some(_) => {}
    }
    looks_if_any(spec, "storageClassName", path, names::subdomain, causes);
    one_of_if_any(spec, "volumeMode", path, &["Block", "Filesystem"], causes);
    for name in ["dataSource", "dataSourceRef"] {
        if has(spec, name) {
            source(&spec[name], &child(path, name), groups, causes);
        }
    }
    sources_agree(spec, path, causes);
    looks_if_any(spec, "volumeAttributesClassName", path, names::subdomain, causes);
}

fn source(source: &Value, path: &str, groups: Groups, causes: &mut Vec<Cause>) {
    needed(source, "name", path, causes);
    needed(source, "kind", path, causes);
    let kind = text(source, "kind");
    if text(source, "apiGroup").is_empty() && kind != "PersistentVolumeClaim" {
        let why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        causes.push(Cause::invalid(path, &json!(kind), why));
    }
    if groups == Groups::Checked {
        looks_if_any(source, "apiGroup", path, names::subdomain, causes);
    }
    looks_if_any(source, "namespace", path, names::label_1123, causes);
}

/// Both names of a source name one.
fn sources_agree(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let (one, other) = (&spec["dataSource"], &spec["dataSourceRef"]);
    if one.is_null() || other.is_null() {
        return;
    }
    let why = if !text(other, "namespace").is_empty() {
        "may not be specified when dataSourceRef.namespace is specified"
    } else if ["apiGroup", "kind", "name"].iter().any(|name| one[*name] != other[*name]) {
        "must match dataSourceRef"
    } else {
        return;
    };
    causes.push(Cause::invalid_as(path, "{}", why));
}

/// Checks a changed claim against what it was.
pub(super) fn update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (now, was) = (&new["spec"], &old["spec"]);
    let grouped = ["dataSource", "dataSourceRef"].iter().any(|name| has(&was[*name], "apiGroup"));
    spec(now, "spec", if grouped { Groups::Kept } else { Groups::Checked }, causes);
    let (given, known) = (&new["metadata"]["annotations"][CLASS], &old["metadata"]["annotations"][CLASS]);
    let upgraded = !known.is_null()
        && !has(was, "storageClassName")
        && now["storageClassName"] == *known
        && (given.is_null() || given == known);
    if !upgraded && text_of(given) != text_of(known) {
        let field = format!("metadata.annotations[{CLASS}]");
        causes.push(Cause::invalid(field, &json!(text_of(given)), "field is immutable"));
    }
    let from_nothing = has(now, "storageClassName")
        && !has(was, "storageClassName")
        && (known.is_null() || now["storageClassName"] == *known);
    let bound = new["status"]["phase"] == "Bound";
    let rest = |spec: &Value| {
        let mut spec = spec.clone();
        if let Some(map) = spec.as_object_mut() {
            if text(was, "volumeName").is_empty() {
                map.remove("volumeName");
            }
            if upgraded || from_nothing {
                map.remove("storageClassName");
            }
            if bound {
                map.remove("volumeAttributesClassName");
            }
        }
        if bound && let Some(requests) = spec["resources"]["requests"].as_object_mut() {
            requests.remove("storage");
        }
        spec
    };
    if rest(now) != rest(was) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        causes.push(Cause::forbidden("spec", why));
    }
    shrinking(new, old, causes);
    immutable(&now["volumeMode"], &was["volumeMode"], "volumeMode", causes);
    let class = "volumeAttributesClassName";
    if now[class] != was[class] && has(&old["status"], "currentVolumeAttributesClassName") {
        let what = if has(now, class) { "empty string" } else { "nil" };
        if text(now, class).is_empty() {
            let why = format!(
                "update to {what} is forbidden when status.currentVolumeAttributesClassName is not nil"
            );
            causes.push(Cause::forbidden(format!("spec.{class}"), &why));
        }
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A claim gets no smaller than what it has.
fn shrinking(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let size = |object: &Value| quantity(&object["spec"]["resources"]["requests"]["storage"]);
    let (Some(now), Some(was)) = (size(new), size(old)) else { return };
    let has = quantity(&old["status"]["capacity"]["storage"]).unwrap_or(gitops_expr::Quantity::whole(0));
    if now < was && now <= has {
        let why = "field can not be less than status.capacity";
        causes.push(Cause::forbidden("spec.resources.requests.storage", why));
    }
}

/// Bytes are whole.
pub(super) fn warnings(new: &Value, old: Option<&Value>, warnings: &mut Vec<String>) {
    for list in ["requests", "limits"] {
        let given = &new["spec"]["resources"][list]["storage"];
        let known = old.map_or(&Value::Null, |old| &old["spec"]["resources"][list]["storage"]);
        let Some(text) = given.as_str().filter(|_| given != known) else { continue };
        if quantity(given).is_some_and(|quantity| !quantity.is_whole()) {
            warnings.push(format!(
                "spec.resources.{list}[storage]: fractional byte value {text:?} is invalid, must be an integer"
            ));
        }
    }
}

/// Checks the name of a class, where it stands alone.
pub(super) fn class_name(given: &Value, field: &str, causes: &mut Vec<Cause>) {
    looks(&json!(text_of(given)), field, names::subdomain, causes);
}
