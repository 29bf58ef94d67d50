//! Protobuf, for clients that speak it: the numbers of the Go types.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::go_types::{GoStruct, GoType, go_types};

/// What every body starts with.
const MAGIC: &[u8] = b"k8s\0";
/// How deep messages may be nested.
const MAX_DEPTH: usize = 100;

/// Reads a body.
///
/// # Errors
/// Says why it cannot be read.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not start with the prefix of Kubernetes")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), Vec::new());
    for (number, field) in Fields(rest) {
        match (number, field?) {
            (1, Field::Bytes(type_meta)) => {
                for (number, field) in Fields(type_meta) {
                    match (number, field?) {
                        (1, Field::Bytes(text)) => api_version = String::from_utf8_lossy(text).into_owned(),
                        (2, Field::Bytes(text)) => kind = String::from_utf8_lossy(text).into_owned(),
                        _ => {}
                    }
                }
            }
            (2, Field::Bytes(bytes)) => raw = bytes.to_vec(),
            _ => {}
        }
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let of = go_types()
        .kind(group, version, &kind)
        .or_else(|| {
            (kind == "DeleteOptions")
                .then(|| go_types().named("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"))
                .flatten()
        })
        .ok_or_else(|| format!("no kind {kind:?} is registered for version {api_version:?}"))?;
    let mut object = message(&raw, of, 0)?;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Ok(object)
}

enum Field<'b> {
    Varint(u64),
    Bytes(&'b [u8]),
    Fixed64(u64),
    Fixed32(u32),
}

/// The fields of a message, in order.
struct Fields<'b>(&'b [u8]);

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().ok_or("it ends within a number")?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number is too long".to_owned())
}

impl<'b> Fields<'b> {
    fn read(&mut self) -> Result<(u32, Field<'b>), String> {
        let tag = varint(&mut self.0)?;
        let number = u32::try_from(tag >> 3).map_err(|_| "a field's number is too large")?;
        let mut take = |count: usize| {
            let (taken, rest) = self.0.split_at_checked(count).ok_or("it ends within a field")?;
            self.0 = rest;
            Ok::<_, String>(taken)
        };
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut self.0)?),
            1 => Field::Fixed64(u64::from_le_bytes(take(8)?.try_into().unwrap_or_default())),
            2 => {
                let length = usize::try_from(varint(&mut self.0)?).map_err(|_| "a field is too long")?;
                let (taken, rest) = self.0.split_at_checked(length).ok_or("it ends within a field")?;
                self.0 = rest;
                Field::Bytes(taken)
            }
            5 => Field::Fixed32(u32::from_le_bytes(take(4)?.try_into().unwrap_or_default())),
            other => return Err(format!("wire type {other} is not known")),
        };
        Ok((number, field))
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = (u32, Result<Field<'b>, String>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        match self.read() {
            Ok((number, field)) => Some((number, Ok(field))),
            Err(why) => {
                self.0 = &[];
                Some((0, Err(why)))
            }
        }
    }
}

fn message(bytes: &[u8], of: &GoStruct, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err("it is nested too deeply".to_owned());
    }
    let mut map = Map::new();
    for (number, field) in Fields(bytes) {
        let field = field?;
        // What is inlined in JSON may be a message of its own here; its fields follow it in the table.
        if let Some(inlined) = of.fields.iter().find(|known| known.number == number && known.name == "+") {
            if let (GoType::Struct(name), Field::Bytes(bytes)) = (&inlined.of, &field)
                && let Some(of) = go_types().named(name)
                && let Value::Object(inner) = message(bytes, of, depth + 1)?
            {
                map.extend(inner);
            }
            continue;
        }
        let Some(known) = of.fields.iter().find(|known| known.number == number && known.name != "+") else {
            continue;
        };
        put(&mut map, known.name, &known.of, &field, depth)?;
    }
    // Texts that are empty are on the wire, but mean nothing.
    map.retain(|_, value| *value != json!(""));
    Ok(Value::Object(map))
}

fn put(
    map: &mut Map<String, Value>,
    name: &str,
    of: &GoType,
    field: &Field<'_>,
    depth: usize,
) -> Result<(), String> {
    match of {
        GoType::Pointer(of) => put(map, name, of, field, depth),
        GoType::Slice(of) => {
            let item = value(of, field, depth)?;
            match map.entry(name.to_owned()).or_insert_with(|| json!([])) {
                Value::Array(items) => items.push(item),
                other => *other = json!([item]),
            }
            Ok(())
        }
        GoType::Map(of) => {
            let Field::Bytes(bytes) = field else { return Ok(()) };
            let (mut key, mut item) = (String::new(), Value::Null);
            for (number, field) in Fields(bytes) {
                match (number, field?) {
                    (1, Field::Bytes(text)) => key = String::from_utf8_lossy(text).into_owned(),
                    (2, field) => item = value(of, &field, depth)?,
                    _ => {}
                }
            }
            if item.is_null() {
                item = match of.as_ref() {
                    GoType::String(_) | GoType::Bytes => json!(""),
                    _ => Value::Null,
                };
            }
            if let Value::Object(entries) = map.entry(name.to_owned()).or_insert_with(|| json!({})) {
                entries.insert(key, item);
            }
            Ok(())
        }
        of => {
            let read = value(of, field, depth)?;
            map.insert(name.to_owned(), read);
            Ok(())
        }
    }
}

#[expect(clippy::cast_possible_wrap, reason = "protobuf writes negative numbers so")]
fn value(of: &GoType, field: &Field<'_>, depth: usize) -> Result<Value, String> {
    Ok(match (of, field) {
        (GoType::Pointer(of), field) => value(of, field, depth)?,
        (GoType::Struct(name), Field::Bytes(bytes)) => match go_types().named(name) {
            // Lists that are wrapped, as the values of `extra`, are lists in JSON.
            Some(of) => message(bytes, of, depth + 1)?,
            None => Value::Null,
        },
        (GoType::Slice(of), Field::Bytes(bytes)) => {
            let mut items = Vec::new();
            for (_, field) in Fields(bytes) {
                items.push(value(of, &field?, depth + 1)?);
            }
            Value::Array(items)
        }
        (GoType::Bool, Field::Varint(number)) => json!(*number != 0),
        (GoType::Int(_), Field::Varint(number)) => json!(*number as i64),
        (GoType::Float(_), Field::Fixed64(bits)) => json!(f64::from_bits(*bits)),
        (GoType::Float(_), Field::Fixed32(bits)) => json!(f32::from_bits(*bits)),
        (GoType::String(_), Field::Bytes(text)) => json!(String::from_utf8_lossy(text)),
        (GoType::Bytes, Field::Bytes(bytes)) => {
            json!(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        (GoType::Time | GoType::MicroTime, Field::Bytes(bytes)) => {
            time(bytes, matches!(of, GoType::MicroTime))?
        }
        (GoType::Quantity, Field::Bytes(bytes)) => json!(text_of(bytes, 1)?),
        (GoType::Duration, Field::Bytes(bytes)) => json!(format!("{}ns", number_of(bytes, 1)?)),
        (GoType::IntOrString, Field::Bytes(bytes)) => {
            if number_of(bytes, 1)? == 1 {
                json!(text_of(bytes, 3)?)
            } else {
                json!(number_of(bytes, 2)?)
            }
        }
        (GoType::Fields | GoType::Raw, Field::Bytes(bytes)) => {
            serde_json::from_str(&text_of(bytes, 1)?).unwrap_or(Value::Null)
        }
        _ => Value::Null,
    })
}

fn text_of(bytes: &[u8], wanted: u32) -> Result<String, String> {
    for (number, field) in Fields(bytes) {
        if let (true, Field::Bytes(text)) = (number == wanted, field?) {
            return Ok(String::from_utf8_lossy(text).into_owned());
        }
    }
    Ok(String::new())
}

#[expect(clippy::cast_possible_wrap, reason = "protobuf writes negative numbers so")]
fn number_of(bytes: &[u8], wanted: u32) -> Result<i64, String> {
    for (number, field) in Fields(bytes) {
        if let (true, Field::Varint(value)) = (number == wanted, field?) {
            return Ok(value as i64);
        }
    }
    Ok(0)
}

fn time(bytes: &[u8], micro: bool) -> Result<Value, String> {
    let (seconds, nanos) = (number_of(bytes, 1)?, number_of(bytes, 2)?);
    if seconds == 0 && nanos == 0 {
        return Ok(Value::Null);
    }
    let time = jiff::Timestamp::new(seconds, i32::try_from(nanos).unwrap_or(0))
        .map_err(|error| error.to_string())?;
    Ok(if micro { json!(format!("{time:.6}")) } else { json!(time.to_string()) })
}

/// Writes an object; `None` for what has no Go type.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let of = go_types().kind(group, version, kind).or_else(|| {
        (kind == "Status").then(|| go_types().named("io.k8s.apimachinery.pkg.apis.meta.v1.Status")).flatten()
    });
    let mut raw = Vec::new();
    if let Some(of) = of {
        write_message(value, of, &mut raw);
    }
    let mut type_meta = Vec::new();
    write_bytes(1, api_version.as_bytes(), &mut type_meta);
    write_bytes(2, kind.as_bytes(), &mut type_meta);
    let mut bytes = MAGIC.to_vec();
    write_bytes(1, &type_meta, &mut bytes);
    write_bytes(2, &raw, &mut bytes);
    // No content encoding, and the default content type.
    write_bytes(3, b"", &mut bytes);
    write_bytes(4, b"", &mut bytes);
    bytes
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

pub(super) fn write_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    write_varint(u64::from(number) << 3 | 2, out);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(super) fn write_number(number: u32, value: u64, out: &mut Vec<u8>) {
    write_varint(u64::from(number) << 3, out);
    write_varint(value, out);
}

pub(super) fn write_double(number: u32, value: f64, out: &mut Vec<u8>) {
    write_varint(u64::from(number) << 3 | 1, out);
    out.extend_from_slice(&value.to_le_bytes());
}

fn write_message(value: &Value, of: &GoStruct, out: &mut Vec<u8>) {
    for field in of.fields.iter().filter(|field| field.number > 0) {
        if field.name == "+" {
            if let GoType::Struct(name) = &field.of
                && let Some(inner) = go_types().named(name)
            {
                let mut bytes = Vec::new();
                write_message(value, inner, &mut bytes);
                write_bytes(field.number, &bytes, out);
            }
            continue;
        }
        let item = &value[field.name];
        if !item.is_null() {
            write_value(field.number, item, &field.of, out);
        }
    }
}

#[expect(clippy::cast_sign_loss, reason = "protobuf writes negative numbers so")]
fn write_value(number: u32, value: &Value, of: &GoType, out: &mut Vec<u8>) {
    let text = || value.as_str().unwrap_or_default();
    match of {
        GoType::Pointer(of) => write_value(number, value, of, out),
        GoType::Slice(of) => {
            for item in value.as_array().into_iter().flatten() {
                write_value(number, item, of, out);
            }
        }
        GoType::Map(of) => {
            for (key, item) in value.as_object().into_iter().flatten() {
                let mut entry = Vec::new();
                write_bytes(1, key.as_bytes(), &mut entry);
                write_value(2, item, of, &mut entry);
                write_bytes(number, &entry, out);
            }
        }
        GoType::Struct(name) => {
            let mut bytes = Vec::new();
            if let Some(of) = go_types().named(name) {
                write_message(value, of, &mut bytes);
            }
            write_bytes(number, &bytes, out);
        }
        GoType::Bool => write_number(number, u64::from(*value == json!(true)), out),
        GoType::Int(_) => write_number(number, value.as_i64().unwrap_or(0) as u64, out),
        GoType::Float(_) => write_double(number, value.as_f64().unwrap_or(0.0), out),
        GoType::Bytes => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text()).unwrap_or_default();
            write_bytes(number, &bytes, out);
        }
        GoType::Time | GoType::MicroTime => {
            let mut bytes = Vec::new();
            if let Ok(time) = text().parse::<jiff::Timestamp>() {
                write_number(1, time.as_second() as u64, &mut bytes);
                write_number(2, u64::from(time.subsec_nanosecond().unsigned_abs()), &mut bytes);
            }
            write_bytes(number, &bytes, out);
        }
        GoType::IntOrString => {
            let mut bytes = Vec::new();
            match value {
                Value::String(text) => {
                    write_number(1, 1, &mut bytes);
                    write_number(2, 0, &mut bytes);
                    write_bytes(3, text.as_bytes(), &mut bytes);
                }
                other => {
                    write_number(1, 0, &mut bytes);
                    write_number(2, other.as_i64().unwrap_or(0) as u64, &mut bytes);
                    write_bytes(3, b"", &mut bytes);
                }
            }
            write_bytes(number, &bytes, out);
        }
        GoType::Quantity => {
            let mut bytes = Vec::new();
            write_bytes(1, text().as_bytes(), &mut bytes);
            write_bytes(number, &bytes, out);
        }
        GoType::Fields | GoType::Raw => {
            let mut bytes = Vec::new();
            write_bytes(1, value.to_string().as_bytes(), &mut bytes);
            write_bytes(number, &bytes, out);
        }
        _ => write_bytes(number, text().as_bytes(), out),
    }
}
