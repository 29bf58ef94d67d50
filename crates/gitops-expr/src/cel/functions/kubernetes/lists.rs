//! Lists: order, sums, parts.

use std::cmp::Ordering;

use crate::cel::functions::Answer;
use crate::cel::functions::operators::equal;
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;

/// The longest range.
const MAX_RANGE: i64 = 1_000_000;

pub(super) fn function(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    let ("lists.range", [Value::Int(count)]) = (name, values) else { return None };
    let count = (*count).min(MAX_RANGE);
    let made = meter.pay(count.unsigned_abs()).map(|()| Value::list((0..count).map(Value::Int).collect()));
    Some(made)
}

pub(super) fn method(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    let [Value::List(items), rest @ ..] = values else { return None };
    if let Err(spent) = meter.pay(items.len() as u64) {
        return Some(Err(spent));
    }
    Some(match (name, rest) {
        ("isSorted", []) => items
            .windows(2)
            .try_fold(true, |sorted, pair| Ok(sorted && order(&pair[0], &pair[1])?.is_le()))
            .map(Value::Bool),
        ("sum", []) => sum(items),
        ("max", []) => extreme(items, Ordering::Greater, "max"),
        ("min", []) => extreme(items, Ordering::Less, "min"),
        ("indexOf", [item]) => place(items.iter().enumerate(), item, meter),
        ("lastIndexOf", [item]) => place(items.iter().enumerate().rev(), item, meter),
        ("slice", [Value::Int(start), Value::Int(end)]) => slice(items, *start, *end),
        ("flatten", []) => flatten(items, 1, meter).map(Value::list),
        ("flatten", [Value::Int(depth)]) if *depth < 0 => Err(Fault::text("level must be non-negative")),
        ("flatten", [Value::Int(depth)]) => flatten(items, *depth, meter).map(Value::list),
        ("sort", []) => sorted(items, items),
        ("@sortByAssociatedKeys", [Value::List(keys)]) => sorted(items, keys),
        ("reverse", []) => Ok(Value::list(items.iter().rev().cloned().collect())),
        ("distinct", []) => distinct(items, meter),
        _ => return None,
    })
}

fn order(a: &Value, b: &Value) -> Result<Ordering, Fault> {
    a.order(b).ok_or_else(Fault::overload)
}

fn sum(items: &[Value]) -> Result<Value, Fault> {
    let mut total = match items.first() {
        Some(first) => first.clone(),
        None => return Ok(Value::Int(0)),
    };
    for item in &items[1..] {
        let overflow = || Fault::text("integer overflow");
        total = match (&total, item) {
            (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_add(*b).ok_or_else(overflow)?),
            (Value::Uint(a), Value::Uint(b)) => Value::Uint(a.checked_add(*b).ok_or_else(overflow)?),
            (Value::Double(a), Value::Double(b)) => Value::Double(a + b),
            (Value::Duration(a), Value::Duration(b)) => {
                Value::Duration(a.checked_add(*b).ok_or_else(overflow)?)
            }
            _ => return Err(Fault::overload()),
        };
    }
    Ok(total)
}

fn extreme(items: &[Value], wanted: Ordering, name: &str) -> Result<Value, Fault> {
    let (first, rest) =
        items.split_first().ok_or_else(|| Fault::text(format!("{name} called on empty list")))?;
    rest.iter()
        .try_fold(first, |best, item| Ok(if order(item, best)? == wanted { item } else { best }))
        .cloned()
}

fn place<'v>(
    items: impl Iterator<Item = (usize, &'v Value)>,
    wanted: &Value,
    meter: &mut Meter,
) -> Result<Value, Fault> {
    for (place, item) in items {
        if equal(item, wanted, meter)? {
            return Ok(Value::Int(i64::try_from(place).unwrap_or(i64::MAX)));
        }
    }
    Ok(Value::Int(-1))
}

fn slice(items: &[Value], start: i64, end: i64) -> Result<Value, Fault> {
    let refuse = |why: &str| Err(Fault::text(format!("cannot slice({start}, {end}), {why}")));
    let (Ok(from), Ok(to)) = (usize::try_from(start), usize::try_from(end)) else {
        return refuse("negative indexes not supported");
    };
    if from > to {
        return refuse("start index must be less than or equal to end index");
    }
    match items.get(from..to) {
        Some(part) => Ok(Value::list(part.to_vec())),
        None => refuse(&format!("list is length {}", items.len())),
    }
}

fn flatten(items: &[Value], depth: i64, meter: &mut Meter) -> Result<Vec<Value>, Fault> {
    let mut flat = Vec::new();
    for item in items {
        meter.pay(1)?;
        match item {
            Value::List(inner) if depth > 0 => flat.extend(flatten(inner, depth - 1, meter)?),
            other => flat.push(other.clone()),
        }
    }
    Ok(flat)
}

/// Returns the items in the order of their keys.
fn sorted(items: &[Value], keys: &[Value]) -> Result<Value, Fault> {
    if keys.len() != items.len() {
        return Err(Fault::text("list and keys must have the same size"));
    }
    for pair in keys.windows(2) {
        order(&pair[0], &pair[1]).map_err(|_| Fault::text("list elements must have the same type"))?;
    }
    let mut places: Vec<usize> = (0..items.len()).collect();
    places.sort_by(|a, b| keys[*a].order(&keys[*b]).unwrap_or(Ordering::Equal));
    Ok(Value::list(places.into_iter().map(|place| items[place].clone()).collect()))
}

fn distinct(items: &[Value], meter: &mut Meter) -> Result<Value, Fault> {
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        let mut known = false;
        for one in &kept {
            known = known || equal(one, item, meter)?;
        }
        if !known {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}
