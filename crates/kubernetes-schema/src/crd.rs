//! Types of custom resources.

use crate::openapi::MAX_SCHEMA_DEPTH;
use serde_json::{Map, Value, json};
use structured_merge::MAX_DEPTH;

use crate::builtin;
use crate::error::TableError;
use crate::openapi::Reader;
use crate::table::Table;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

impl Table {
    /// Reads the types of a custom resource from its definition (`apiextensions.k8s.io/v1`), one for each
    /// version, beside the built-in types that it uses.
    ///
    /// A version without a schema is not there: its objects are
    /// [deduced](structured_merge::schema::deduced).
    ///
    /// # Errors
    /// Fails when the value is no definition, or a schema of it contradicts itself.
    ///
    /// ```
    /// use kubernetes_schema::{ListType, Table};
    /// use serde_json::json;
    /// let table = Table::from_crd(&json!({"spec": {
    ///     "group": "example.com",
    ///     "names": {"kind": "Site"},
    ///     "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {
    ///         "type": "object",
    ///         "properties": {"hosts": {
    ///             "type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set",
    ///         }},
    ///     }}}],
    /// }}))?;
    /// let site = table.resolve("example.com", "v1", "Site").expect("it was just read");
    /// assert_eq!(site.field("hosts").and_then(|hosts| hosts.list_type()), Some(ListType::Set));
    /// assert!(site.field("metadata").is_some());
    /// # Ok::<(), kubernetes_schema::TableError>(())
    /// ```
    pub fn from_crd(crd: &Value) -> Result<Self, TableError> {
        if !is_shallow(crd, MAX_DEPTH) {
            return Err(TableError::schema("", "nested too deep"));
        }
        let spec = &crd["spec"];
        let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) else {
            return Err(TableError::schema("spec", "has no group or no names.kind"));
        };
        let preserves = spec["preserveUnknownFields"] == true;
        let mut builtin = builtin().clone();
        builtin.kinds.clear();
        let mut reader = Reader::new(builtin);
        for (position, version) in spec["versions"].as_array().into_iter().flatten().enumerate() {
            let Some(name) = version["name"].as_str() else {
                return Err(TableError::schema(&format!("spec.versions[{position}]"), "has no name"));
            };
            let mut schema = version["schema"]["openAPIV3Schema"].clone();
            if schema.is_null() {
                continue;
            }
            embed(&mut schema, MAX_SCHEMA_DEPTH)?;
            add_object_fields(&mut schema);
            let id = reader.read_named(&format!("{group}.{name}.{kind}"), &schema, preserves)?;
            reader.table.kinds.insert((group.to_owned(), name.to_owned(), kind.to_owned()), id);
        }
        Ok(reader.table)
    }
}

/// Whether a document is nested no deeper than that.
fn is_shallow(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(items) => left > 0 && items.iter().all(|item| is_shallow(item, left - 1)),
        Value::Object(map) => left > 0 && map.values().all(|item| is_shallow(item, left - 1)),
        _ => true,
    }
}

/// Gives every `x-kubernetes-embedded-resource` the fields that all objects have.
fn embed(schema: &mut Value, left: usize) -> Result<(), TableError> {
    let left = left.checked_sub(1).ok_or_else(|| TableError::schema("schema", "nested too deep"))?;
    let Value::Object(map) = schema else { return Ok(()) };
    for name in ["items", "additionalProperties"] {
        if let Some(below) = map.get_mut(name) {
            embed(below, left)?;
        }
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().try_for_each(|below| embed(below, left))?;
    }
    if map.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true)) {
        add_object_fields(schema);
    }
    Ok(())
}

fn add_object_fields(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    let properties = map.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(properties) = properties {
        properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
        properties.insert("kind".to_owned(), json!({"type": "string"}));
        let reference = format!("#/components/schemas/{OBJECT_META}");
        properties.insert("metadata".to_owned(), json!({"$ref": reference}));
    }
}
