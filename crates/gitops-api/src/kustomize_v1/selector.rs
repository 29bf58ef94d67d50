//! Selectors of objects, and what is ignored of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which objects something is done to. Every part that is set must fit; names are regular expressions that
/// must fit as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct Selector {
    /// A label selector that must fit the annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation_selector: Option<String>,
    /// API group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A label selector that must fit the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// API version, without the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Fields of objects whose drift is nobody's business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct IgnoreRule {
    /// JSON pointers (RFC 6901) to the fields.
    pub paths: Vec<String>,
    /// The objects; all of them when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
}
