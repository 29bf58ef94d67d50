//! Schemas from OpenAPI v3 documents and from CRDs, by their `x-kubernetes-*` extensions.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};

use super::deduced::add_untyped;
use super::table::{FieldDef, ListDef, ListRelation, MapDef, TypeDef};
use super::{MAX_SCHEMA_DEPTH, Scalar, SchemaError, Table, TypeId};
use crate::value::{MAX_DEPTH, is_shallow};

/// Values of this type are numbers or strings, which its schema does not say.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
/// Values of this type are whole objects that somebody else understands.
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

impl Table {
    /// Reads the types of an OpenAPI v3 document: what stands under `components.schemas` of
    /// `/openapi/v3/apis/apps/v1`.
    ///
    /// Types are found by name and, where `x-kubernetes-group-version-kind` says so, by kind.
    ///
    /// # Errors
    /// Fails when an `x-kubernetes-*` extension contradicts itself or a list does not say of what.
    ///
    /// ```
    /// use serde_json::json;
    /// use structured_merge::schema::Table;
    /// let document = json!({"components": {"schemas": {"io.example.Site": {
    ///     "type": "object",
    ///     "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Site"}],
    ///     "properties": {"hosts": {
    ///         "type": "array",
    ///         "items": {"type": "string"},
    ///         "x-kubernetes-list-type": "set",
    ///     }},
    /// }}}});
    /// let table = Table::from_openapi(&document["components"]["schemas"])?;
    /// let site = table.kind("example.com", "v1", "Site").expect("the document has it");
    /// assert!(site.validate(&json!({"hosts": ["a", "a"]}), Default::default()).is_err());
    /// # Ok::<(), structured_merge::schema::SchemaError>(())
    /// ```
    pub fn from_openapi(schemas: &Value) -> Result<Self, SchemaError> {
        let Value::Object(schemas) = schemas else {
            return Err(SchemaError::new("components.schemas", "is not a map"));
        };
        let mut reader = Reader::new();
        for (name, schema) in schemas {
            reader.read_named(name, schema, false)?;
        }
        reader.finish()
    }

    /// Reads the type of a custom resource from its definition (`apiextensions.k8s.io/v1`).
    ///
    /// Every version that has a schema is read; each is found by group, version and kind. A version
    /// without a schema is not there: [`deduced`](super::deduced()) is its type.
    ///
    /// # Errors
    /// Fails when the value is no CRD, or a schema of it is invalid.
    pub fn from_crd(crd: &Value) -> Result<Self, SchemaError> {
        if !is_shallow(crd, MAX_DEPTH) {
            return Err(SchemaError::new("", "nested too deep"));
        }
        let spec = &crd["spec"];
        let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) else {
            return Err(SchemaError::new("spec", "has no group or no names.kind"));
        };
        let preserves = spec["preserveUnknownFields"] == true;
        let mut reader = Reader::new();
        if let Value::Object(metadata) = &*METADATA {
            for (name, schema) in metadata {
                reader.read_named(name, schema, false)?;
            }
        }
        for (position, version) in spec["versions"].as_array().into_iter().flatten().enumerate() {
            let schema = &version["schema"]["openAPIV3Schema"];
            let Some(name) = version["name"].as_str() else {
                return Err(SchemaError::new(format!("spec.versions[{position}]"), "has no name"));
            };
            if schema.is_null() {
                continue;
            }
            let mut schema = schema.clone();
            embed(&mut schema, MAX_SCHEMA_DEPTH)?;
            add_object_fields(&mut schema);
            let type_name = format!("{group}.{name}.{kind}");
            let id = reader.read_named(&type_name, &schema, preserves)?;
            reader.table.declare_kind(group, name, kind, id);
        }
        reader.finish()
    }
}

/// Gives every `x-kubernetes-embedded-resource` the fields that all objects have.
fn embed(schema: &mut Value, left: usize) -> Result<(), SchemaError> {
    let left = left.checked_sub(1).ok_or_else(|| SchemaError::new("schema", "nested too deep"))?;
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

struct Reader {
    table: Table,
    atomic: TypeId,
    deduced: TypeId,
    /// References that change the granularity of a map they refer to: the copy, what it is a copy of,
    /// and whether it is atomic.
    overrides: Vec<(TypeId, TypeId, bool)>,
}

impl Reader {
    fn new() -> Self {
        let mut table = Table::default();
        let (atomic, deduced) = add_untyped(&mut table);
        Self { table, atomic, deduced, overrides: Vec::new() }
    }

    fn finish(mut self) -> Result<Table, SchemaError> {
        for (id, of, atomic) in self.overrides {
            let Some(mut def) = self.table.def(of).cloned() else { continue };
            let Some(map) = &mut def.map else { continue };
            map.atomic = atomic;
            self.table.define(id, def);
        }
        Ok(self.table)
    }

    fn read_named(&mut self, name: &str, schema: &Value, preserves: bool) -> Result<TypeId, SchemaError> {
        let id = self.table.declare(name);
        let untyped = |reader: &Self| reader.table.def(reader.atomic).cloned().unwrap_or_default();
        let def = match name {
            QUANTITY => TypeDef { scalar: Some(Scalar::Untyped), ..TypeDef::default() },
            RAW_EXTENSION => untyped(self),
            // A type that is nothing but another one is not read: nothing refers to it.
            _ if reference_name(schema).is_some() => return Ok(id),
            _ => self.schema(schema, name, preserves, MAX_SCHEMA_DEPTH)?,
        };
        self.table.define(id, def);
        for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            if let (Some(group), Some(version), Some(kind)) =
                (kind["group"].as_str(), kind["version"].as_str(), kind["kind"].as_str())
            {
                self.table.declare_kind(group, version, kind, id);
            }
        }
        Ok(id)
    }

    fn schema(
        &mut self,
        schema: &Value,
        at: &str,
        preserves: bool,
        left: usize,
    ) -> Result<TypeDef, SchemaError> {
        let left = left.checked_sub(1).ok_or_else(|| SchemaError::new(at, "nested too deep"))?;
        let preserves = preserves || schema["x-kubernetes-preserve-unknown-fields"] == true;
        Ok(match schema["type"].as_str() {
            None => TypeDef {
                scalar: Some(Scalar::Untyped),
                list: Some(self.list(schema, at, preserves, left)?),
                map: Some(self.map(schema, at, preserves, left)?),
            },
            Some("object") => {
                TypeDef { map: Some(self.map(schema, at, preserves, left)?), ..TypeDef::default() }
            }
            Some("array") => {
                TypeDef { list: Some(self.list(schema, at, preserves, left)?), ..TypeDef::default() }
            }
            Some(kind) => {
                let scalar = match (kind, schema["format"].as_str().unwrap_or_default()) {
                    ("integer" | "number", _) => Scalar::Numeric,
                    ("boolean", _) => Scalar::Boolean,
                    ("string", "" | "byte") => Scalar::String,
                    // Times, int-or-string and what else has a format is written in several ways.
                    ("string", _) => Scalar::Untyped,
                    (other, _) => {
                        return Err(SchemaError::new(at, format!("type {other:?} is unknown")));
                    }
                };
                TypeDef { scalar: Some(scalar), ..TypeDef::default() }
            }
        })
    }

    fn map(&mut self, schema: &Value, at: &str, preserves: bool, left: usize) -> Result<MapDef, SchemaError> {
        let mut fields = Vec::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let id = self.reference(property, &format!("{at}.{name}"), preserves, left)?;
            let default = property.get("default").filter(|default| !default.is_null()).cloned();
            fields.push(FieldDef { name: Arc::from(name.as_str()), id, default });
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let element = match &schema["additionalProperties"] {
            Value::Null if preserves || fields.is_empty() => Some(self.deduced),
            Value::Null | Value::Bool(false) => None,
            Value::Bool(true) => Some(self.deduced),
            below => Some(self.reference(below, &format!("{at}.*"), preserves, left)?),
        };
        let untyped_element = match &schema["additionalProperties"] {
            Value::Object(below) => {
                !below.contains_key("$ref")
                    && reference_name(&schema["additionalProperties"]).is_none()
                    && element.and_then(|id| self.table.def(id)).and_then(|def| def.scalar)
                        == Some(Scalar::Untyped)
            }
            _ => element.is_some(),
        };
        Ok(MapDef { fields, element, atomic: map_type(schema, at)? == Some(true), untyped_element })
    }

    fn list(
        &mut self,
        schema: &Value,
        at: &str,
        preserves: bool,
        left: usize,
    ) -> Result<ListDef, SchemaError> {
        let (relation, keys) = list_type(schema, at)?;
        let element = match schema.get("items") {
            Some(items @ Value::Object(_)) => self.reference(items, &format!("{at}[]"), preserves, left)?,
            _ if schema["type"] == "array" => {
                return Err(SchemaError::new(at, "is an array without `items`"));
            }
            _ => self.atomic,
        };
        Ok(ListDef { element, relation, keys })
    }

    /// Reads the schema of a part, which may refer to a named type.
    fn reference(
        &mut self,
        schema: &Value,
        at: &str,
        preserves: bool,
        left: usize,
    ) -> Result<TypeId, SchemaError> {
        let Some(name) = reference_name(schema) else {
            let def = self.schema(schema, at, preserves, left)?;
            return Ok(self.table.add(def));
        };
        let id = self.table.declare(name);
        Ok(match map_type(schema, at)? {
            None => id,
            Some(atomic) => {
                let copy = self.table.add(TypeDef::default());
                self.overrides.push((copy, id, atomic));
                copy
            }
        })
    }
}

/// The name that a schema refers to, directly or, as OpenAPI v3 must when it says more about the
/// field, inside an `allOf` of one.
fn reference_name(schema: &Value) -> Option<&str> {
    let direct = schema["$ref"].as_str();
    let reference = direct.or_else(|| match schema["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) => only["$ref"].as_str(),
        _ => None,
    })?;
    let name = reference.rsplit_once('/').map_or(reference, |(_, name)| name);
    (!name.is_empty()).then_some(name)
}

/// Whether a map is atomic; `None` when the schema does not say.
fn map_type(schema: &Value, at: &str) -> Result<Option<bool>, SchemaError> {
    match &schema["x-kubernetes-map-type"] {
        Value::Null => Ok(None),
        Value::String(kind) if kind == "atomic" => Ok(Some(true)),
        Value::String(kind) if kind == "granular" => Ok(Some(false)),
        other => Err(SchemaError::new(at, format!("map type {other} is unknown"))),
    }
}

fn list_type(schema: &Value, at: &str) -> Result<(ListRelation, Vec<Arc<str>>), SchemaError> {
    match &schema["x-kubernetes-list-type"] {
        Value::Null => patch_strategy(schema, at),
        Value::String(kind) if kind == "atomic" => Ok((ListRelation::Atomic, Vec::new())),
        Value::String(kind) if kind == "set" => Ok((ListRelation::Associative, Vec::new())),
        Value::String(kind) if kind == "map" => {
            let Some(keys) = schema["x-kubernetes-list-map-keys"].as_array() else {
                return Err(SchemaError::new(at, "is a list of type map without keys"));
            };
            let keys = keys.iter().filter_map(Value::as_str).map(Arc::from).collect();
            Ok((ListRelation::Associative, keys))
        }
        other => Err(SchemaError::new(at, format!("list type {other} is unknown"))),
    }
}

/// Lists from before list types existed say how a strategic merge patch treats them.
fn patch_strategy(schema: &Value, at: &str) -> Result<(ListRelation, Vec<Arc<str>>), SchemaError> {
    match schema["x-kubernetes-patch-strategy"].as_str() {
        None | Some("retainKeys") => Ok((ListRelation::Atomic, Vec::new())),
        Some("merge" | "merge,retainKeys") => {
            let key = schema["x-kubernetes-patch-merge-key"].as_str().map(Arc::from);
            Ok((ListRelation::Associative, key.into_iter().collect()))
        }
        Some(other) => Err(SchemaError::new(at, format!("patch strategy {other:?} is unknown"))),
    }
}

/// What all objects have in common, for CRDs, whose schemas leave it out.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        OBJECT_META: {"type": "object", "properties": {
            "annotations": texts,
            "creationTimestamp": time,
            "deletionGracePeriodSeconds": {"type": "integer"},
            "deletionTimestamp": time,
            "finalizers": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "generateName": text,
            "generation": {"type": "integer"},
            "labels": texts,
            "managedFields": {
                "type": "array",
                "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "x-kubernetes-list-type": "atomic",
            },
            "name": text,
            "namespace": text,
            "ownerReferences": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["uid"],
                "items": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {
                    "apiVersion": {"type": "string", "default": ""},
                    "blockOwnerDeletion": {"type": "boolean"},
                    "controller": {"type": "boolean"},
                    "kind": {"type": "string", "default": ""},
                    "name": {"type": "string", "default": ""},
                    "uid": {"type": "string", "default": ""},
                }},
            },
            "resourceVersion": text,
            "selfLink": text,
            "uid": text,
        }},
    })
});
