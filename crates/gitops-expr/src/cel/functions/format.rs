//! `format` of cel-go's extension `strings`.

use super::time;
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;

/// The largest number of digits behind the point that a clause may ask for.
const MAX_PRECISION: usize = 1000;

/// Replaces the clauses `%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x` and `%X` by the arguments.
pub(super) fn format(pattern: &str, arguments: &[Value], meter: &mut Meter) -> Result<String, Fault> {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest = pattern;
    while let Some(place) = rest.find('%') {
        out.push_str(&rest[..place]);
        rest = &rest[place + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let precision =
            match rest.strip_prefix('.') {
                None => None,
                Some(after) => {
                    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
                    rest = &after[end..];
                    let digits = after[..end].parse().ok().filter(|digits| *digits <= MAX_PRECISION);
                    Some(digits.ok_or_else(|| {
                        Fault::text("error while parsing formatting clause: invalid precision")
                    })?)
                }
            };
        let verb = rest.chars().next().ok_or_else(|| Fault::text("unexpected end of format string"))?;
        rest = &rest[verb.len_utf8()..];
        let missing = || Fault::text("index out of range: more formatting clauses than arguments");
        let argument = arguments.next().ok_or_else(missing)?;
        meter.pay(argument.size())?;
        let made = clause(verb, precision, argument)?;
        meter.pay_bytes(made.len() + precision.unwrap_or_default())?;
        out.push_str(&made);
    }
    out.push_str(rest);
    Ok(out)
}

fn clause(verb: char, precision: Option<usize>, value: &Value) -> Result<String, Fault> {
    let unfit = || {
        Fault::text(format!(
            "error during formatting: %{verb} clause cannot be used on {}",
            value.type_name()
        ))
    };
    Ok(match (verb, value) {
        ('s', _) => plain(value),
        ('d', Value::Int(_) | Value::Uint(_)) => plain(value),
        ('d', Value::Double(_)) => plain(value),
        ('f', _) => fixed(number(value).ok_or_else(unfit)?, precision.unwrap_or(6)),
        ('e', _) => scientific(number(value).ok_or_else(unfit)?, precision.unwrap_or(6)),
        ('b', Value::Bool(value)) => u8::from(*value).to_string(),
        ('b' | 'o' | 'x' | 'X', Value::Int(number)) => {
            let sign = if *number < 0 { "-" } else { "" };
            format!("{sign}{}", in_base(verb, number.unsigned_abs()))
        }
        ('b' | 'o' | 'x' | 'X', Value::Uint(number)) => in_base(verb, *number),
        ('x' | 'X', Value::String(text)) => hex(verb, text.as_bytes()),
        ('x' | 'X', Value::Bytes(bytes)) => hex(verb, bytes),
        ('d' | 'b' | 'o' | 'x' | 'X', _) => return Err(unfit()),
        _ => {
            return Err(Fault::text(format!(
                "could not parse formatting clause: unrecognized formatting clause \"{verb}\""
            )));
        }
    })
}

#[allow(clippy::cast_precision_loss)]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        _ => None,
    }
}

fn in_base(verb: char, number: u64) -> String {
    match verb {
        'b' => format!("{number:b}"),
        'o' => format!("{number:o}"),
        'x' => format!("{number:x}"),
        _ => format!("{number:X}"),
    }
}

fn hex(verb: char, bytes: &[u8]) -> String {
    let digit = |byte: &u8| if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") };
    bytes.iter().map(digit).collect()
}

fn special(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        _ if number.is_infinite() => Some(if number > 0.0 { "Infinity" } else { "-Infinity" }),
        _ => None,
    }
}

fn fixed(number: f64, precision: usize) -> String {
    special(number).map_or_else(|| format!("{number:.precision$}"), str::to_owned)
}

fn scientific(number: f64, precision: usize) -> String {
    if let Some(special) = special(number) {
        return special.to_owned();
    }
    let text = format!("{number:.precision$e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or_default();
    format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

/// A value as text; lists and maps with the texts of what they hold.
fn plain(value: &Value) -> String {
    match value {
        Value::Null | Value::Optional(None) => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => special(*number).map_or_else(|| number.to_string(), str::to_owned),
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entry = |(key, value): (&_, &Value)| format!("{key}: {}", plain(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Duration(nanos) => time::print_duration(*nanos),
        Value::Timestamp(time) => time.to_string(),
        Value::Type(name) => (*name).to_owned(),
        Value::Optional(Some(value)) => plain(value),
        Value::Special(special) => special.to_string(),
        Value::Flaw(why) => (*why).to_owned(),
    }
}
