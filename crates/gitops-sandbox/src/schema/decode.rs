//! Reading objects of built-in kinds as Go does: what is not declared is dropped, what is empty is left out.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::go_types::{GoField, GoStruct, GoType, go_types};
use super::quantity::Quantity;

/// What was read besides the object.
#[derive(Default)]
pub(crate) struct Findings {
    /// Paths of fields that are not declared (`spec.containers[0].imag`).
    pub(crate) unknown: Vec<String>,
}

/// Why a value is not of its type; the text is Go's.
#[derive(Debug)]
pub(crate) struct Mismatch(pub(crate) String);

/// Returns the object in the form in which the server writes it.
pub(crate) fn decode(value: &Value, of: &GoStruct, findings: &mut Findings) -> Result<Value, Mismatch> {
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
    fn object(&mut self, value: &Value, of: &GoStruct, owner: Place<'_>) -> Result<Value, Mismatch> {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => return Ok(zero(of)),
            other => return Err(self.mismatch(other, &of.short(), owner)),
        };
        let name = of.name.rsplit('.').next().unwrap_or_default();
        let mut result = Map::new();
        for field in of.fields.iter().filter(|field| field.name != "+") {
            let given = map.get(field.name).filter(|value| !value.is_null());
            let written = match given {
                None => absent(field),
                Some(given) => {
                    let length = self.path.len();
                    if length > 0 {
                        self.path.push('.');
                    }
                    self.path.push_str(field.name);
                    let read = self.value(given, &field.of, Some(name));
                    self.path.truncate(length);
                    let read = read?;
                    let left_out = (field.omit_empty && is_empty(&read, &field.of))
                        || (field.omit_zero && (read.is_null() || read == json!({})));
                    (!left_out).then_some(read)
                }
            };
            if let Some(written) = written {
                result.insert(field.name.to_owned(), written);
            }
        }
        for key in map.keys().filter(|key| of.field(key).is_none()) {
            let separator = if self.path.is_empty() { "" } else { "." };
            let path = plain_path(&self.path);
            self.findings.unknown.push(format!("{path}{separator}{key}"));
        }
        Ok(Value::Object(result))
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

    fn value(&mut self, value: &Value, of: &GoType, owner: Place<'_>) -> Result<Value, Mismatch> {
        let wrong = |reader: &Self| Err(reader.mismatch(value, &of.name(), owner));
        match of {
            GoType::Pointer(of) => self.value(value, of, owner),
            GoType::Struct(name) => match go_types().named(name) {
                Some(of) => self.object(value, of, owner),
                None => Ok(value.clone()),
            },
            GoType::Bool if value.is_boolean() => Ok(value.clone()),
            GoType::Int(name) => match value {
                Value::Number(number) if fits(number, name) => Ok(value.clone()),
                _ => wrong(self),
            },
            GoType::Float(_) if value.is_number() => Ok(value.clone()),
            GoType::String(_) if value.is_string() => Ok(value.clone()),
            GoType::Bytes => match value {
                Value::String(text) => {
                    // Go's decoder skips line ends.
                    let plain: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
                    match base64::engine::general_purpose::STANDARD.decode(&plain) {
                        Ok(_) => Ok(Value::String(plain)),
                        Err(error) => Err(Mismatch(format!(
                            "illegal base64 data at input byte {}",
                            illegal_byte(text, &error)
                        ))),
                    }
                }
                _ => wrong(self),
            },
            GoType::Slice(of) => {
                let Value::Array(items) = value else { return wrong(self) };
                let mut read = Vec::with_capacity(items.len());
                for (position, item) in items.iter().enumerate() {
                    let length = self.path.len();
                    self.path.push_str(&format!("[{position}]"));
                    let item = if item.is_null() { self.nothing(of) } else { self.value(item, of, owner) };
                    self.path.truncate(length);
                    read.push(item?);
                }
                Ok(Value::Array(read))
            }
            GoType::Map(of) => {
                let Value::Object(map) = value else { return wrong(self) };
                let mut read = Map::new();
                for (key, item) in map {
                    let length = self.path.len();
                    // Go's errors do not name the keys of maps: what is in brackets is left out of them.
                    self.path.push_str("[.");
                    self.path.push_str(key);
                    self.path.push(']');
                    let item = if item.is_null() { self.nothing(of) } else { self.value(item, of, owner) };
                    self.path.truncate(length);
                    read.insert(key.clone(), item?);
                }
                Ok(Value::Object(read))
            }
            GoType::Time => match value {
                Value::String(text) => match parse_time(text) {
                    Some(time) => Ok(Value::String(time)),
                    None => Err(Mismatch(time_error(text, "2006-01-02T15:04:05Z07:00"))),
                },
                _ => Err(self.mismatch(value, "string", None)),
            },
            GoType::MicroTime => match value {
                Value::String(text) => match text.parse::<jiff::Timestamp>() {
                    Ok(time) => Ok(json!(format!("{time:.6}"))),
                    Err(_) => Err(Mismatch(time_error(text, "2006-01-02T15:04:05.000000Z07:00"))),
                },
                _ => Err(self.mismatch(value, "string", None)),
            },
            GoType::Duration => {
                if value.is_string() {
                    Ok(value.clone())
                } else {
                    wrong(self)
                }
            }
            GoType::Quantity => {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => return Err(Mismatch(QUANTITY.to_owned())),
                };
                match Quantity::parse(&text) {
                    Some(quantity) => Ok(json!(quantity.canonical())),
                    None => Err(Mismatch(QUANTITY.to_owned())),
                }
            }
            GoType::IntOrString => match value {
                Value::String(_) => Ok(value.clone()),
                Value::Number(number) if fits(number, "int32") => Ok(value.clone()),
                other => Err(self.mismatch(other, "int32", None)),
            },
            GoType::SchemaOrArray => match value {
                Value::Array(items) => {
                    let items: Result<Vec<_>, _> = items.iter().map(|item| self.schema(item)).collect();
                    Ok(Value::Array(items?))
                }
                other => self.schema(other),
            },
            GoType::SchemaOrBool => {
                if value.is_boolean() {
                    Ok(value.clone())
                } else {
                    self.schema(value)
                }
            }
            GoType::SchemaOrStrings => {
                if value.is_array() {
                    Ok(value.clone())
                } else {
                    self.schema(value)
                }
            }
            GoType::Fields | GoType::Raw => Ok(value.clone()),
            _ => wrong(self),
        }
    }

    fn schema(&mut self, value: &Value) -> Result<Value, Mismatch> {
        let name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
        match go_types().named(name) {
            Some(of) => self.object(value, of, None),
            None => Ok(value.clone()),
        }
    }

    /// A null in a list or a map is the zero value.
    fn nothing(&mut self, of: &GoType) -> Result<Value, Mismatch> {
        Ok(match of {
            GoType::Struct(name) => go_types().named(name).map_or_else(|| json!({}), zero),
            GoType::Bool => json!(false),
            GoType::Int(_) | GoType::Float(_) | GoType::IntOrString => json!(0),
            GoType::String(_) | GoType::Bytes => json!(""),
            GoType::Quantity => json!("0"),
            _ => Value::Null,
        })
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

/// Returns a time in the form in which the server keeps it: seconds, UTC.
pub(crate) fn parse_time(text: &str) -> Option<String> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(jiff::Timestamp::from_second(time.as_second()).ok()?.to_string())
}

fn time_error(text: &str, layout: &str) -> String {
    format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\"")
}

fn illegal_byte(text: &str, error: &base64::DecodeError) -> usize {
    match error {
        base64::DecodeError::InvalidByte(position, _)
        | base64::DecodeError::InvalidLastSymbol(position, _) => *position,
        _ => text.len() / 4 * 4,
    }
}
