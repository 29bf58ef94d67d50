//! The rules of ConfigMaps and Secrets.

use base64::Engine as _;
use serde_json::{Value, json};

use super::super::names;
use super::fields::{has, immutable, text};
use crate::wire::status::Cause;

const MAX_DATA: usize = 1024 * 1024;

fn data_size(object: &Value) -> usize {
    let sizes = |map: &Value, encoded: bool| -> usize {
        let values = map.as_object().into_iter().flatten();
        values
            .map(|(_, value)| {
                let text = value.as_str().unwrap_or_default();
                if encoded {
                    base64::engine::general_purpose::STANDARD.decode(text).map_or(0, |bytes| bytes.len())
                } else {
                    text.len()
                }
            })
            .sum()
    };
    sizes(&object["data"], object["type"].is_string()) + sizes(&object["binaryData"], true)
}

pub(super) fn config_map(object: &Value, causes: &mut Vec<Cause>) {
    for key in object["data"].as_object().into_iter().flatten().map(|(key, _)| key) {
        let why = names::config_key(key);
        causes.extend(why.iter().map(|why| Cause::invalid(format!("data[{key}]"), &json!(key), why)));
        if has(&object["binaryData"], key) {
            let why = "duplicate of key present in binaryData";
            causes.push(Cause::invalid(format!("data[{key}]"), &json!(key), why));
        }
    }
    for key in object["binaryData"].as_object().into_iter().flatten().map(|(key, _)| key) {
        let why = names::config_key(key);
        causes.extend(why.iter().map(|why| Cause::invalid(format!("binaryData[{key}]"), &json!(key), why)));
    }
    if data_size(object) > MAX_DATA {
        causes.push(Cause::too_long("[]", MAX_DATA));
    }
}

pub(super) fn secret(object: &Value, causes: &mut Vec<Cause>) {
    let data = &object["data"];
    for key in data.as_object().into_iter().flatten().map(|(key, _)| key) {
        let why = names::config_key(key);
        causes.extend(why.iter().map(|why| Cause::invalid(format!("data[{key}]"), &json!(key), why)));
    }
    if data_size(object) > MAX_DATA {
        causes.push(Cause::too_long("data", MAX_DATA));
    }
    let require = |key: &str, causes: &mut Vec<Cause>| {
        if !has(data, key) {
            causes.push(Cause::required(format!("data[{key}]"), ""));
        }
    };
    match text(object, "type") {
        "kubernetes.io/tls" => {
            require("tls.crt", causes);
            require("tls.key", causes);
        }
        "kubernetes.io/ssh-auth" if text(data, "ssh-privatekey").is_empty() => {
            causes.push(Cause::required("data[ssh-privatekey]", ""));
        }
        "kubernetes.io/basic-auth" if !has(data, "username") && !has(data, "password") => {
            causes.push(Cause::required("data[username]", ""));
            causes.push(Cause::required("data[password]", ""));
        }
        "kubernetes.io/service-account-token" => {
            let name = &object["metadata"]["annotations"]["kubernetes.io/service-account.name"];
            if name.as_str().unwrap_or_default().is_empty() {
                let field = "metadata.annotations[kubernetes.io/service-account.name]";
                causes.push(Cause::required(field, ""));
            }
        }
        "kubernetes.io/dockerconfigjson" => {
            require(".dockerconfigjson", causes);
            docker(&data[".dockerconfigjson"], "data[.dockerconfigjson]", causes);
        }
        "kubernetes.io/dockercfg" => {
            require(".dockercfg", causes);
            docker(&data[".dockercfg"], "data[.dockercfg]", causes);
        }
        _ => {}
    }
}

fn docker(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    let Some(text) = value.as_str() else { return };
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    if let Err(error) = serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes) {
        let why = crate::wire::json::go_error(&bytes, &error);
        causes.push(Cause::invalid(field, &json!("<secret contents redacted>"), &why));
    }
}

/// Data that may not change, once its owner has said so.
pub(super) fn frozen(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    if old["immutable"] != true {
        return;
    }
    let why = "field is immutable when `immutable` is set";
    if new["immutable"] != true {
        causes.push(Cause::forbidden("immutable", why));
    }
    for field in ["data", "binaryData"] {
        if new[field] != old[field] {
            causes.push(Cause::forbidden(field, why));
        }
    }
}

pub(super) fn update_secret(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    immutable(&new["type"], &old["type"], "type", causes);
    frozen(new, old, causes);
}

/// Remarks about certificates that nobody can use.
pub(super) fn warnings(object: &Value, warnings: &mut Vec<String>) {
    if object["type"] != "kubernetes.io/tls" {
        return;
    }
    for (key, what) in [("tls.crt", "certificate"), ("tls.key", "key")] {
        let decoded = base64::engine::general_purpose::STANDARD.decode(text(&object["data"], key));
        let readable = decoded.is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("-----BEGIN "));
        if !readable {
            return warnings.push(format!("tls: failed to find any PEM data in {what} input"));
        }
    }
}
