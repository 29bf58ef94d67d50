//! Which signatures of OCI artifacts are verified.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LocalObjectReference;
use crate::wire_enum::wire_enum;

/// How the signature of an OCI artifact is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct OciVerification {
    /// The identities that may have signed, for keyless signatures.
    #[serde(rename = "matchOIDCIdentity", default, skip_serializing_if = "Vec::is_empty")]
    pub match_oidc_identity: Vec<OidcIdentityMatch>,
    /// The kind of signature.
    #[schemars(extend("default" = "cosign"))]
    pub provider: VerificationProvider,
    /// The Secret with the trusted public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The Secret with the trust root of keyless signatures, under the key `trusted_root.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_root_secret_ref: Option<LocalObjectReference>,
}

impl Default for OciVerification {
    fn default() -> Self {
        Self {
            match_oidc_identity: Vec::new(),
            provider: VerificationProvider::Cosign,
            secret_ref: None,
            trusted_root_secret_ref: None,
        }
    }
}

/// How the signature of a Helm chart is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ChartVerification {
    /// The identities that may have signed, for keyless signatures.
    #[serde(rename = "matchOIDCIdentity", default, skip_serializing_if = "Vec::is_empty")]
    pub match_oidc_identity: Vec<OidcIdentityMatch>,
    /// The kind of signature.
    #[schemars(extend("default" = "cosign"))]
    pub provider: VerificationProvider,
    /// The Secret with the trusted public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

impl Default for ChartVerification {
    fn default() -> Self {
        Self { match_oidc_identity: Vec::new(), provider: VerificationProvider::Cosign, secret_ref: None }
    }
}

wire_enum! {
    /// A kind of signature.
    pub enum VerificationProvider {
        /// Sigstore's cosign.
        Cosign = "cosign",
        /// The Notary Project's notation.
        Notation = "notation",
    }
}

/// An identity that may have signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct OidcIdentityMatch {
    /// A regular expression of the issuer.
    pub issuer: String,
    /// A regular expression of the subject.
    pub subject: String,
}
