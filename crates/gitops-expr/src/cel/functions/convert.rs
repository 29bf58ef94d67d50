//! Conversions between types, and sizes.

use jiff::Timestamp;

use super::{Answer, time};
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;

pub(super) fn function(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    let [value] = values else { return None };
    if let Value::String(text) = value
        && let Err(spent) = meter.pay_bytes(text.len())
    {
        return Some(Err(spent));
    }
    Some(match name {
        "size" => return size(name, values),
        "dyn" => Ok(value.clone()),
        "type" => Ok(Value::Type(value.type_name())),
        "bool" => to_bool(value),
        "int" => to_int(value),
        "uint" => to_uint(value),
        "double" => to_double(value),
        "string" => to_string(value),
        "bytes" => match value {
            Value::Bytes(_) => Ok(value.clone()),
            Value::String(text) => Ok(Value::Bytes(text.as_bytes().into())),
            _ => Err(Fault::overload()),
        },
        "timestamp" => match value {
            Value::Timestamp(_) => Ok(value.clone()),
            Value::Int(seconds) => Timestamp::from_second(*seconds)
                .map(Value::Timestamp)
                .map_err(|_| Fault::text("timestamp overflow")),
            Value::String(text) => time::parse_timestamp(text),
            _ => Err(Fault::overload()),
        },
        "duration" => match value {
            Value::Duration(_) => Ok(value.clone()),
            Value::Int(nanos) => Ok(Value::Duration(*nanos)),
            Value::String(text) => time::parse_duration(text),
            _ => Err(Fault::overload()),
        },
        _ => return None,
    })
}

/// `size`, as a function and as a method.
pub(super) fn size(name: &str, values: &[Value]) -> Answer {
    let ("size", [value]) = (name, values) else { return None };
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        _ => return Some(Err(Fault::overload())),
    };
    Some(i64::try_from(size).map(Value::Int).map_err(|_| Fault::text("integer overflow")))
}

fn unreadable(value: &str, wanted: &str) -> Fault {
    Fault::text(format!("type conversion error from 'string' to '{wanted}': '{value}'"))
}

fn to_bool(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            other => Err(unreadable(other, "bool")),
        },
        _ => Err(Fault::overload()),
    }
}

#[allow(clippy::cast_possible_truncation)]
fn to_int(value: &Value) -> Result<Value, Fault> {
    let overflow = || Fault::text("integer overflow");
    match value {
        Value::Int(_) => Ok(value.clone()),
        Value::Uint(number) => i64::try_from(*number).map(Value::Int).map_err(|_| overflow()),
        Value::Double(number) if number.abs() < 9_223_372_036_854_775_808.0 => Ok(Value::Int(*number as i64)),
        Value::Double(_) => Err(overflow()),
        Value::Duration(nanos) => Ok(Value::Int(*nanos)),
        Value::Timestamp(time) => Ok(Value::Int(time.as_second())),
        Value::String(text) => text.parse().map(Value::Int).map_err(|_| unreadable(text, "int")),
        _ => Err(Fault::overload()),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn to_uint(value: &Value) -> Result<Value, Fault> {
    let overflow = || Fault::text("unsigned integer overflow");
    match value {
        Value::Uint(_) => Ok(value.clone()),
        Value::Int(number) => u64::try_from(*number).map(Value::Uint).map_err(|_| overflow()),
        Value::Double(number) if *number >= 0.0 && *number < 18_446_744_073_709_551_616.0 => {
            Ok(Value::Uint(*number as u64))
        }
        Value::Double(_) => Err(overflow()),
        Value::String(text) if !text.starts_with('+') => {
            text.parse().map(Value::Uint).map_err(|_| unreadable(text, "uint"))
        }
        Value::String(text) => Err(unreadable(text, "uint")),
        _ => Err(Fault::overload()),
    }
}

#[allow(clippy::cast_precision_loss)]
fn to_double(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Double(_) => Ok(value.clone()),
        Value::Int(number) => Ok(Value::Double(*number as f64)),
        Value::Uint(number) => Ok(Value::Double(*number as f64)),
        Value::String(text) => text.parse().map(Value::Double).map_err(|_| unreadable(text, "double")),
        _ => Err(Fault::overload()),
    }
}

fn to_string(value: &Value) -> Result<Value, Fault> {
    Ok(Value::text(match value {
        Value::String(_) => return Ok(value.clone()),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => shortest(*number),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec())
            .map_err(|_| Fault::text("invalid UTF-8 in bytes, cannot convert to string"))?,
        Value::Duration(nanos) => time::print_duration(*nanos),
        Value::Timestamp(time) => time.to_string(),
        _ => return Err(Fault::overload()),
    }))
}

/// The shortest text that reads back as the number, as Go's `strconv.FormatFloat(x, 'g', -1, 64)` prints it.
fn shortest(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or_default();
    // The exponents for which Go prints no power of ten.
    if (-4..6).contains(&power) {
        return number.to_string();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}
