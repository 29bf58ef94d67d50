//! Timestamps and durations.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::Answer;
use crate::cel::meter::Fault;
use crate::cel::value::Value;

pub(super) fn method(name: &str, values: &[Value]) -> Answer {
    match values {
        [Value::Duration(nanos)] => of_duration(name, *nanos),
        [Value::Timestamp(time)] => of_timestamp(name, *time, TimeZone::UTC),
        [Value::Timestamp(time), Value::String(zone)] => match parse_zone(zone) {
            Some(zone) => of_timestamp(name, *time, zone),
            None => Some(Err(Fault::text(format!("unknown time zone {zone}")))),
        },
        _ => None,
    }
}

fn of_duration(name: &str, nanos: i64) -> Answer {
    let unit = match name {
        "getHours" => 3_600_000_000_000,
        "getMinutes" => 60_000_000_000,
        "getSeconds" => 1_000_000_000,
        "getMilliseconds" => 1_000_000,
        _ => return None,
    };
    Some(Ok(Value::Int(nanos / unit)))
}

fn of_timestamp(name: &str, time: Timestamp, zone: TimeZone) -> Answer {
    let local = time.to_zoned(zone);
    let number = match name {
        "getFullYear" => i64::from(local.year()),
        "getMonth" => i64::from(local.month()) - 1,
        "getDayOfYear" => i64::from(local.day_of_year()) - 1,
        "getDayOfMonth" => i64::from(local.day()) - 1,
        "getDate" => i64::from(local.day()),
        "getDayOfWeek" => i64::from(local.weekday().to_sunday_zero_offset()),
        "getHours" => i64::from(local.hour()),
        "getMinutes" => i64::from(local.minute()),
        "getSeconds" => i64::from(local.second()),
        "getMilliseconds" => i64::from(local.millisecond()),
        _ => return None,
    };
    Some(Ok(Value::Int(number)))
}

/// A zone by name, or a fixed one such as `-08:00`.
fn parse_zone(text: &str) -> Option<TimeZone> {
    let Some((hours, minutes)) = text.split_once(':') else { return TimeZone::get(text).ok() };
    let negative = hours.starts_with('-');
    let hours: i32 = hours.trim_start_matches(['+', '-']).parse().ok()?;
    let minutes: i32 = minutes.parse().ok()?;
    let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
    Offset::from_seconds(if negative { -seconds } else { seconds }).ok().map(TimeZone::fixed)
}

pub(in crate::cel) fn parse_timestamp(text: &str) -> Result<Value, Fault> {
    let flaw = || Fault::text(format!("cannot parse {text:?} as a timestamp of RFC 3339"));
    // RFC 3339 wants the form with seconds and a zone; the parser reads more forms than that.
    let date = text.get(..10).is_some_and(|date| date.bytes().filter(|b| *b == b'-').count() == 2);
    let zone = text.ends_with(['Z', 'z']) || text.len() > 19 && text[19..].contains(['+', '-']);
    if !date || !zone || text.contains('[') || !text.is_ascii() {
        return Err(flaw());
    }
    text.parse().map(Value::Timestamp).map_err(|_| flaw())
}

/// Reads Go's durations: signed decimal numbers with units, such as `1h30m` or `-1.5s`.
pub(in crate::cel) fn parse_duration(text: &str) -> Result<Value, Fault> {
    let flaw = || Fault::text(format!("time: invalid duration {text:?}"));
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Ok(Value::Duration(0));
    }
    if unsigned.is_empty() {
        return Err(flaw());
    }
    let (mut rest, mut total) = (unsigned, 0_i128);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(flaw)?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(flaw()),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || whole.len() > 19 {
            return Err(flaw());
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| flaw())? };
        let digits = fraction.get(..18).unwrap_or(fraction);
        let part: i128 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| flaw())? };
        let scale = 10_i128.pow(u32::try_from(digits.len()).unwrap_or_default());
        total += whole * unit + part * unit / scale;
        if total > 1 << 63 {
            return Err(flaw());
        }
        rest = next;
    }
    let total = if text.starts_with('-') { -total } else { total };
    i64::try_from(total).map(Value::Duration).map_err(|_| flaw())
}

/// Prints seconds, as CEL prints durations: `5400s`, `0.25s`.
pub(in crate::cel) fn print_duration(nanos: i64) -> String {
    let (seconds, rest) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    let sign = if nanos < 0 { "-" } else { "" };
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}
