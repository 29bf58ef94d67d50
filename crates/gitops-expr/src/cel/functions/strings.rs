//! Strings: CEL's standard functions and cel-go's extension `strings`. Places in a string count code points.

use super::{Answer, format};
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;

pub(super) fn function(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    match (name, values) {
        ("strings.quote", [Value::String(text)]) => {
            Some(meter.pay_bytes(text.len() * 2).map(|()| Value::text(quote(text))))
        }
        _ => None,
    }
}

pub(super) fn method(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    let (receiver, arguments) = values.split_first()?;
    let text = match receiver {
        Value::String(text) => &**text,
        Value::List(items) if name == "join" => return Some(join(items, arguments, meter)),
        _ => return None,
    };
    if let Err(spent) = meter.pay(1 + text.len() as u64 / 32) {
        return Some(Err(spent));
    }
    Some(match (name, arguments) {
        ("startsWith", [Value::String(other)]) => Ok(Value::Bool(text.starts_with(&**other))),
        ("endsWith", [Value::String(other)]) => Ok(Value::Bool(text.ends_with(&**other))),
        ("contains", [Value::String(other)]) => Ok(Value::Bool(text.contains(&**other))),
        ("charAt", [Value::Int(place)]) => char_at(text, *place),
        ("indexOf", [Value::String(part)]) => index_of(text, part, 0),
        ("indexOf", [Value::String(part), Value::Int(from)]) => index_of(text, part, *from),
        ("lastIndexOf", [Value::String(part)]) => last_index_of(text, part, None),
        ("lastIndexOf", [Value::String(part), Value::Int(from)]) => last_index_of(text, part, Some(*from)),
        ("lowerAscii", []) => Ok(Value::text(text.to_ascii_lowercase())),
        ("upperAscii", []) => Ok(Value::text(text.to_ascii_uppercase())),
        ("replace", [Value::String(old), Value::String(new)]) => replace(text, old, new, -1, meter),
        ("replace", [Value::String(old), Value::String(new), Value::Int(limit)]) => {
            replace(text, old, new, *limit, meter)
        }
        ("reverse", []) => Ok(Value::text(text.chars().rev().collect::<String>())),
        ("split", [Value::String(separator)]) => split(text, separator, -1, meter),
        ("split", [Value::String(separator), Value::Int(limit)]) => split(text, separator, *limit, meter),
        ("substring", [Value::Int(start)]) => substring(text, *start, None),
        ("substring", [Value::Int(start), Value::Int(end)]) => substring(text, *start, Some(*end)),
        ("trim", []) => Ok(Value::text(text.trim())),
        ("format", [Value::List(items)]) => format::format(text, items, meter).map(Value::text),
        _ => return None,
    })
}

fn join(items: &[Value], arguments: &[Value], meter: &mut Meter) -> Result<Value, Fault> {
    let separator = match arguments {
        [] => "",
        [Value::String(separator)] => &**separator,
        _ => return Err(Fault::overload()),
    };
    let mut out = String::new();
    for (place, item) in items.iter().enumerate() {
        let Value::String(text) = item else { return Err(Fault::overload()) };
        meter.pay(1)?;
        meter.pay_bytes(text.len() + separator.len())?;
        if place > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
    }
    Ok(Value::text(out))
}

fn out_of_range(place: i64) -> Fault {
    Fault::text(format!("index out of range: {place}"))
}

/// Returns the byte offset of a code point; the end counts as one.
fn offset(text: &str, place: i64) -> Result<usize, Fault> {
    let count = usize::try_from(place).map_err(|_| out_of_range(place))?;
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().nth(count).ok_or_else(|| out_of_range(place))
}

/// Returns the byte offset of a code point, or none when it is behind the end.
fn offset_or_end(text: &str, place: i64) -> Result<Option<usize>, Fault> {
    if place < 0 {
        return Err(out_of_range(place));
    }
    Ok(offset(text, place).ok())
}

fn char_at(text: &str, place: i64) -> Result<Value, Fault> {
    let start = offset(text, place)?;
    Ok(Value::text(text[start..].chars().next().map(String::from).unwrap_or_default()))
}

fn place_of(text: &str, offset: usize) -> Value {
    Value::Int(i64::try_from(text[..offset].chars().count()).unwrap_or(i64::MAX))
}

fn index_of(text: &str, part: &str, from: i64) -> Result<Value, Fault> {
    if part.is_empty() {
        return Ok(Value::Int(from));
    }
    // Behind the end nothing is found, and that is no error.
    let Some(start) = offset_or_end(text, from)? else { return Ok(Value::Int(-1)) };
    Ok(text[start..].find(part).map_or(Value::Int(-1), |found| place_of(text, start + found)))
}

fn last_index_of(text: &str, part: &str, from: Option<i64>) -> Result<Value, Fault> {
    // The part may begin at this place at the latest.
    let latest = match from {
        Some(from) => match offset_or_end(text, from)? {
            Some(latest) => latest,
            None if part.is_empty() => return Ok(Value::Int(from)),
            None => return Ok(Value::Int(-1)),
        },
        None => text.len(),
    };
    if part.is_empty() {
        return Ok(from.map_or_else(|| place_of(text, text.len()), Value::Int));
    }
    let mut end = (latest + part.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Ok(text[..end].rfind(part).map_or(Value::Int(-1), |found| place_of(text, found)))
}

fn replace(text: &str, old: &str, new: &str, limit: i64, meter: &mut Meter) -> Result<Value, Fault> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = text.matches(old).count().min(limit);
    meter.pay_bytes(text.len().saturating_add(count.saturating_mul(new.len())))?;
    Ok(Value::text(text.replacen(old, new, limit)))
}

fn split(text: &str, separator: &str, limit: i64, meter: &mut Meter) -> Result<Value, Fault> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::list(Vec::new()));
    }
    if separator.is_empty() {
        // Between all characters, and as in Go not before the first.
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next().filter(|_| parts.len() + 1 < limit) {
            meter.pay(1)?;
            parts.push(Value::text(String::from(first)));
            rest = &rest[first.len_utf8()..];
        }
        if !rest.is_empty() {
            parts.push(Value::text(rest));
        }
        return Ok(Value::list(parts));
    }
    let mut parts = Vec::new();
    for part in text.splitn(limit, separator) {
        meter.pay(1)?;
        parts.push(Value::text(part));
    }
    Ok(Value::list(parts))
}

fn substring(text: &str, start: i64, end: Option<i64>) -> Result<Value, Fault> {
    if let Some(end) = end.filter(|end| start > *end) {
        return Err(Fault::text(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let from = offset(text, start)?;
    let to = end.map_or(Ok(text.len()), |end| offset(text, end))?;
    Ok(Value::text(&text[from..to]))
}

/// Quotes a string so that it prints on one line.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
