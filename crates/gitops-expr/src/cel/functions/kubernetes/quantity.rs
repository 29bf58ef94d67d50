//! What CEL does with quantities such as `1.5Gi`.

use std::cmp::Ordering;

use super::{Special, special};
use crate::Quantity;
use crate::cel::functions::Answer;
use crate::cel::meter::Fault;
use crate::cel::value::Value;

/// Returns it as an integer, if it is one.
fn integer(of: Quantity) -> Option<i64> {
    of.is_whole().then(|| i64::try_from(of.nano() / 1_000_000_000).ok()).flatten()
}

pub(super) fn function(name: &str, values: &[Value]) -> Answer {
    Some(match (name, values) {
        ("quantity", [Value::String(text)]) => Quantity::parse(text)
            .map(|quantity| special(Special::Quantity(quantity)))
            .ok_or_else(|| {
                Fault::text(
                    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
                )
            }),
        ("isQuantity", [Value::String(text)]) => Ok(Value::Bool(Quantity::parse(text).is_some())),
        ("sign", [Value::Special(of)]) => match &**of {
            Special::Quantity(quantity) => Ok(Value::Int(match quantity.nano().cmp(&0) {
                Ordering::Less => -1,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            })),
            _ => return None,
        },
        _ => return None,
    })
}

#[allow(clippy::cast_precision_loss)]
pub(super) fn method(name: &str, of: &Quantity, rest: &[Value]) -> Answer {
    let other = match rest {
        [Value::Special(other)] => match &**other {
            Special::Quantity(other) => Some(*other),
            _ => None,
        },
        [Value::Int(number)] => Some(Quantity::whole(*number)),
        _ => None,
    };
    let made = |sum: Option<Quantity>| {
        sum.map(|sum| special(Special::Quantity(sum))).ok_or_else(|| Fault::text("quantity overflow"))
    };
    Some(match (name, other) {
        ("isInteger", None) => Ok(Value::Bool(integer(*of).is_some())),
        ("asInteger", None) => {
            integer(*of).map(Value::Int).ok_or_else(|| Fault::text("cannot convert value to integer"))
        }
        ("asApproximateFloat", None) => Ok(Value::Double(of.nano() as f64 / 1e9)),
        ("isGreaterThan", Some(other)) => Ok(Value::Bool(*of > other)),
        ("isLessThan", Some(other)) => Ok(Value::Bool(*of < other)),
        ("compareTo", Some(other)) => Ok(Value::Int(of.cmp(&other) as i64)),
        ("add", Some(other)) => made(of.checked_add(other)),
        ("sub", Some(other)) => made(of.checked_sub(other)),
        _ => return None,
    })
}
