//! The token server of a registry (distribution's `spec/auth/token` and `spec/auth/oauth`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{Certificate, CertificateParams, DnType, KeyPair, SigningKey as _};
use serde_json::json;

use super::process::SERVICE;
use crate::TestkitError;

/// The token server's name.
pub(super) const ISSUER: &str = "test token server";
/// How long a token lives.
pub(super) const LIFE: Duration = Duration::from_secs(300);
/// The refresh token that is exchanged for others.
pub const REGISTRY_IDENTITY_TOKEN: &str = "an-identity-token";

/// Who signs tokens.
pub(super) struct Issuer {
    certificate: Certificate,
    key: KeyPair,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Issuer").finish_non_exhaustive()
    }
}

impl Issuer {
    pub(super) fn generate() -> Result<Self, TestkitError> {
        let generate = || -> Result<_, rcgen::Error> {
            // P-256, which is what ES256 below says.
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
            params.distinguished_name.push(DnType::CommonName, ISSUER);
            let certificate = params.self_signed(&key)?;
            Ok(Self { certificate, key })
        };
        let stage = "making a token server's key";
        generate().map_err(|source| TestkitError::Certificate { stage, source: source.into() })
    }

    pub(super) fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// Returns a token (RFC 7519, signed with ES256) that allows these actions on a repository.
    pub(super) fn token(&self, scopes: &[String], number: u64) -> Result<String, TestkitError> {
        let access: Vec<_> = scopes
            .iter()
            .filter_map(|scope| {
                let (kind, rest) = scope.split_once(':')?;
                let (name, actions) = rest.rsplit_once(':')?;
                let actions: Vec<&str> = actions.split(',').collect();
                Some(json!({"type": kind, "name": name, "actions": actions}))
            })
            .collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = json!({
            "typ": "JWT",
            "alg": "ES256",
            "x5c": [STANDARD.encode(self.certificate.der())],
        });
        let claims = json!({
            "iss": ISSUER,
            "sub": "somebody",
            "aud": SERVICE,
            "exp": now + LIFE.as_secs(),
            "nbf": now - 10,
            "iat": now,
            "jti": number.to_string(),
            "access": access,
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(signed.as_bytes()).ok().and_then(|der| fixed_width(&der));
        let signature = signature.ok_or_else(|| TestkitError::Certificate {
            stage: "signing a token",
            source: "the key does not sign as P-256 does".into(),
        })?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Returns both numbers of a P-256 signature in 32 bytes each, from the DER that libraries make.
fn fixed_width(der: &[u8]) -> Option<[u8; 64]> {
    let mut out = [0; 64];
    // SEQUENCE, its length (below 128), and two INTEGERs.
    let mut rest = der.get(2..)?;
    for half in out.chunks_exact_mut(32) {
        let length = usize::from(*rest.get(1)?);
        let number = rest.get(2..2 + length)?;
        let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        half.get_mut(32_usize.checked_sub(number.len())?..)?.copy_from_slice(number);
        rest = rest.get(2 + length..)?;
    }
    Some(out)
}
