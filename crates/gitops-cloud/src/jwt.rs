//! A signed statement about oneself (RFC 7519), with RSA and SHA-256.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

/// Reads an RSA private key from PEM: PKCS #8 or PKCS #1.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn rsa_key(pem: &str) -> Result<RsaKeyPair, &'static str> {
    let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err("the private key is no PEM of an unencrypted RSA key"),
    };
    key.map_err(|_| "the private key is no RSA key of 2048 bits or more")
}

/// Returns the statement, signed.
///
/// # Errors
/// When the key cannot sign.
pub(crate) fn sign(key: &RsaKeyPair, header: &Value, claims: &Value) -> Result<String, &'static str> {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| "the private key cannot sign")?;
    Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}
