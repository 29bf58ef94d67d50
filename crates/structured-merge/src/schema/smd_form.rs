//! The form in which the Go library writes schemas (`types: [{name, map: {fields: …}}]`).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::MAX_SCHEMA_DEPTH;
use super::deduced::UNTYPED_DEDUCED;
use super::table::{FieldDef, ListDef, ListRelation, MapDef, TypeDef};
use super::{Scalar, SchemaError, Table, TypeId};

impl Table {
    /// Reads a schema in the form of the Go library structured-merge-diff.
    ///
    /// # Errors
    /// Fails when the document is not of that form. A reference to a type that is not there is no
    /// error: only values of that type are invalid.
    ///
    /// ```
    /// use serde_json::json;
    /// use structured_merge::schema::Table;
    /// let table = Table::from_smd(&json!({"types": [{
    ///     "name": "config",
    ///     "map": {"fields": [{"name": "tags", "type": {"list": {
    ///         "elementType": {"scalar": "string"}, "elementRelationship": "associative",
    ///     }}}]},
    /// }]}))?;
    /// let config = table.named("config").expect("the document has it");
    /// let merged = config.merge(&json!({"tags": ["a"]}), &json!({"tags": ["b"]}))?;
    /// assert_eq!(merged, json!({"tags": ["a", "b"]}));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_smd(document: &Value) -> Result<Self, SchemaError> {
        let mut reader = Reader::default();
        let document = expect_fields(document, "", &["types"])?;
        let types = match document.get("types") {
            None | Some(Value::Null) => &Vec::new(),
            Some(Value::Array(types)) => types,
            Some(_) => return Err(SchemaError::new(".types", "is not a list")),
        };
        for (position, entry) in types.iter().enumerate() {
            let at = format!(".types[{position}]");
            let entry = expect_fields(entry, &at, &["name", "scalar", "list", "map", "untyped"])?;
            let name = text(entry, "name", &at)?.unwrap_or_default();
            if !reader.defined.insert(name.to_owned()) {
                return Err(SchemaError::new(at, format!("type {name:?} is defined twice")));
            }
            let def = reader.atom(entry, &at, MAX_SCHEMA_DEPTH)?;
            let id = reader.table.declare(name);
            reader.table.define(id, def);
        }
        reader.resolve_overrides();
        Ok(reader.table)
    }
}

#[derive(Default)]
struct Reader {
    table: Table,
    defined: std::collections::HashSet<String>,
    /// References that change the granularity of what they refer to.
    overrides: Vec<Override>,
}

struct Override {
    id: TypeId,
    of: TypeId,
    relation: String,
}

impl Reader {
    fn atom(&mut self, entry: &Map<String, Value>, at: &str, left: usize) -> Result<TypeDef, SchemaError> {
        let left = left.checked_sub(1).ok_or_else(|| SchemaError::new(at, "nested too deep"))?;
        let scalar = text(entry, "scalar", at)?.map(|scalar| match scalar {
            "numeric" => Scalar::Numeric,
            "string" => Scalar::String,
            "boolean" => Scalar::Boolean,
            "untyped" => Scalar::Untyped,
            _ => Scalar::Unknown,
        });
        let list = match present(entry, "list") {
            Some(list) => Some(self.list(list, &format!("{at}.list"), left)?),
            None => None,
        };
        let map = match present(entry, "map") {
            Some(map) => Some(self.map(map, &format!("{at}.map"), left)?),
            None => None,
        };
        Ok(TypeDef { scalar, list, map })
    }

    fn list(&mut self, list: &Value, at: &str, left: usize) -> Result<ListDef, SchemaError> {
        let list = expect_fields(list, at, &["elementType", "elementRelationship", "keys"])?;
        let relation = match text(list, "elementRelationship", at)? {
            Some("atomic") => ListRelation::Atomic,
            Some("associative") => ListRelation::Associative,
            _ => ListRelation::Unspecified,
        };
        let keys = match present(list, "keys") {
            None => Vec::new(),
            Some(Value::Array(keys)) => keys
                .iter()
                .map(|key| key.as_str().map(Arc::from))
                .collect::<Option<_>>()
                .ok_or_else(|| SchemaError::new(format!("{at}.keys"), "is not a list of strings"))?,
            Some(_) => return Err(SchemaError::new(format!("{at}.keys"), "is not a list of strings")),
        };
        let element = match present(list, "elementType") {
            Some(element) => self.reference(element, &format!("{at}.elementType"), left)?,
            None => None,
        };
        let element = element.unwrap_or_else(|| self.table.add(TypeDef::default()));
        Ok(ListDef { element, relation, keys })
    }

    fn map(&mut self, map: &Value, at: &str, left: usize) -> Result<MapDef, SchemaError> {
        let map = expect_fields(map, at, &["fields", "unions", "elementType", "elementRelationship"])?;
        let mut fields = Vec::new();
        match present(map, "fields") {
            None => {}
            Some(Value::Array(entries)) => {
                for (position, entry) in entries.iter().enumerate() {
                    fields.push(self.field(entry, &format!("{at}.fields[{position}]"), left)?);
                }
            }
            Some(_) => return Err(SchemaError::new(format!("{at}.fields"), "is not a list")),
        }
        fields.sort_by(|a: &FieldDef, b| a.name.cmp(&b.name));
        if let Some(twice) = fields.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(SchemaError::new(at, format!("field {:?} is defined twice", twice[0].name)));
        }
        let element = match present(map, "elementType") {
            Some(element) => self.reference(element, &format!("{at}.elementType"), left)?,
            None => None,
        };
        let untyped_element = present(map, "elementType").is_some_and(|element| {
            element["namedType"] == UNTYPED_DEDUCED
                || (element["namedType"].is_null() && element["scalar"] == "untyped")
        });
        let atomic = text(map, "elementRelationship", at)? == Some("atomic");
        Ok(MapDef { fields, element, atomic, untyped_element })
    }

    fn field(&mut self, entry: &Value, at: &str, left: usize) -> Result<FieldDef, SchemaError> {
        let entry = expect_fields(entry, at, &["name", "type", "default"])?;
        let name = text(entry, "name", at)?.unwrap_or_default();
        let id = match present(entry, "type") {
            Some(reference) => self.reference(reference, &format!("{at}.type"), left)?,
            None => None,
        };
        let id = id.unwrap_or_else(|| self.table.add(TypeDef::default()));
        Ok(FieldDef { name: name.into(), id, default: present(entry, "default").cloned() })
    }

    /// Reads a reference; `None` when it says nothing at all.
    fn reference(&mut self, entry: &Value, at: &str, left: usize) -> Result<Option<TypeId>, SchemaError> {
        let known = ["namedType", "scalar", "list", "map", "untyped", "elementRelationship"];
        let entry = expect_fields(entry, at, &known)?;
        let relation = text(entry, "elementRelationship", at)?;
        let id = match text(entry, "namedType", at)? {
            Some(name) => self.table.declare(name),
            None => {
                let def = self.atom(entry, at, left)?;
                if def.scalar.is_none() && def.list.is_none() && def.map.is_none() && relation.is_none() {
                    return Ok(None);
                }
                self.table.add(def)
            }
        };
        Ok(Some(match relation {
            None => id,
            Some(relation) => {
                let override_id = self.table.add(TypeDef::default());
                self.overrides.push(Override { id: override_id, of: id, relation: relation.to_owned() });
                override_id
            }
        }))
    }

    /// Copies the types that are referred to with another granularity. A scalar has none, so such a
    /// reference stays without a type.
    fn resolve_overrides(&mut self) {
        for Override { id, of, relation } in std::mem::take(&mut self.overrides) {
            let Some(mut def) = self.table.def(of).cloned() else { continue };
            if let Some(map) = &mut def.map {
                map.atomic = relation == "atomic";
            } else if let Some(list) = &mut def.list {
                list.relation = match relation.as_str() {
                    "atomic" => ListRelation::Atomic,
                    "associative" => ListRelation::Associative,
                    _ => ListRelation::Unspecified,
                };
            } else {
                continue;
            }
            self.table.define(id, def);
        }
    }
}

fn present<'a>(entry: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    entry.get(name).filter(|value| !value.is_null())
}

fn text<'a>(entry: &'a Map<String, Value>, name: &str, at: &str) -> Result<Option<&'a str>, SchemaError> {
    match present(entry, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(SchemaError::new(format!("{at}.{name}"), "is not a string")),
    }
}

fn expect_fields<'a>(
    value: &'a Value,
    at: &str,
    known: &[&str],
) -> Result<&'a Map<String, Value>, SchemaError> {
    let Value::Object(map) = value else { return Err(SchemaError::new(at, "is not a map")) };
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(map),
        Some(unknown) => Err(SchemaError::new(at, format!("field {unknown:?} is unknown"))),
    }
}
