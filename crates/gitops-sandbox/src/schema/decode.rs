//! Reading objects of built-in kinds as Go does: what is not declared is dropped, what is empty is left out.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::go_types::{GoField, GoStruct, GoType, go_types};
use super::times;
use gitops_expr::Quantity;

/// What was read besides the object.
#[derive(Default)]
pub(crate) struct Findings {
    /// Paths of fields that are not declared (`spec.containers[0].imag`).
    pub(crate) unknown: Vec<String>,
    /// The top-level fields of a custom resource that reading gave another shape.
    pub(crate) reshaped: Vec<String>,
}

/// Why a value is not of its type; the text is Go's.
#[derive(Debug)]
pub(crate) struct Mismatch(pub(crate) String);

/// Returns the object in the form in which the server writes it.
pub(crate) fn decode(value: &Value, of: &GoStruct, findings: &mut Findings) -> Result<Value, Mismatch> {
    let mut value = value.clone();
    decode_in_place(&mut value, of, findings)?;
    Ok(value)
}

/// Brings an object into the form in which the server writes it. On an error it is left half done.
pub(crate) fn decode_in_place(
    value: &mut Value,
    of: &GoStruct,
    findings: &mut Findings,
) -> Result<(), Mismatch> {
    let mut reader = Reader { findings, path: String::new() };
    reader.object(value, of, None)
}

/// Returns what Go writes of an empty struct.
pub(crate) fn zero(of: &GoStruct) -> Value {
    let mut map = Map::new();
    for field in of.fields.iter().filter(|field| field.name != "+") {
        if let Some(zero) = absent(field) {
            map.insert(field.name.to_owned(), zero);
        }
    }
    Value::Object(map)
}

/// Returns what is written of a field that was not given; `None` if nothing is.
fn absent(field: &GoField) -> Option<Value> {
    if field.omit_zero {
        return None;
    }
    match &field.of {
        GoType::Struct(name) => Some(go_types().named(name).map_or_else(|| json!({}), zero)),
        // Structs that write themselves are never empty to Go's omitempty.
        GoType::Time | GoType::MicroTime => Some(Value::Null),
        GoType::Quantity => Some(json!("0")),
        GoType::IntOrString => Some(json!(0)),
        GoType::Duration => Some(json!("0s")),
        GoType::Fields | GoType::Raw if !field.omit_empty => Some(Value::Null),
        _ if field.omit_empty => None,
        GoType::Bool => Some(json!(false)),
        GoType::Int(_) | GoType::Float(_) => Some(json!(0)),
        GoType::String(_) => Some(json!("")),
        _ => Some(Value::Null),
    }
}

fn is_empty(value: &Value, of: &GoType) -> bool {
    match (value, of) {
        (Value::Null, _) => true,
        (_, GoType::Struct(_) | GoType::Pointer(_)) => false,
        (_, GoType::Quantity | GoType::IntOrString | GoType::Time | GoType::MicroTime) => false,
        (Value::Bool(value), _) => !value,
        (Value::Number(number), _) => number.as_f64() == Some(0.0),
        (Value::String(text), _) => text.is_empty(),
        (Value::Array(items), _) => items.is_empty(),
        (Value::Object(map), GoType::Map(_)) => map.is_empty(),
        (Value::Object(_), _) => false,
    }
}

struct Reader<'f> {
    findings: &'f mut Findings,
    path: String,
}

/// Where a value stands, for errors: the struct that has it and the path from there.
type Place<'p> = Option<&'p str>;

impl Reader<'_> {
    fn object(&mut self, value: &mut Value, of: &GoStruct, owner: Place<'_>) -> Result<(), Mismatch> {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => {
                *value = zero(of);
                return Ok(());
            }
            other => return Err(self.mismatch(other, &of.short(), owner)),
        };
        let name = of.name.rsplit('.').next().unwrap_or_default();
        let mut known = 0;
        for field in of.fields.iter().filter(|field| field.name != "+") {
            let given = map.get_mut(field.name);
            known += usize::from(given.is_some());
            let keep = match given {
                Some(given) if !given.is_null() => {
                    let length = self.path.len();
                    if length > 0 {
                        self.path.push('.');
                    }
                    self.path.push_str(field.name);
                    let read = self.value(given, &field.of, Some(name));
                    self.path.truncate(length);
                    read?;
                    let left_out = (field.omit_empty && is_empty(given, &field.of))
                        || (field.omit_zero && is_nothing(given));
                    !left_out
                }
                given => match (given, absent(field)) {
                    (Some(given), Some(zero)) => {
                        *given = zero;
                        true
                    }
                    (None, Some(zero)) => {
                        map.insert(field.name.to_owned(), zero);
                        known += 1;
                        true
                    }
                    (given, None) => given.is_none(),
                },
            };
            if !keep {
                map.remove(field.name);
                known -= 1;
            }
        }
        if map.len() > known {
            let separator = if self.path.is_empty() { "" } else { "." };
            let path = plain_path(&self.path);
            map.retain(|key, _| {
                let is_known = of.field(key).is_some();
                if !is_known {
                    self.findings.unknown.push(format!("{path}{separator}{key}"));
                }
                is_known
            });
        }
        Ok(())
    }

    fn mismatch(&self, value: &Value, wanted: &str, owner: Place<'_>) -> Mismatch {
        let found = match value {
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if wanted.starts_with("int") => format!("number {number}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
            Value::Null => "null".to_owned(),
        };
        let found = if matches!(value, Value::Number(number) if number.is_i64() && !wanted.starts_with("int"))
        {
            "number".to_owned()
        } else {
            found
        };
        let mut path = String::new();
        let mut depth = 0;
        for c in self.path.chars() {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                c if depth == 0 => path.push(c),
                _ => {}
            }
        }
        Mismatch(match owner {
            Some(owner) => {
                format!("json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {wanted}")
            }
            None => format!("json: cannot unmarshal {found} into Go value of type {wanted}"),
        })
    }

    fn value(&mut self, value: &mut Value, of: &GoType, owner: Place<'_>) -> Result<(), Mismatch> {
        let is_right = match of {
            GoType::Pointer(of) => return self.value(value, of, owner),
            GoType::Struct(name) => match go_types().named(name) {
                Some(of) => return self.object(value, of, owner),
                None => true,
            },
            GoType::Bool => value.is_boolean(),
            GoType::Int(name) => matches!(value, Value::Number(number) if fits(number, name)),
            GoType::Float(_) => value.is_number(),
            GoType::String(_) | GoType::Duration => value.is_string(),
            GoType::Bytes => match value {
                Value::String(text) => return read_bytes(text),
                _ => false,
            },
            GoType::Slice(of) => match value {
                Value::Array(items) => return self.items(items, of, owner),
                _ => false,
            },
            GoType::Map(of) => match value {
                Value::Object(map) => return self.entries(map, of, owner),
                _ => false,
            },
            GoType::Time => match value {
                Value::String(text) => {
                    *text = times::seconds(text).map_err(Mismatch)?;
                    true
                }
                _ => return Err(self.mismatch(value, "string", None)),
            },
            GoType::MicroTime => match value {
                Value::String(text) => {
                    *text = times::microseconds(text).map_err(Mismatch)?;
                    true
                }
                _ => return Err(self.mismatch(value, "string", None)),
            },
            GoType::Quantity => {
                let text = match value {
                    Value::String(text) => Quantity::parse(text.trim()),
                    Value::Number(number) => Quantity::parse(&number.to_string()),
                    _ => None,
                };
                let Some(quantity) = text else { return Err(Mismatch(QUANTITY.to_owned())) };
                *value = json!(quantity.canonical());
                true
            }
            GoType::IntOrString => match value {
                Value::String(_) => true,
                Value::Number(number) if fits(number, "int32") => true,
                other => return Err(self.mismatch(other, "int32", None)),
            },
            GoType::SchemaOrArray => match value {
                Value::Array(items) => return items.iter_mut().try_for_each(|item| self.schema(item)),
                other => return self.schema(other),
            },
            GoType::SchemaOrBool if !value.is_boolean() => return self.schema(value),
            GoType::SchemaOrStrings if !value.is_array() => return self.schema(value),
            GoType::SchemaOrBool | GoType::SchemaOrStrings | GoType::Fields | GoType::Raw => true,
        };
        if is_right { Ok(()) } else { Err(self.mismatch(value, &of.name(), owner)) }
    }

    fn items(&mut self, items: &mut [Value], of: &GoType, owner: Place<'_>) -> Result<(), Mismatch> {
        for (position, item) in items.iter_mut().enumerate() {
            if item.is_null() {
                *item = nothing(of);
                continue;
            }
            let length = self.path.len();
            // Writing to a text cannot fail.
            let _ = write!(self.path, "[{position}]");
            let read = self.value(item, of, owner);
            self.path.truncate(length);
            read?;
        }
        Ok(())
    }

    fn entries(
        &mut self,
        map: &mut Map<String, Value>,
        of: &GoType,
        owner: Place<'_>,
    ) -> Result<(), Mismatch> {
        for (key, item) in map {
            if item.is_null() {
                *item = nothing(of);
                continue;
            }
            let length = self.path.len();
            // Go's errors do not name the keys of maps: what is in brackets is left out of them.
            self.path.push_str("[.");
            self.path.push_str(key);
            self.path.push(']');
            let read = self.value(item, of, owner);
            self.path.truncate(length);
            read?;
        }
        Ok(())
    }

    fn schema(&mut self, value: &mut Value) -> Result<(), Mismatch> {
        let name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
        match go_types().named(name) {
            Some(of) => self.object(value, of, None),
            None => Ok(()),
        }
    }
}

/// Returns the zero value, which is what a null in a list or a map is.
fn nothing(of: &GoType) -> Value {
    match of {
        GoType::Struct(name) => go_types().named(name).map_or_else(|| json!({}), zero),
        GoType::Bool => json!(false),
        GoType::Int(_) | GoType::Float(_) | GoType::IntOrString => json!(0),
        GoType::String(_) | GoType::Bytes => json!(""),
        GoType::Quantity => json!("0"),
        _ => Value::Null,
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Reads bytes in base64; Go's decoder skips line ends.
fn read_bytes(text: &mut String) -> Result<(), Mismatch> {
    let given = if text.contains(['\n', '\r']) { Some(text.clone()) } else { None };
    if given.is_some() {
        text.retain(|c| !matches!(c, '\n' | '\r'));
    }
    match base64::engine::general_purpose::STANDARD.decode(&*text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Mismatch(format!(
            "illegal base64 data at input byte {}",
            illegal_byte(given.as_deref().unwrap_or(text), &error)
        ))),
    }
}

/// Writes keys of maps as fields: `spec[.a].b` is `spec.a.b`.
fn plain_path(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut in_key = false;
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '[' if chars.peek() == Some(&'.') => in_key = true,
            ']' if in_key => in_key = false,
            c => plain.push(c),
        }
    }
    plain
}

const QUANTITY: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

fn fits(number: &serde_json::Number, name: &str) -> bool {
    let Some(value) = number.as_i64() else {
        return name == "uint64" && number.is_u64();
    };
    match name.rsplit('.').next().unwrap_or(name) {
        "int32" => i32::try_from(value).is_ok(),
        "int16" => i16::try_from(value).is_ok(),
        "int8" => i8::try_from(value).is_ok(),
        "uint32" => u32::try_from(value).is_ok(),
        "uint16" => u16::try_from(value).is_ok(),
        "uint8" => u8::try_from(value).is_ok(),
        "uint64" | "uint" => value >= 0,
        _ => true,
    }
}

fn illegal_byte(text: &str, error: &base64::DecodeError) -> usize {
    match error {
        base64::DecodeError::InvalidByte(position, _)
        | base64::DecodeError::InvalidLastSymbol(position, _) => *position,
        _ => text.len() / 4 * 4,
    }
}
