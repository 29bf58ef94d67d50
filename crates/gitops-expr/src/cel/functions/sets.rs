//! cel-go's extension `sets`: lists as sets.

use super::Answer;
use super::operators::equal;
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;

pub(super) fn function(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    if !name.starts_with("sets.") {
        return None;
    }
    let [Value::List(a), Value::List(b)] = values else { return Some(Err(Fault::overload())) };
    let result = match name {
        "sets.contains" => contains(a, b, meter),
        "sets.equivalent" => contains(a, b, meter).and_then(|all| Ok(all && contains(b, a, meter)?)),
        "sets.intersects" => b.iter().try_fold(false, |found, item| Ok(found || holds(a, item, meter)?)),
        _ => return None,
    };
    Some(result.map(Value::Bool))
}

fn contains(set: &[Value], items: &[Value], meter: &mut Meter) -> Result<bool, Fault> {
    items.iter().try_fold(true, |all, item| Ok(all && holds(set, item, meter)?))
}

fn holds(set: &[Value], item: &Value, meter: &mut Meter) -> Result<bool, Fault> {
    for one in set {
        if equal(item, one, meter)? {
            return Ok(true);
        }
    }
    Ok(false)
}
