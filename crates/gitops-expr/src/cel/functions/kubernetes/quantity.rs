//! Quantities such as `1.5Gi`, exact to a billionth (`k8s.io/apimachinery/pkg/api/resource`).

use std::cmp::Ordering;
use std::fmt;

use super::{Special, special};
use crate::cel::functions::Answer;
use crate::cel::meter::Fault;
use crate::cel::value::Value;

/// A billionth is the smallest part that a quantity keeps.
const PARTS: i128 = 1_000_000_000;

/// A quantity; two that are worth the same are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cel) struct Quantity {
    /// In billionths.
    parts: i128,
}

impl Quantity {
    /// Reads a quantity; what is smaller than a billionth is rounded up.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let (base, power): (i128, i32) = match suffix {
            "" => (10, 0),
            "n" => (10, -9),
            "u" => (10, -6),
            "m" => (10, -3),
            "k" => (10, 3),
            "M" => (10, 6),
            "G" => (10, 9),
            "T" => (10, 12),
            "P" => (10, 15),
            "E" => (10, 18),
            "Ki" => (2, 10),
            "Mi" => (2, 20),
            "Gi" => (2, 30),
            "Ti" => (2, 40),
            "Pi" => (2, 50),
            "Ei" => (2, 60),
            other => (10, other.strip_prefix(['e', 'E'])?.parse().ok()?),
        };
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let behind = u32::try_from(fraction.len()).ok()?;
        let mut numerator = digits.checked_mul(PARTS)?;
        let mut denominator = 10_i128.checked_pow(behind)?;
        if power >= 0 {
            numerator = numerator.checked_mul(base.checked_pow(power.unsigned_abs())?)?;
        } else {
            denominator = denominator.checked_mul(base.checked_pow(power.unsigned_abs())?)?;
        }
        // Rounded away from zero.
        let parts = numerator.checked_add(denominator - 1)? / denominator;
        Some(Quantity { parts: if text.starts_with('-') { -parts } else { parts } })
    }

    fn integer(self) -> Option<i64> {
        (self.parts % PARTS == 0).then(|| i64::try_from(self.parts / PARTS).ok()).flatten()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.integer() {
            Some(whole) => write!(f, "{whole}"),
            None => write!(f, "{}n", self.parts),
        }
    }
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
            Special::Quantity(quantity) => Ok(Value::Int(match quantity.parts.cmp(&0) {
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
        [Value::Int(number)] => Some(Quantity { parts: i128::from(*number) * PARTS }),
        _ => None,
    };
    let made = |parts: Option<i128>| {
        parts
            .map(|parts| special(Special::Quantity(Quantity { parts })))
            .ok_or_else(|| Fault::text("quantity overflow"))
    };
    Some(match (name, other) {
        ("isInteger", None) => Ok(Value::Bool(of.integer().is_some())),
        ("asInteger", None) => {
            of.integer().map(Value::Int).ok_or_else(|| Fault::text("cannot convert value to integer"))
        }
        ("asApproximateFloat", None) => Ok(Value::Double(of.parts as f64 / PARTS as f64)),
        ("isGreaterThan", Some(other)) => Ok(Value::Bool(*of > other)),
        ("isLessThan", Some(other)) => Ok(Value::Bool(*of < other)),
        ("compareTo", Some(other)) => Ok(Value::Int(of.cmp(&other) as i64)),
        ("add", Some(other)) => made(of.parts.checked_add(other.parts)),
        ("sub", Some(other)) => made(of.parts.checked_sub(other.parts)),
        _ => return None,
    })
}
