//! Which type a plain scalar has, by the rules of Go's yaml.v3, which kustomize reads and prints with.

use super::{Tag, timestamp};

/// What a plain scalar stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved {
    Str,
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// A time, as RFC 3339 prints it.
    Timestamp(String),
    Merge,
}

impl Resolved {
    /// Returns the tag that the reader gives such a scalar.
    pub(crate) fn tag(&self) -> Tag {
        match self {
            Self::Str => Tag::Str,
            Self::Null => Tag::Null,
            Self::Bool(_) => Tag::Bool,
            Self::Int(_) | Self::Uint(_) => Tag::Int,
            Self::Float(_) => Tag::Float,
            Self::Timestamp(_) => Tag::Timestamp,
            Self::Merge => Tag::Merge,
        }
    }
}

/// Returns what the text of a plain, untagged scalar stands for (yaml.v3 `resolve.go`).
pub(crate) fn resolve(text: &str) -> Resolved {
    let Some(&first) = text.as_bytes().first() else { return Resolved::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'<' if text == "<<" => Resolved::Merge,
        b'.' => match word(text) {
            Resolved::Str => parse_float(text).map_or(Resolved::Str, Resolved::Float),
            known => known,
        },
        b'+' | b'-' | b'0'..=b'9' => match word(text) {
            Resolved::Str => number(text),
            known => known,
        },
        _ => Resolved::Str,
    }
}

fn word(text: &str) -> Resolved {
    match text {
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ => Resolved::Str,
    }
}

fn number(text: &str) -> Resolved {
    if let Some(time) = timestamp::parse(text) {
        return Resolved::Timestamp(time);
    }
    let plain = text.replace('_', "");
    if let Some(int) = go_int(&plain) {
        return int;
    }
    if looks_like_float(&plain)
        && let Some(float) = parse_float(&plain)
    {
        return Resolved::Float(float);
    }
    // The octals of YAML 1.2 and binaries, where the sign stands before the prefix.
    for (prefix, radix) in [("0b", 2), ("0o", 8)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            if let Ok(int) = i64::from_str_radix(digits, radix) {
                return Resolved::Int(int);
            }
            if let Ok(uint) = u64::from_str_radix(digits, radix) {
                return Resolved::Uint(uint);
            }
        } else if let Some(digits) = plain.strip_prefix('-').and_then(|rest| rest.strip_prefix(prefix))
            && let Ok(int) = i64::from_str_radix(&format!("-{digits}"), radix)
        {
            return Resolved::Int(int);
        }
    }
    Resolved::Str
}

/// Go's `strconv.ParseInt` with base 0: a prefix tells the base, a leading zero octal.
fn go_int(text: &str) -> Option<Resolved> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return None;
    }
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    if let Ok(int) = i64::from_str_radix(&signed, radix) {
        return Some(Resolved::Int(int));
    }
    // ParseUint takes no sign at all.
    if text.starts_with(['-', '+']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Resolved::Uint)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn looks_like_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let rest = if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        &fraction[count..]
    } else {
        let count = digits(rest);
        if count == 0 {
            return false;
        }
        let rest = &rest[count..];
        rest.strip_prefix('.').map_or(rest, |fraction| &fraction[digits(fraction)..])
    };
    if rest.is_empty() {
        return true;
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

/// Go's `strconv.ParseFloat`, which refuses what does not fit.
fn parse_float(text: &str) -> Option<f64> {
    let starts = text.trim_start_matches(['+', '-', '.']).as_bytes().first().is_some_and(u8::is_ascii_digit);
    let float = if starts { text.parse::<f64>().ok()? } else { return None };
    float.is_finite().then_some(float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Resolved) {
        assert_eq!(resolve(text), want, "{text}");
    }

    #[test]
    fn words_of_yaml_1_1_stay_text() {
        for text in
            ["yes", "y", "on", "off", "No", "0x", "1:30", "12e45678", "1.2.3", "-", "+", ".", "._", "e3"]
        {
            check(text, Resolved::Str);
        }
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        check("0755", Resolved::Int(493));
        check("0o17", Resolved::Int(15));
        check("0b101", Resolved::Int(5));
        check("1_000", Resolved::Int(1000));
        check("0x1F", Resolved::Int(31));
        check("08", Resolved::Float(8.0));
        check("18446744073709551615", Resolved::Uint(u64::MAX));
        check("1e3", Resolved::Float(1000.0));
        check(".5", Resolved::Float(0.5));
        check("-.5", Resolved::Float(-0.5));
        check("1.", Resolved::Float(1.0));
    }

    #[test]
    fn dates_are_times() {
        check("2026-01-01", Resolved::Timestamp("2026-01-01T00:00:00Z".to_owned()));
    }
}
