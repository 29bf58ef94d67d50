//! ExternalArtifact: an artifact that somebody else's controller made.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::resource;
use crate::schema;
use crate::{Artifact, NamespacedObjectKindReference, annotations};

resource! {
    /// An artifact that somebody else's controller made.
    pub struct ExternalArtifact {
        spec: ExternalArtifactSpec,
        status: ExternalArtifactStatus,
    }
    kind: "ExternalArtifact",
    description: "An artifact that somebody else's controller made.",
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    plural: "externalartifacts",
    singular: "externalartifact",
    short_names: ["ea"],
    categories: ["all", "fluxcd", "fluxcd-sources"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [
        ("Age", "date", ".metadata.creationTimestamp"),
        ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
        ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message"),
        ("Source", "string", ".spec.sourceRef.name"),
    ],
}

/// Where an artifact comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ExternalArtifactSpec {
    /// The object for which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<NamespacedObjectKindReference>,
}

/// What is known of an artifact of somebody else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default)]
pub struct ExternalArtifactStatus {
    /// The artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The object's conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}
