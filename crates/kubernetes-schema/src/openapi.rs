//! Types from OpenAPI v3 documents.

use std::sync::Arc;

use serde_json::Value;

use structured_merge::schema::TypeId;

use crate::error::TableError;
use crate::table::{Body, FieldDef, ListType, MapType, ScalarType, Table};

/// How deep a schema may be nested where it is written without names. Real ones stay below twenty.
pub(crate) const MAX_SCHEMA_DEPTH: usize = 64;

/// Values of this type are numbers or strings, which its schema does not say.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
/// Values of this type are whole objects that somebody else understands.
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

impl Table {
    /// Reads the types of OpenAPI v3 documents: what stands under `components.schemas` of
    /// `/openapi/v3/api/v1`, `/openapi/v3/apis/apps/v1` and so on, of one server.
    ///
    /// # Errors
    /// Fails when a schema contradicts itself.
    pub fn from_openapi<'d>(
        server_version: &str,
        schemas: impl IntoIterator<Item = &'d Value>,
    ) -> Result<Self, TableError> {
        let mut reader = Reader::new(Self { server: server_version.to_owned(), ..Self::default() });
        for document in schemas {
            let Value::Object(document) = document else {
                return Err(TableError::schema("components.schemas", "is not a map"));
            };
            for (name, schema) in document {
                reader.read_named(name, schema, false)?;
            }
        }
        Ok(reader.table)
    }
}

pub(crate) struct Reader {
    pub(crate) table: Table,
    atomic: TypeId,
    deduced: TypeId,
}

impl Reader {
    pub(crate) fn new(mut table: Table) -> Self {
        let (atomic, deduced) = table.untyped();
        Self { table, atomic, deduced }
    }

    pub(crate) fn read_named(
        &mut self,
        name: &str,
        schema: &Value,
        preserves: bool,
    ) -> Result<TypeId, TableError> {
        let id = self.table.declare(name);
        let body = match name {
            QUANTITY => Body::Scalar(ScalarType::Quantity),
            RAW_EXTENSION => Body::Any { element: self.atomic, list_element: self.atomic },
            _ if reference_name(schema).is_some() => return Ok(id),
            _ => self.body(schema, name, preserves, MAX_SCHEMA_DEPTH)?,
        };
        self.table.define(id, body);
        for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            if let (Some(group), Some(version), Some(kind)) =
                (kind["group"].as_str(), kind["version"].as_str(), kind["kind"].as_str())
            {
                self.table.kinds.insert((group.to_owned(), version.to_owned(), kind.to_owned()), id);
            }
        }
        Ok(id)
    }

    fn body(&mut self, schema: &Value, at: &str, preserves: bool, left: usize) -> Result<Body, TableError> {
        let left = left.checked_sub(1).ok_or_else(|| TableError::schema(at, "nested too deep"))?;
        let preserves = preserves || schema["x-kubernetes-preserve-unknown-fields"] == true;
        Ok(match schema["type"].as_str() {
            None if schema["properties"].is_object() => self.map(schema, at, preserves, left)?,
            None => Body::Any { element: self.deduced, list_element: self.atomic },
            Some("object") => self.map(schema, at, preserves, left)?,
            Some("array") => self.list(schema, at, preserves, left)?,
            Some(kind) => Body::Scalar(match (kind, schema["format"].as_str().unwrap_or_default()) {
                ("integer", _) => ScalarType::Integer,
                ("number", _) => ScalarType::Number,
                ("boolean", _) => ScalarType::Boolean,
                ("string", "") => ScalarType::String,
                ("string", "byte") => ScalarType::Bytes,
                ("string", _) => ScalarType::Formatted,
                (other, _) => {
                    return Err(TableError::schema(at, format!("type {other:?} is unknown")));
                }
            }),
        })
    }

    fn map(&mut self, schema: &Value, at: &str, preserves: bool, left: usize) -> Result<Body, TableError> {
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut fields = Vec::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let id = self.reference(property, &format!("{at}.{name}"), preserves, left)?;
            let text = |name: &str| property[name].as_str();
            let strategy = text("x-kubernetes-patch-strategy").unwrap_or_default();
            fields.push(FieldDef {
                name: Arc::from(name.as_str()),
                id,
                required: required.iter().any(|required| required == name),
                default: property.get("default").filter(|default| !default.is_null()).cloned(),
                patch_strategy: strategy.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
                patch_merge_key: text("x-kubernetes-patch-merge-key").map(str::to_owned),
            });
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let below = &schema["additionalProperties"];
        let element = match below {
            Value::Null if preserves || fields.is_empty() => Some(self.deduced),
            Value::Null | Value::Bool(false) => None,
            Value::Bool(true) => Some(self.deduced),
            below => Some(self.reference(below, &format!("{at}.*"), preserves, left)?),
        };
        let free_form = fields.is_empty()
            && match below {
                Value::Object(_) => below["type"].is_null() && reference_name(below).is_none(),
                _ => element.is_some(),
            };
        Ok(Body::Map { fields, element, map_type: map_type(schema, at)?, free_form })
    }

    fn list(&mut self, schema: &Value, at: &str, preserves: bool, left: usize) -> Result<Body, TableError> {
        let Some(items @ Value::Object(_)) = schema.get("items") else {
            return Err(TableError::schema(at, "is an array without `items`"));
        };
        let element = self.reference(items, &format!("{at}[]"), preserves, left)?;
        let text = |name: &str| schema[name].as_str();
        let keys = |names: &Value| -> Vec<Arc<str>> {
            names.as_array().into_iter().flatten().filter_map(Value::as_str).map(Arc::from).collect()
        };
        let (list_type, keys) = match (text("x-kubernetes-list-type"), text("x-kubernetes-patch-strategy")) {
            (Some("atomic"), _) | (None, None | Some("retainKeys" | "replace")) => {
                (ListType::Atomic, Vec::new())
            }
            (Some("set"), _) => (ListType::Set, Vec::new()),
            (Some("map"), _) => (ListType::Map, keys(&schema["x-kubernetes-list-map-keys"])),
            (None, Some("merge" | "merge,retainKeys")) => match text("x-kubernetes-patch-merge-key") {
                Some(key) => (ListType::Map, vec![Arc::from(key)]),
                None => (ListType::Set, Vec::new()),
            },
            (Some(other), _) | (None, Some(other)) => {
                return Err(TableError::schema(at, format!("list type {other:?} is unknown")));
            }
        };
        if list_type == ListType::Map && keys.is_empty() {
            return Err(TableError::schema(at, "is a list of type map without keys"));
        }
        Ok(Body::List { element, list_type, keys })
    }

    fn reference(
        &mut self,
        schema: &Value,
        at: &str,
        preserves: bool,
        left: usize,
    ) -> Result<TypeId, TableError> {
        let Some(name) = reference_name(schema) else {
            let body = self.body(schema, at, preserves, left)?;
            return Ok(self.table.intern(body));
        };
        let of = self.table.declare(name);
        Ok(match map_type(schema, at)? {
            None => of,
            Some(map_type) => self.table.intern(Body::Copy { of, map_type }),
        })
    }
}

/// The name that a schema refers to, directly or inside an `allOf` of one.
fn reference_name(schema: &Value) -> Option<&str> {
    let direct = schema["$ref"].as_str();
    let reference = direct.or_else(|| match schema["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) => only["$ref"].as_str(),
        _ => None,
    })?;
    let name = reference.rsplit_once('/').map_or(reference, |(_, name)| name);
    (!name.is_empty()).then_some(name)
}

fn map_type(schema: &Value, at: &str) -> Result<Option<MapType>, TableError> {
    match &schema["x-kubernetes-map-type"] {
        Value::Null => Ok(None),
        Value::String(kind) if kind == "atomic" => Ok(Some(MapType::Atomic)),
        Value::String(kind) if kind == "granular" => Ok(Some(MapType::Granular)),
        other => Err(TableError::schema(at, format!("map type {other} is unknown"))),
    }
}
