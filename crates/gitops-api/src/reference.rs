//! References to other objects.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reference to an object in the namespace of the one that holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct LocalObjectReference {
    /// Name of the object.
    pub name: String,
}

impl LocalObjectReference {
    /// Returns the reference to this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

/// A reference to an object in any namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct NamespacedObjectReference {
    /// Name of the object.
    pub name: String,
    /// Namespace of the object, by default that of the one that holds the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl fmt::Display for NamespacedObjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_deref() {
            Some(namespace) if !namespace.is_empty() => write!(f, "{namespace}/{}", self.name),
            _ => f.write_str(&self.name),
        }
    }
}

/// A reference to an object of a kind in any namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct NamespacedObjectKindReference {
    /// API version of the object; without it the one that the API server prefers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the object.
    pub kind: String,
    /// Name of the object.
    pub name: String,
    /// Namespace of the object, by default that of the one that holds the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A reference to a key of a Secret in the namespace of the object that holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct SecretKeyReference {
    /// Key in the Secret; without it a default of the place where the reference stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Name of the Secret.
    pub name: String,
}

/// Where a kubeconfig comes from: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default, extend("x-kubernetes-validations" = [
    {
        "message": KUBE_CONFIG_MESSAGE,
        "rule": "has(self.configMapRef) || has(self.secretRef)",
    },
    {
        "message": KUBE_CONFIG_MESSAGE,
        "rule": "!has(self.configMapRef) || !has(self.secretRef)",
    },
]))]
pub struct KubeConfigReference {
    /// The ConfigMap that says how to reach the cluster: keys `provider`, `cluster`, `address`, `ca.crt`,
    /// `audiences`, `serviceAccountName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<LocalObjectReference>,
    /// The Secret that holds a kubeconfig, by default under the key `value` or `value.yaml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyReference>,
}

const KUBE_CONFIG_MESSAGE: &str =
    "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified";

/// From which namespaces an object may be referred to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct AccessFrom {
    /// Selectors of namespaces, any of which must fit.
    pub namespace_selectors: Vec<NamespaceSelector>,
}

impl AccessFrom {
    /// Returns whether a namespace with these labels may refer to the object.
    ///
    /// Source: fluxcd/pkg `runtime/acl`.
    pub fn admits(&self, labels: &BTreeMap<String, String>) -> bool {
        self.namespace_selectors.iter().any(|selector| selector.fits(labels))
    }
}

/// A selector of namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct NamespaceSelector {
    /// Labels that the namespace must have; none fit every namespace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
}

impl NamespaceSelector {
    /// Returns whether a namespace with these labels is selected.
    pub fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}
