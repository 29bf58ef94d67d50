//! Certificates in CustomResourceDefinitions that the API server would refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::order::is_definition;

/// Removes from a CustomResourceDefinition a `caBundle` of its conversion webhook that holds no certificate.
///
/// Charts and operators leave placeholders there for an injector to fill; the API server refuses them
/// (fluxcd/pkg `ssa/utils/cert_validation.go`).
pub fn remove_invalid_ca_bundle(object: &mut Map<String, Value>) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (group, _) = crate::fields::split_api_version(text("apiVersion"));
    if !is_definition(group, text("kind")) {
        return;
    }
    let config = ["conversion", "webhook", "clientConfig"]
        .iter()
        .try_fold(object.get_mut("spec"), |value, key| Some(value?.get_mut(*key)))
        .flatten()
        .and_then(Value::as_object_mut);
    let Some(config) = config else { return };
    let invalid =
        config.get("caBundle").is_some_and(|bundle| !bundle.as_str().is_some_and(holds_certificate));
    if invalid {
        config.remove("caBundle");
    }
}

fn holds_certificate(bundle: &str) -> bool {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let Some(pem) = STANDARD.decode(bundle).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return false;
    };
    pem.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END)).any(|(body, _)| {
        let body: String = body.split_whitespace().collect();
        STANDARD.decode(body).is_ok_and(|der| is_certificate(&der))
    })
}

/// Returns whether the bytes have the outer form of a certificate: one DER sequence that begins with another.
fn is_certificate(der: &[u8]) -> bool {
    sequence(der).is_some_and(|(inner, rest)| rest.is_empty() && sequence(inner).is_some())
}

/// Splits a DER sequence from what follows it (X.690 §8.1.3).
fn sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    const SEQUENCE: u8 = 0x30;
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short if *short < 0x80 => (usize::from(*short), rest),
        long => {
            let count = usize::from(long & 0x7f);
            let (bytes, rest) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
    };
    (*tag == SEQUENCE).then(|| rest.split_at_checked(length))?
}
