//! Puts a hash of their content to the names of generated objects.

use gitops_api::go_json;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::error::BuildError;
use crate::resmap::ResMap;
use crate::resource::{Resource, annotation};
use crate::yaml::{FieldError, Nodes};

/// Renames every object that asks for it.
pub(crate) fn apply(nodes: &mut Nodes, map: &ResMap) -> Result<(), BuildError> {
    for resource in &map.list {
        if resource.is_enabled(nodes, annotation::NEEDS_HASH) {
            let hash = hash(nodes, resource)?;
            resource.store_previous_id(nodes)?;
            let name = format!("{}-{hash}", resource.name(nodes));
            resource.set_name(nodes, &name)?;
        }
    }
    Ok(())
}

/// Returns the hash of an object's content.
pub(crate) fn hash(nodes: &Nodes, resource: &Resource) -> Result<String, FieldError> {
    let field = |name: &str| -> Result<Value, FieldError> {
        let Some(field) = nodes.lookup(resource.node, &[name])? else {
            return Ok(Value::String(String::new()));
        };
        match nodes[field].kind {
            crate::yaml::Kind::Scalar => Ok(Value::String(nodes[field].value.to_string())),
            // The hasher reads it into doubles: large integers lose their last digits.
            _ => nodes
                .value(field)
                .map(go_json::as_doubles)
                .map_err(|error| FieldError::text(error.to_string())),
        }
    };
    // Kustomize looks for a field of this very name, finds none, and hashes an empty name.
    let name = Value::String(String::new());
    let kind = resource.kind(nodes);
    let optional = match &*kind {
        "ConfigMap" => "binaryData",
        "Secret" => "stringData",
        _ => {
            return Ok(encode(&go_json::compact(
                &nodes.value(resource.node).map_err(|e| FieldError::text(e.to_string()))?,
            )));
        }
    };
    let mut content = Map::new();
    content.insert("kind".to_owned(), json!(&*kind));
    content.insert("name".to_owned(), name);
    content.insert("data".to_owned(), field("data")?);
    if &*kind == "Secret" {
        content.insert("type".to_owned(), field("type")?);
    }
    let more = field(optional)?;
    if more.is_object() {
        content.insert(optional.to_owned(), more);
    }
    Ok(encode(&go_json::compact(&Value::Object(content))))
}

fn encode(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let hex: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            c => c,
        })
        .collect()
}
