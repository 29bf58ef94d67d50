//! Hides what SOPS has encrypted, for people who look at a build.

use gitops_manifest::Object;
use serde_json::Value;

use crate::base64::{decode, encode};

/// The text in the place of an encrypted one.
const MASK: &str = "**SOPS**";

/// Replaces the encrypted values of a Secret by a mask and drops SOPS' own field, as `flux build` prints it.
pub fn mask_sops(object: &mut Object) {
    if object.kind() != "Secret" {
        return;
    }
    let docker = object.value().get("type").and_then(Value::as_str) == Some("kubernetes.io/dockerconfigjson");
    let whole = object.value_mut().remove("sops").is_some();
    if let Some(Value::Object(data)) = object.value_mut().get_mut("stringData") {
        for value in
            data.values_mut().filter(|value| value.as_str().is_some_and(|text| text.starts_with("ENC[")))
        {
            *value = Value::String(MASK.to_owned());
        }
    }
    let Some(Value::Object(data)) = object.value_mut().get_mut("data") else { return };
    for value in data.values_mut() {
        let Some(text) = value.as_str() else { continue };
        if whole && text.starts_with("ENC[") || holds_sops(text) {
            let mask = if docker { format!("{{\"mask\":\"{MASK}\"}}") } else { MASK.to_owned() };
            *value = Value::String(encode(mask.as_bytes()));
        }
    }
}

/// Tells whether a value of a Secret is itself a file that SOPS encrypted.
fn holds_sops(text: &str) -> bool {
    let Some(bytes) = decode(text) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    text.contains("sops") && text.contains("ENC[AES256_GCM")
}
