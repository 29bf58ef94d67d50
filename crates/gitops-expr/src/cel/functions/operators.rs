//! Arithmetic, comparison and membership.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::SignedDuration;

use super::Answer;
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;

pub(super) fn call(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    Some(match (name, values) {
        ("_==_", [a, b]) => equal(a, b, meter).map(Value::Bool),
        ("_!=_", [a, b]) => equal(a, b, meter).map(|same| Value::Bool(!same)),
        ("_<_", [a, b]) => compare(a, b, meter, Ordering::is_lt),
        ("_<=_", [a, b]) => compare(a, b, meter, Ordering::is_le),
        ("_>_", [a, b]) => compare(a, b, meter, Ordering::is_gt),
        ("_>=_", [a, b]) => compare(a, b, meter, Ordering::is_ge),
        ("@in", [item, Value::List(items)]) => {
            items.iter().try_fold(false, |found, one| Ok(found || equal(item, one, meter)?)).map(Value::Bool)
        }
        ("@in", [key, Value::Map(entries)]) => {
            Ok(Value::Bool(key.key().is_some_and(|key| entries.contains_key(&key))))
        }
        ("!_", [Value::Bool(value)]) => Ok(Value::Bool(!value)),
        ("-_", [Value::Int(number)]) => number.checked_neg().map(Value::Int).ok_or_else(overflow),
        ("-_", [Value::Double(number)]) => Ok(Value::Double(-number)),
        ("-_", [Value::Duration(nanos)]) => {
            nanos.checked_neg().map(Value::Duration).ok_or_else(duration_overflow)
        }
        ("_+_", [a, b]) => add(a, b, meter),
        ("_-_", [a, b]) => subtract(a, b),
        ("_*_", [a, b]) => multiply(a, b),
        ("_/_", [a, b]) => divide(a, b),
        ("_%_", [a, b]) => remainder(a, b),
        _ => return None,
    })
}

fn overflow() -> Fault {
    Fault::text("integer overflow")
}

fn unsigned_overflow() -> Fault {
    Fault::text("unsigned integer overflow")
}

fn duration_overflow() -> Fault {
    Fault::text("duration overflow")
}

fn timestamp_overflow() -> Fault {
    Fault::text("timestamp overflow")
}

/// Pays for each ten bytes of the shorter text, of which the call has paid for the first.
fn pay_shorter(a: &str, b: &str, meter: &mut Meter) -> Result<(), Fault> {
    meter.pay((a.len().min(b.len()) as u64).div_ceil(10).saturating_sub(1))
}

/// Compares after paying for the smaller of both, which bounds what is looked at.
pub(super) fn equal(a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Fault> {
    match (a, b) {
        (Value::List(one), Value::List(other)) if one.len() != other.len() => return Ok(false),
        (Value::Map(one), Value::Map(other)) if one.len() != other.len() => return Ok(false),
        (Value::String(one), Value::String(other)) => pay_shorter(one, other, meter)?,
        (Value::List(_) | Value::Map(_) | Value::Bytes(_), _) => meter.pay(a.size())?,
        // The call has paid for what is as quick as this.
        _ => {}
    }
    Ok(a.same(b))
}

fn compare(a: &Value, b: &Value, meter: &mut Meter, want: impl Fn(Ordering) -> bool) -> Result<Value, Fault> {
    let number = |value: &Value| matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_));
    match a.order(b) {
        Some(order) => {
            if let (Value::String(a), Value::String(b)) = (a, b) {
                pay_shorter(a, b, meter)?;
            }
            Ok(Value::Bool(want(order)))
        }
        None if number(a) && number(b) => Err(Fault::text("NaN values cannot be ordered")),
        None => Err(Fault::overload()),
    }
}

fn add(a: &Value, b: &Value, meter: &mut Meter) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => a.checked_add(*b).map(Value::Uint).ok_or_else(unsigned_overflow),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => {
            meter.pay_bytes(a.len() + b.len())?;
            Ok(Value::text(format!("{a}{b}")))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            meter.pay_bytes(a.len() + b.len())?;
            Ok(Value::Bytes([&**a, &**b].concat().into()))
        }
        (Value::List(a), Value::List(b)) => {
            meter.pay((a.len() + b.len()) as u64)?;
            Ok(Value::List(Arc::new(a.plus(b))))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            a.checked_add(*b).map(Value::Duration).ok_or_else(duration_overflow)
        }
        (Value::Timestamp(time), Value::Duration(nanos))
        | (Value::Duration(nanos), Value::Timestamp(time)) => {
            let sum = time.checked_add(SignedDuration::from_nanos(*nanos));
            sum.map(Value::Timestamp).map_err(|_| timestamp_overflow())
        }
        _ => Err(Fault::overload()),
    }
}

fn subtract(a: &Value, b: &Value) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => a.checked_sub(*b).map(Value::Uint).ok_or_else(unsigned_overflow),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        (Value::Duration(a), Value::Duration(b)) => {
            a.checked_sub(*b).map(Value::Duration).ok_or_else(duration_overflow)
        }
        (Value::Timestamp(time), Value::Duration(nanos)) => {
            let difference = time.checked_sub(SignedDuration::from_nanos(*nanos));
            difference.map(Value::Timestamp).map_err(|_| timestamp_overflow())
        }
        (Value::Timestamp(a), Value::Timestamp(b)) => {
            let nanos = i64::try_from(a.as_nanosecond() - b.as_nanosecond());
            nanos.map(Value::Duration).map_err(|_| timestamp_overflow())
        }
        _ => Err(Fault::overload()),
    }
}

fn multiply(a: &Value, b: &Value) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_mul(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => a.checked_mul(*b).map(Value::Uint).ok_or_else(unsigned_overflow),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a * b)),
        _ => Err(Fault::overload()),
    }
}

fn divide(a: &Value, b: &Value) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            Err(Fault::text("division by zero"))
        }
        (Value::Int(a), Value::Int(b)) => a.checked_div(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => Ok(Value::Uint(a / b)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a / b)),
        _ => Err(Fault::overload()),
    }
}

fn remainder(a: &Value, b: &Value) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            Err(Fault::text("modulus by zero"))
        }
        (Value::Int(a), Value::Int(b)) => a.checked_rem(*b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => Ok(Value::Uint(a % b)),
        _ => Err(Fault::overload()),
    }
}
