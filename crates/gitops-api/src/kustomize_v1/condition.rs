//! What must be true of other objects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Another Kustomization that must be ready first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct DependencyReference {
    /// Name of the Kustomization.
    pub name: String,
    /// Namespace of the Kustomization, by default that of the one that depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A CEL expression that says whether it is ready, instead of the usual rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_expr: Option<String>,
}

/// How the health of a kind is told, in CEL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct CustomHealthCheck {
    /// API version of the kind.
    pub api_version: String,
    /// True of an object that has reached what is wanted.
    pub current: String,
    /// True of an object that has failed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// True of an object that is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<String>,
    /// The kind.
    // Flux's schema marks it as optional, Flux's controllers need it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
}
