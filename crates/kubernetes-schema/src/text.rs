//! The text form of a table: what is checked in.
//!
//! One line a type, one line a field, columns separated by tabs:
//!
//! ```text
//! server  v1.35.4
//! io.k8s.api.core.v1.Container
//!     image   string
//!     name    string  required    default=""
//!     ports   map(containerPort,protocol)[]&io.k8s.api.core.v1.ContainerPort  patch=merge key=containerPort
//! ```
//!
//! Type expressions: a scalar (`string`, `bytes`, `formatted`, `integer`, `number`, `boolean`,
//! `quantity`), `any`, `&name` another type, `atomic[]T` `set[]T` `map(k,k)[]T` lists, `{}T` a map,
//! `atomic:T` `granular:T` a map or a reference with its granularity, `{*}` a map of anything.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;
use structured_merge::schema::TypeId;

use crate::error::TableError;
use crate::table::{ATOMIC, Body, DEDUCED, FieldDef, ListType, MapType, ScalarType, Table};

const SCALARS: [(&str, ScalarType); 7] = [
    ("string", ScalarType::String),
    ("bytes", ScalarType::Bytes),
    ("formatted", ScalarType::Formatted),
    ("integer", ScalarType::Integer),
    ("number", ScalarType::Number),
    ("boolean", ScalarType::Boolean),
    ("quantity", ScalarType::Quantity),
];

impl Table {
    /// Returns the table as text.
    ///
    /// # Errors
    /// Fails when a field has a struct without a name: only custom resources have such.
    pub fn to_text(&self) -> Result<String, TableError> {
        let mut text = format!("server\t{}\n", self.server);
        for (name, id) in &self.names {
            if [ATOMIC, DEDUCED].contains(&name.as_ref()) {
                continue;
            }
            text.push_str(name);
            for ((group, version, kind), _) in self.kinds.iter().filter(|(_, of)| *of == id) {
                let _ = write!(text, "\t{group}/{version}/{kind}");
            }
            match self.def(*id).map(|def| &def.body) {
                Some(Body::Map { fields, element, map_type, .. }) if !fields.is_empty() => {
                    if *map_type == Some(MapType::Atomic) {
                        text.push_str("\tatomic");
                    }
                    if let Some(element) = element {
                        let _ = write!(text, "\t{{}}{}", self.expression(*element, name)?);
                    }
                    text.push('\n');
                    for field in fields {
                        self.write_field(field, name, &mut text)?;
                    }
                }
                Some(Body::Missing) | None => text.push_str("\tmissing\n"),
                Some(body) => {
                    let _ = writeln!(text, "\t= {}", self.body_expression(body, name)?);
                }
            }
        }
        Ok(text)
    }

    fn write_field(&self, field: &FieldDef, of: &str, text: &mut String) -> Result<(), TableError> {
        let at = format!("{of}.{}", field.name);
        let _ = write!(text, "\t{}\t{}", field.name, self.expression(field.id, &at)?);
        if field.required {
            text.push_str("\trequired");
        }
        if let Some(default) = &field.default {
            let _ = write!(text, "\tdefault={default}");
        }
        if !field.patch_strategy.is_empty() {
            let _ = write!(text, "\tpatch={}", field.patch_strategy.join(","));
        }
        if let Some(key) = &field.patch_merge_key {
            let _ = write!(text, "\tkey={key}");
        }
        text.push('\n');
        Ok(())
    }

    fn expression(&self, id: TypeId, at: &str) -> Result<String, TableError> {
        match self.def(id) {
            Some(def) => match &def.name {
                Some(name) => Ok(format!("&{name}")),
                None => self.body_expression(&def.body, at),
            },
            None => Err(TableError::schema(at, "has no type")),
        }
    }

    fn body_expression(&self, body: &Body, at: &str) -> Result<String, TableError> {
        let granularity = |map_type: Option<MapType>| match map_type {
            Some(MapType::Atomic) => "atomic:",
            Some(MapType::Granular) => "granular:",
            None => "",
        };
        Ok(match body {
            Body::Scalar(scalar) => {
                let name = SCALARS.iter().find(|(_, candidate)| candidate == scalar).map(|(name, _)| *name);
                name.unwrap_or_default().to_owned()
            }
            Body::Any { element, .. } => {
                if self.names.get(ATOMIC) == Some(element) { "any-atomic" } else { "any" }.to_owned()
            }
            Body::List { element, list_type, keys } => {
                let list = match list_type {
                    ListType::Atomic => "atomic[]".to_owned(),
                    ListType::Set => "set[]".to_owned(),
                    ListType::Map => format!("map({})[]", keys.join(",")),
                };
                list + &self.expression(*element, at)?
            }
            Body::Map { fields, element: Some(element), map_type, free_form } if fields.is_empty() => {
                let element = self.expression(*element, at)?;
                let is_deduced = *free_form && element == format!("&{DEDUCED}");
                let map = if is_deduced { "{*}".to_owned() } else { format!("{{}}{element}") };
                format!("{}{map}", granularity(*map_type))
            }
            Body::Copy { of, map_type } => {
                format!("{}{}", granularity(Some(*map_type)), self.expression(*of, at)?)
            }
            Body::Map { .. } | Body::Missing => {
                return Err(TableError::schema(at, "is a struct without a name"));
            }
        })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Names the first line that cannot be read.
    pub fn from_text(text: &str) -> Result<Self, TableError> {
        let mut table = Self::default();
        table.untyped();
        let mut current: Option<TypeId> = None;
        for (position, line) in text.lines().enumerate() {
            let malformed = || TableError::Line { line: position + 1, text: line.to_owned() };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(version) = line.strip_prefix("server\t") {
                table.server = version.to_owned();
            } else if let Some(field) = line.strip_prefix('\t') {
                let field = table.parse_field(field).ok_or_else(malformed)?;
                let def = current.and_then(|id| table.types.get_mut(id.0 as usize)).ok_or_else(malformed)?;
                let Body::Map { fields, .. } = &mut def.body else { return Err(malformed()) };
                if fields.last().is_some_and(|last| last.name >= field.name) {
                    return Err(malformed());
                }
                fields.push(field);
            } else {
                current = Some(table.parse_type(line).ok_or_else(malformed)?);
            }
        }
        Ok(table)
    }

    fn parse_type(&mut self, line: &str) -> Option<TypeId> {
        let mut columns = line.split('\t');
        let id = self.declare(columns.next()?);
        let mut body = Body::Map { fields: Vec::new(), element: None, map_type: None, free_form: false };
        for column in columns {
            if let Some(expression) = column.strip_prefix("= ") {
                body = self.parse_body(expression)?;
            } else if column == "missing" {
                body = Body::Missing;
            } else if let Body::Map { element, map_type, .. } = &mut body {
                if column == "atomic" {
                    *map_type = Some(MapType::Atomic);
                } else if let Some(expression) = column.strip_prefix("{}") {
                    *element = Some(self.parse_expression(expression)?);
                } else {
                    let mut kind = column.splitn(3, '/');
                    let kind = (kind.next()?.to_owned(), kind.next()?.to_owned(), kind.next()?.to_owned());
                    self.kinds.insert(kind, id);
                }
            } else {
                return None;
            }
        }
        self.define(id, body);
        Some(id)
    }

    fn parse_field(&mut self, line: &str) -> Option<FieldDef> {
        let mut columns = line.split('\t');
        let mut field = FieldDef {
            name: Arc::from(columns.next()?),
            id: self.parse_expression(columns.next()?)?,
            required: false,
            default: None,
            patch_strategy: Vec::new(),
            patch_merge_key: None,
        };
        for column in columns {
            match column.split_once('=') {
                None if column == "required" => field.required = true,
                Some(("default", default)) => {
                    field.default = Some(serde_json::from_str::<Value>(default).ok()?)
                }
                Some(("patch", strategy)) => {
                    field.patch_strategy = strategy.split(',').map(str::to_owned).collect();
                }
                Some(("key", key)) => field.patch_merge_key = Some(key.to_owned()),
                _ => return None,
            }
        }
        Some(field)
    }

    fn parse_expression(&mut self, expression: &str) -> Option<TypeId> {
        if let Some(name) = expression.strip_prefix('&') {
            return Some(self.declare(name));
        }
        let body = self.parse_body(expression)?;
        Some(self.intern(body))
    }

    fn parse_body(&mut self, expression: &str) -> Option<Body> {
        if let Some((_, scalar)) = SCALARS.iter().find(|(name, _)| *name == expression) {
            return Some(Body::Scalar(*scalar));
        }
        let (atomic, deduced) = self.untyped();
        if expression == "any" {
            return Some(Body::Any { element: deduced, list_element: atomic });
        }
        if expression == "any-atomic" {
            return Some(Body::Any { element: atomic, list_element: atomic });
        }
        for (prefix, kind) in [("atomic:", MapType::Atomic), ("granular:", MapType::Granular)] {
            let Some(rest) = expression.strip_prefix(prefix) else { continue };
            return match rest.strip_prefix('&') {
                Some(name) => Some(Body::Copy { of: self.declare(name), map_type: kind }),
                None => match self.parse_body(rest)? {
                    Body::Map { fields, element, free_form, .. } => {
                        Some(Body::Map { fields, element, map_type: Some(kind), free_form })
                    }
                    _ => None,
                },
            };
        }
        let map = |element, free_form| Body::Map {
            fields: Vec::new(),
            element: Some(element),
            map_type: None,
            free_form,
        };
        if expression == "{*}" {
            return Some(map(deduced, true));
        }
        if let Some(element) = expression.strip_prefix("{}") {
            let element = self.parse_expression(element)?;
            let is_any = matches!(self.def(element)?.body, Body::Any { .. });
            return Some(map(element, is_any && self.def(element)?.name.is_none()));
        }
        let (list, element) = expression.split_once("[]")?;
        let (list_type, keys) = match list {
            "atomic" => (ListType::Atomic, Vec::new()),
            "set" => (ListType::Set, Vec::new()),
            keys => {
                let keys = keys.strip_prefix("map(")?.strip_suffix(')')?;
                (ListType::Map, keys.split(',').map(Arc::from).collect())
            }
        };
        Some(Body::List { element: self.parse_expression(element)?, list_type, keys })
    }
}
