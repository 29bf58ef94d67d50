//! The rules of how containers use volumes.

use serde_json::{Value, json};

use super::super::fields::{each, has, items, needed, text};
use super::{Around, descending, policy};
use crate::wire::status::Cause;

/// Checks volumes that are mounted.
pub(super) fn check(container: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    let list = format!("{path}.volumeMounts");
    let devices: Vec<&Value> = items(&container["volumeDevices"]).collect();
    let mut paths: Vec<&str> = Vec::new();
    for (at, mount) in each(&container["volumeMounts"], &list) {
        let (name, place) = (text(mount, "name"), text(mount, "mountPath"));
        needed(mount, "name", &at, causes);
        if !around.volumes.iter().any(|(known, _)| *known == name) {
            causes.push(Cause::not_found(format!("{at}.name"), &json!(name)));
        }
        needed(mount, "mountPath", &at, causes);
        let mut refuse = |field: &str, why: &str| {
            causes.push(Cause::invalid(format!("{at}.{field}"), &json!(text(mount, field)), why));
        };
        if paths.contains(&place) {
            refuse("mountPath", "must be unique");
        }
        paths.push(place);
        if devices.iter().any(|device| text(device, "name") == name) {
            refuse("name", "must not already exist in volumeDevices");
        }
        if devices.iter().any(|device| text(device, "devicePath") == place) {
            refuse("mountPath", "must not already exist as a path in volumeDevices");
        }
        if !text(mount, "subPath").is_empty() {
            descending(&mount["subPath"], &format!("{list}.subPath"), causes);
        }
        if !text(mount, "subPathExpr").is_empty() {
            if !text(mount, "subPath").is_empty() {
                let why = "subPathExpr and subPath are mutually exclusive";
                causes.push(Cause::invalid(format!("{at}.subPathExpr"), &mount["subPathExpr"], why));
            }
            descending(&mount["subPathExpr"], &format!("{list}.subPathExpr"), causes);
        }
        spreading(mount, container, &list, causes);
        read_only(mount, &list, causes);
    }
}

fn spreading(mount: &Value, container: &Value, path: &str, causes: &mut Vec<Cause>) {
    let known = ["Bidirectional", "HostToContainer", "None"];
    policy(mount, "mountPropagation", path, &known, causes);
    if mount["mountPropagation"] == "Bidirectional" && container["securityContext"]["privileged"] != true {
        let why = "Bidirectional mount propagation is available only to privileged containers";
        causes.push(Cause::forbidden(format!("{path}.mountPropagation"), why));
    }
}

fn read_only(mount: &Value, path: &str, causes: &mut Vec<Cause>) {
    let field = format!("{path}.recursiveReadOnly");
    match mount["recursiveReadOnly"].as_str() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if mount["readOnly"] != true {
                causes.push(Cause::forbidden(field.clone(), "may only be specified when readOnly is true"));
            }
            if has(mount, "mountPropagation") && mount["mountPropagation"] != "None" {
                let why = "may only be specified when mountPropagation is None or not specified";
                causes.push(Cause::forbidden(field, why));
            }
        }
        Some(_) => {
            let known = ["Disabled", "Enabled", "IfPossible"];
            causes.push(Cause::not_supported(field, &mount["recursiveReadOnly"], &known));
        }
    }
}

/// Checks volumes that are used as devices.
pub(super) fn devices(container: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    let mounts: Vec<&Value> = items(&container["volumeMounts"]).collect();
    let (mut known, mut paths): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for (at, device) in each(&container["volumeDevices"], &format!("{path}.volumeDevices")) {
        let (name, place) = (text(device, "name"), text(device, "devicePath"));
        needed(device, "name", &at, causes);
        let mut refuse = |field: &str, why: &str| {
            causes.push(Cause::invalid(format!("{at}.{field}"), &json!(text(device, field)), why));
        };
        if known.contains(&name) {
            refuse("name", "must be unique");
        }
        let volume = around.volumes.iter().find(|(known, _)| *known == name);
        if volume
            .is_some_and(|(_, volume)| !has(volume, "persistentVolumeClaim") && !has(volume, "ephemeral"))
        {
            let why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
            refuse("name", why);
        }
        if volume.is_none() {
            causes.push(Cause::not_found(format!("{at}.name"), &json!(name)));
        }
        needed(device, "devicePath", &at, causes);
        let mut refuse = |field: &str, why: &str| {
            causes.push(Cause::invalid(format!("{at}.{field}"), &json!(text(device, field)), why));
        };
        if paths.contains(&place) {
            refuse("devicePath", "must be unique");
        }
        if place.split('/').any(|part| part == "..") {
            refuse("devicePath", "can not contain backsteps ('..')");
        } else {
            paths.push(place);
        }
        if mounts.iter().any(|mount| text(mount, "name") == name) {
            refuse("name", "must not already exist in volumeMounts");
        }
        if mounts.iter().any(|mount| text(mount, "mountPath") == place) {
            refuse("devicePath", "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            known.push(name);
        }
    }
}
