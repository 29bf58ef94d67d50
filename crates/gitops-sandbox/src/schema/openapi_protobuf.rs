//! OpenAPI documents in protobuf, for clients that ask for them so.

use serde_json::Value;

use super::openapi_messages::{Fields, From, Of, REFERENCE};
use super::protobuf::{write_bytes, write_double, write_number};

/// Writes a document as a message (`openapi.v2.Document` or `openapi.v3.Document`). What is no part of the specification is
/// left out.
pub(super) fn encode(document: &Value, fields: &Fields) -> Vec<u8> {
    message(document, fields)
}

fn message(value: &Value, fields: &Fields) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields.0 {
        let number = field.number;
        match field.from {
            From::Key(key) => {
                if let Some(item) = value.get(key) {
                    optional(number, item, &field.of, &mut out);
                }
            }
            From::List(key) => list(number, &value[key], &field.of, &mut out),
            From::Elements => list(number, value, &field.of, &mut out),
            From::Itself => optional(number, value, &field.of, &mut out),
            From::Each(is_so) => {
                for (key, item) in value.as_object().into_iter().flatten().filter(|(key, _)| is_so(key)) {
                    let mut pair = Vec::new();
                    if !key.is_empty() {
                        write_bytes(1, key.as_bytes(), &mut pair);
                    }
                    optional(2, item, &field.of, &mut pair);
                    write_bytes(number, &pair, &mut out);
                }
            }
        }
    }
    out
}

fn list(number: u32, value: &Value, of: &Of, out: &mut Vec<u8>) {
    for item in value.as_array().into_iter().flatten() {
        write(number, item, of, out);
    }
}

/// Writes a field that is left out when it is nothing, false, zero or empty.
fn optional(number: u32, value: &Value, of: &Of, out: &mut Vec<u8>) {
    let is_absent = match (of, value) {
        (Of::Any, _) => false,
        (_, Value::Null) => true,
        (Of::Text, value) => value == "",
        (Of::Flag, value) => *value == false,
        (Of::Whole | Of::Double, value) => value.as_f64() == Some(0.0),
        _ => false,
    };
    if !is_absent {
        write(number, value, of, out);
    }
}

#[expect(clippy::cast_sign_loss, reason = "protobuf writes negative numbers so")]
fn write(number: u32, value: &Value, of: &Of, out: &mut Vec<u8>) {
    let text = || value.as_str().unwrap_or_default();
    match of {
        Of::Text => write_bytes(number, text().as_bytes(), out),
        Of::Flag => write_number(number, u64::from(*value == true), out),
        Of::Whole => write_number(number, value.as_i64().unwrap_or(0) as u64, out),
        Of::Double => write_double(number, value.as_f64().unwrap_or(0.0), out),
        Of::Any => {
            let mut any = Vec::new();
            write_bytes(2, gitops_manifest::to_yaml(value).as_bytes(), &mut any);
            write_bytes(number, &any, out);
        }
        Of::Default => {
            let mut default = Vec::new();
            // One of several is written even if it is zero, false or empty.
            match value {
                Value::Number(number) => write_double(1, number.as_f64().unwrap_or(0.0), &mut default),
                Value::Bool(truth) => write_number(2, u64::from(*truth), &mut default),
                Value::String(text) => write_bytes(3, text.as_bytes(), &mut default),
                _ => {}
            }
            write_bytes(number, &default, out);
        }
        Of::Message(fields) => write_bytes(number, &message(value, fields), out),
        Of::Choice(choose) => {
            let (chosen, of) = choose(value);
            let mut choice = Vec::new();
            write(chosen, value, &of, &mut choice);
            write_bytes(number, &choice, out);
        }
        Of::OrReference(fields) => {
            let mut choice = Vec::new();
            if value.get("$ref").is_some() {
                write_bytes(2, &message(value, &REFERENCE), &mut choice);
            } else {
                write_bytes(1, &message(value, fields), &mut choice);
            }
            write_bytes(number, &choice, out);
        }
        Of::OrFlag(fields) => {
            let mut choice = Vec::new();
            match value {
                Value::Bool(truth) => write_number(2, u64::from(*truth), &mut choice),
                value => write(1, value, &Of::OrReference(fields), &mut choice),
            }
            write_bytes(number, &choice, out);
        }
    }
}
