//! The rules of sources that volumes of pods and persistent volumes share.

use serde_json::{Value, json};

use super::super::super::names;
use super::super::fields::{
    child, has, items, looks, looks_if_any, needed, needed_as, number, one_of_if_any, text,
};
use super::{descending, no_steps_back};
use crate::wire::status::Cause;

/// Checks a source by its name; `volume` is the name of the persistent volume, if it is one's.
pub(in super::super) fn legacy_source(
    name: &str,
    of: &Value,
    path: &str,
    volume: Option<&str>,
    causes: &mut Vec<Cause>,
) {
    let persistent = volume.is_some();
    let at = |field: &str| child(path, field);
    let mut all = |fields: &[&str]| {
        for field in fields {
            needed(of, field, path, causes);
        }
    };
    match name {
        "hostPath" => host_path(of, path, causes),
        "gitRepo" => {
            all(&["repository"]);
            descending(&of["directory"], &at("directory"), causes);
        }
        "gcePersistentDisk" | "awsElasticBlockStore" => {
            all(&[if name == "gcePersistentDisk" { "pdName" } else { "volumeID" }]);
            if !(0..=255).contains(&number(of, "partition")) {
                let why = "must be between 1 and 255, inclusive";
                causes.push(Cause::invalid(at("partition"), &of["partition"], why));
            }
        }
        "nfs" => {
            all(&["server", "path"]);
            if !text(of, "path").starts_with('/') {
                let why = "must be an absolute path";
                causes.push(Cause::invalid(at("path"), &json!(text(of, "path")), why));
            }
        }
        "iscsi" => iscsi(of, path, volume, causes),
        "glusterfs" => {
            all(&["endpoints", "path"]);
            if persistent && has(of, "endpointsNamespace") {
                let field = at("endpointsNamespace");
                if text(of, "endpointsNamespace").is_empty() {
                    let why = "if the endpointnamespace is set, it must be a valid namespace name";
                    causes.push(Cause::invalid(field, &json!(""), why));
                } else {
                    looks(&of["endpointsNamespace"], &field, names::label_1123, causes);
                }
            }
        }
        "flocker" => flocker(of, path, causes),
        "rbd" => {
            monitors(of, path, causes);
            needed(of, "image", path, causes);
        }
        "cephfs" => monitors(of, path, causes),
        "cinder" => {
            all(&["volumeID"]);
            secret(of, path, persistent, causes);
        }
        "quobyte" => quobyte(of, path, causes),
        "fc" => fibre(of, path, causes),
        "flexVolume" => {
            all(&["driver"]);
            for key in of["options"].as_object().into_iter().flatten().map(|(key, _)| key) {
                let domain = format!(".{}", key.split('/').next().unwrap_or_default().to_lowercase());
                if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
                    let why = "kubernetes.io and k8s.io namespaces are reserved";
                    causes.push(Cause::invalid(at(&format!("options[{key}]")), &json!(key), why));
                }
            }
        }
        "azureFile" => {
            all(&["secretName", "shareName"]);
            if persistent && has(of, "secretNamespace") {
                needed(of, "secretNamespace", path, causes);
            }
        }
        "azureDisk" => azure(of, path, causes),
        "vsphereVolume" => all(&["volumePath"]),
        "photonPersistentDisk" => all(&["pdID"]),
        "portworxVolume" => all(&["volumeID"]),
        "scaleIO" => {
            all(&["gateway", "system", "volumeName"]);
        }
        "storageos" => {
            needed_as(of, "volumeName", path, names::label_1123, causes);
            looks_if_any(of, "volumeNamespace", path, names::label_1123, causes);
            secret(of, path, persistent, causes);
        }
        "local" if needed(of, "path", path, causes) => {
            no_steps_back(&of["path"], &at("path"), causes);
        }
        _ => {}
    }
}

/// Checks a path of the node.
fn host_path(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    const KINDS: [&str; 8] =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    if needed(of, "path", path, causes) {
        no_steps_back(&of["path"], &format!("{path}.path"), causes);
        one_of_if_any(of, "type", path, &KINDS, causes);
    }
}

/// Checks the name of a driver.
pub(in super::super) fn csi_driver_name(of: &Value, name: &str, path: &str, causes: &mut Vec<Cause>) {
    const LIMIT: usize = 63;
    let (given, field) = (text(of, name), child(path, name));
    if given.is_empty() {
        return causes.push(Cause::required(field, ""));
    }
    if given.len() > LIMIT {
        causes.push(Cause::too_long(field.clone(), LIMIT));
    }
    let why = names::subdomain(&given.to_lowercase());
    causes.extend(why.iter().map(|why| Cause::invalid(field.clone(), &json!(given), why)));
}

fn monitors(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    if items(&of["monitors"]).next().is_none() {
        causes.push(Cause::required(format!("{path}.monitors"), ""));
    }
}

/// A Secret is named whole where no namespace is around.
fn secret(of: &Value, path: &str, persistent: bool, causes: &mut Vec<Cause>) {
    if !has(of, "secretRef") {
        return;
    }
    let path = format!("{path}.secretRef");
    needed(&of["secretRef"], "name", &path, causes);
    if persistent {
        needed(&of["secretRef"], "namespace", &path, causes);
    }
}

fn iscsi(of: &Value, path: &str, volume: Option<&str>, causes: &mut Vec<Cause>) {
    needed(of, "targetPortal", path, causes);
    let portal = text(of, "targetPortal");
    if let Some(volume) = volume
        && has(of, "initiatorName")
        && volume.len() + 1 + portal.len() > 64
    {
        let why = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
        causes.push(Cause::invalid(format!("{path}.targetportal"), &json!(portal), why));
    }
    if needed(of, "iqn", path, causes) {
        initiator(&of["iqn"], &format!("{path}.iqn"), volume.is_some(), causes);
    }
    let unit = number(of, "lun");
    if !(0..=255).contains(&unit) {
        let why = "must be between 0 and 255, inclusive";
        causes.push(Cause::invalid(format!("{path}.lun"), &json!(unit), why));
    }
    let asks = of["chapAuthDiscovery"] == true || of["chapAuthSession"] == true;
    if asks && !has(of, "secretRef") {
        causes.push(Cause::required(format!("{path}.secretRef"), ""));
    }
    if volume.is_some() && has(of, "secretRef") {
        needed(&of["secretRef"], "name", &format!("{path}.secretRef"), causes);
    }
    if has(of, "initiatorName") {
        initiator(&of["initiatorName"], &format!("{path}.initiatorname"), volume.is_some(), causes);
    }
}

fn initiator(name: &Value, field: &str, persistent: bool, causes: &mut Vec<Cause>) {
    let given = name.as_str().unwrap_or_default();
    let hex = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let qualified = |rest: &str| {
        let mut parts = rest.splitn(2, '.');
        let (date, domain) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let dated = date.len() == 7
            && date
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() });
        dated && !domain.split(':').next().unwrap_or_default().is_empty()
    };
    let fits = match given.get(..3) {
        Some("iqn") => given.strip_prefix("iqn.").is_some_and(qualified),
        Some("eui") => given.strip_prefix("eui.").is_some_and(|rest| rest.len() == 16 && hex(rest)),
        Some("naa") => {
            given.strip_prefix("naa.").is_some_and(|rest| matches!(rest.len(), 16 | 32) && hex(rest))
        }
        _ => {
            let why = "must be valid format starting with iqn, eui, or naa";
            let why = if persistent { "must be valid format" } else { why };
            return causes.push(Cause::invalid(field, name, why));
        }
    };
    if !fits {
        causes.push(Cause::invalid(field, name, "must be valid format"));
    }
}

fn flocker(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    let (name, id) = (text(of, "datasetName"), text(of, "datasetUUID"));
    if name.is_empty() && id.is_empty() {
        causes.push(Cause::required(path, "one of datasetName and datasetUUID is required"));
    }
    if !name.is_empty() && !id.is_empty() {
        let why = "datasetName and datasetUUID can not be specified simultaneously";
        causes.push(Cause::invalid(path, &json!("resource"), why));
    }
    if name.contains('/') {
        causes.push(Cause::invalid(format!("{path}.datasetName"), &json!(name), "must not contain '/'"));
    }
}

fn quobyte(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    const PAIRS: &str = "must be a host:port pair or multiple pairs separated by commas";
    let registry = text(of, "registry");
    if registry.is_empty() {
        causes.push(Cause::required(format!("{path}.registry"), PAIRS));
    } else if text(of, "tenant").len() >= 65 {
        let why = "must be a UUID and may not exceed a length of 64 characters";
        causes.push(Cause::required(format!("{path}.tenant"), why));
    } else {
        for _ in registry.split(',').filter(|pair| pair.matches(':').count() != 1) {
            causes.push(Cause::invalid(format!("{path}.registry"), &json!(registry), PAIRS));
        }
    }
    needed(of, "volume", path, causes);
}

fn fibre(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    let (names, ids) = (items(&of["targetWWNs"]).count(), items(&of["wwids"]).count());
    let field = format!("{path}.targetWWNs");
    if names == 0 && ids == 0 {
        causes.push(Cause::required(field.clone(), "must specify either targetWWNs or wwids, but not both"));
    }
    if names > 0 && ids > 0 {
        let why = "targetWWNs and wwids can not be specified simultaneously";
        causes.push(Cause::invalid(field, &of["targetWWNs"], why));
    }
    if names > 0 {
        match of["lun"].as_i64() {
            None => {
                let why = "lun is required if targetWWNs is specified";
                causes.push(Cause::required(format!("{path}.lun"), why));
            }
            Some(unit) if !(0..=255).contains(&unit) => {
                let why = "must be between 0 and 255, inclusive";
                causes.push(Cause::invalid(format!("{path}.lun"), &of["lun"], why));
            }
            Some(_) => {}
        }
    }
}

fn azure(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    needed(of, "diskName", path, causes);
    needed(of, "diskURI", path, causes);
    one_of_if_any(of, "cachingMode", path, &["None", "ReadOnly", "ReadWrite"], causes);
    one_of_if_any(of, "kind", path, &["Dedicated", "Managed", "Shared"], causes);
    if !has(of, "kind") {
        return;
    }
    let (start, form) = if of["kind"] == "Managed" {
        (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        )
    } else {
        ("https://", "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd")
    };
    if !text(of, "diskURI").starts_with(start) {
        causes.push(Cause::not_supported(format!("{path}.diskURI"), &json!(text(of, "diskURI")), &[form]));
    }
}
