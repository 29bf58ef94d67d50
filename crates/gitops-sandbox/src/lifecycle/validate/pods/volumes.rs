//! The rules of the volumes of a pod.

use serde_json::{Value, json};

use super::super::super::names;
use super::super::claims;
use super::super::fields::{each, has, items, looks, needed, needed_as, number, quantity, selector, text};
use super::environment;
use super::{Of, csi_driver_name, descending_and_free, legacy_source, pull_policy};
use crate::wire::status::Cause;

/// All sources of a volume, in the order in which they are checked.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];
const CONFLICT: &str = "conflicting duplicate paths";
const TEN_MINUTES: i64 = 600;

/// Checks volumes, and returns those that containers can use.
pub(super) fn check<'p>(
    list: &'p Value,
    of: Of<'_>,
    path: &str,
    causes: &mut Vec<Cause>,
) -> Vec<(&'p str, &'p Value)> {
    let mut known: Vec<(&str, &Value)> = Vec::new();
    let made: Vec<String> = match of {
        Of::Template => Vec::new(),
        Of::Pod(pod) => items(list)
            .filter(|volume| has(volume, "ephemeral"))
            .map(|volume| format!("{pod}-{}", text(volume, "name")))
            .collect(),
    };
    for (at, volume) in each(list, path) {
        let before = causes.len();
        let name = text(volume, "name");
        source(volume, of, &at, causes);
        needed_as(volume, "name", &at, names::label_1123, causes);
        if known.iter().any(|(known, _)| *known == name) {
            causes.push(Cause::duplicate(format!("{at}.name"), &volume["name"]));
        }
        if causes.len() == before {
            known.push((name, volume));
        }
        let claim = text(&volume["persistentVolumeClaim"], "claimName");
        if made.iter().any(|made| made == claim) {
            let why = "must not reference a PVC that gets created for an ephemeral volume";
            let field = format!("{at}.persistentVolumeClaim.claimName");
            causes.push(Cause::invalid(field, &json!(claim), why));
        }
    }
    known
}

fn source(volume: &Value, of: Of<'_>, path: &str, causes: &mut Vec<Cause>) {
    let mut found = 0;
    for name in SOURCES.into_iter().filter(|name| has(volume, name)) {
        found += 1;
        if found > 1 {
            // The server's own spelling.
            let field = match name {
                "cephfs" => "cephFS",
                "downwardAPI" => "downwarAPI",
                name => name,
            };
            let why = "may not specify more than 1 volume type";
            causes.push(Cause::forbidden(format!("{path}.{field}"), why));
            continue;
        }
        one(&volume[name], name, volume, of, path, causes);
    }
    if found == 0 {
        causes.push(Cause::required(path, "must specify a volume type"));
    }
}

fn one(inner: &Value, name: &str, volume: &Value, of: Of<'_>, path: &str, causes: &mut Vec<Cause>) {
    let at = match name {
        "gcePersistentDisk" => format!("{path}.persistentDisk"),
        _ => format!("{path}.{name}"),
    };
    match name {
        "emptyDir" => {
            if quantity(&inner["sizeLimit"]).is_some_and(|size| size.is_negative()) {
                let why = "SizeLimit field must be a valid resource quantity";
                causes.push(Cause::forbidden(format!("{at}.sizeLimit"), why));
            }
        }
        "secret" => {
            needed(inner, "secretName", &at, causes);
            keys_and_mode(inner, &at, causes);
        }
        "configMap" => {
            needed(inner, "name", &at, causes);
            keys_and_mode(inner, &at, causes);
        }
        "persistentVolumeClaim" => {
            needed(inner, "claimName", &at, causes);
        }
        "downwardAPI" => {
            mode(inner, "defaultMode", &at, causes);
            for file in items(&inner["items"]) {
                downward(file, &at, causes);
            }
        }
        "projected" => projected(inner, &at, causes),
        "csi" => {
            csi_driver_name(inner, "driver", &at, causes);
            if has(inner, "nodePublishSecretRef") {
                let secret = &inner["nodePublishSecretRef"];
                if needed(secret, "name", &format!("{at}.nodePublishSecretRef"), causes) {
                    looks(&secret["name"], &format!("{at}.name"), names::subdomain, causes);
                }
            }
        }
        "ephemeral" => ephemeral(inner, volume, of, path, causes),
        "image" => {
            if of != Of::Template {
                needed(inner, "reference", &at, causes);
            }
            pull_policy(inner, "pullPolicy", &at, causes);
        }
        _ => legacy_source(name, inner, &at, None, causes),
    }
    let (own, portal) = (text(volume, "name"), text(inner, "targetPortal"));
    if name == "iscsi" && has(inner, "initiatorName") && own.len() + 1 + portal.len() > 64 {
        let why = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
        causes.push(Cause::invalid(format!("{path}.name"), &json!(own), why));
    }
}

fn ephemeral(inner: &Value, volume: &Value, of: Of<'_>, path: &str, causes: &mut Vec<Cause>) {
    let at = format!("{path}.ephemeral.volumeClaimTemplate");
    let template = &inner["volumeClaimTemplate"];
    if template.is_null() {
        causes.push(Cause::required(at, ""));
    } else {
        claims::template(template, &at, causes);
    }
    let name = text(volume, "name");
    if let Of::Pod(pod) = of
        && !pod.is_empty()
        && !name.is_empty()
    {
        let claim = format!("{pod}-{name}");
        for why in names::subdomain(&claim) {
            let why = format!("PVC name {claim:?}: {why}");
            causes.push(Cause::invalid(format!("{path}.name"), &json!(name), &why));
        }
    }
}

fn mode(of: &Value, name: &str, path: &str, causes: &mut Vec<Cause>) {
    if of[name].as_i64().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        let why = "must be a number between 0 and 0777 (octal), both inclusive";
        causes.push(Cause::invalid(format!("{path}.{name}"), &of[name], why));
    }
}

fn keys_and_mode(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    mode(of, "defaultMode", path, causes);
    for (at, key) in each(&of["items"], &format!("{path}.items")) {
        key_to_path(key, &at, causes);
    }
}

fn key_to_path(key: &Value, path: &str, causes: &mut Vec<Cause>) {
    needed(key, "key", path, causes);
    needed(key, "path", path, causes);
    descending_and_free(&key["path"], &format!("{path}.path"), causes);
    mode(key, "mode", path, causes);
}

fn downward(file: &Value, path: &str, causes: &mut Vec<Cause>) {
    needed(file, "path", path, causes);
    descending_and_free(&file["path"], &format!("{path}.path"), causes);
    if has(file, "fieldRef") {
        let at = format!("{path}.fieldRef");
        environment::field(&file["fieldRef"], &environment::OF_FILES, &at, causes);
        if has(file, "resourceFieldRef") {
            let why = "fieldRef and resourceFieldRef can not be specified simultaneously";
            causes.push(Cause::invalid(path, &json!("resource"), why));
        }
    } else if has(file, "resourceFieldRef") {
        let at = format!("{path}.resourceFieldRef");
        environment::resource(&file["resourceFieldRef"], &at, true, causes);
    } else {
        causes.push(Cause::required(path, "one of fieldRef and resourceFieldRef is required"));
    }
    mode(file, "mode", path, causes);
}

/// Checks sources that stand beside each other in one volume.
fn projected(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    mode(of, "defaultMode", path, causes);
    let mut paths: Vec<&str> = Vec::new();
    for (at, source) in each(&of["sources"], &format!("{path}.sources")) {
        let mut found = 0;
        for name in ["secret", "configMap"].into_iter().filter(|name| has(source, name)) {
            found += 1;
            let (inner, at) = (&source[name], format!("{at}.{name}"));
            needed(inner, "name", &at, causes);
            for (at, key) in each(&inner["items"], &format!("{at}.items")) {
                key_to_path(key, &at, causes);
                place(text(key, "path"), &inner["name"], path, &mut paths, causes);
            }
        }
        if has(source, "downwardAPI") {
            found += 1;
            for file in items(&source["downwardAPI"]["items"]) {
                downward(file, &format!("{at}.downwardAPI"), causes);
                place(text(file, "path"), &file["path"], path, &mut paths, causes);
            }
        }
        if has(source, "serviceAccountToken") {
            found += 1;
            token(&source["serviceAccountToken"], path, &format!("{at}.serviceAccountToken"), causes);
        }
        if has(source, "clusterTrustBundle") {
            found += 1;
            let inner = &source["clusterTrustBundle"];
            bundle(inner, &format!("{at}.clusterTrustBundle"), causes);
            place(text(inner, "path"), &json!(text(inner, "path")), path, &mut paths, causes);
        }
        if has(source, "podCertificate") {
            found += 1;
        }
        if found > 1 {
            causes.push(Cause::forbidden(at, "may not specify more than 1 volume type per source"));
        }
    }
}

/// A path is taken once.
fn place<'p>(taken: &'p str, shown: &Value, path: &str, known: &mut Vec<&'p str>, causes: &mut Vec<Cause>) {
    if taken.is_empty() {
        return;
    }
    if known.contains(&taken) {
        causes.push(Cause::invalid(path, shown, CONFLICT));
    } else {
        known.push(taken);
    }
}

fn token(of: &Value, volume: &str, path: &str, causes: &mut Vec<Cause>) {
    const LONGEST: i64 = 1 << 32;
    let (seconds, field) = (number(of, "expirationSeconds"), format!("{path}.expirationSeconds"));
    if seconds < TEN_MINUTES {
        let why = "may not specify a duration less than 10 minutes";
        causes.push(Cause::invalid(field.clone(), &json!(seconds), why));
    }
    if seconds > LONGEST {
        let why = "may not specify a duration larger than 2^32 seconds";
        causes.push(Cause::invalid(field, &json!(seconds), why));
    }
    if needed(of, "path", volume, causes) {
        descending_and_free(&of["path"], &format!("{volume}.path"), causes);
    }
}

fn bundle(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    match (has(of, "name"), has(of, "signerName")) {
        (true, true) => {
            let shown = format!(
                "{{\"Name\":{},\"SignerName\":{},\"LabelSelector\":{},\"Optional\":{},\"Path\":{}}}",
                of["name"], of["signerName"], of["labelSelector"], of["optional"], of["path"]
            );
            causes.push(Cause::invalid_as(path, &shown, "only one of name and signerName may be used"));
        }
        (true, false) => {
            if text(of, "name").is_empty() {
                causes.push(Cause::required(format!("{path}.name"), "must be a valid object name"));
            }
            if has(of, "labelSelector") {
                let why = "labelSelector must be unset if name is specified";
                causes.push(Cause::invalid(format!("{path}.labelSelector"), &of["labelSelector"], why));
            }
        }
        (false, true) => selector(&of["labelSelector"], &format!("{path}.labelSelector"), causes),
        (false, false) => {
            causes.push(Cause::required(path, "either name or signerName must be specified"));
        }
    }
    needed(of, "path", path, causes);
    descending_and_free(&of["path"], &format!("{path}.path"), causes);
}
