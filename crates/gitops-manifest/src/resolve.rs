//! What a scalar's text becomes: Kubernetes' two readings.

mod number;
mod tag;
mod time;

use serde_json::{Number, Value};

pub(crate) use self::tag::{TagKind, tagged};

/// Whose reading of scalars is followed.
///
/// | text | `Kubectl` | `Kustomize` |
/// |---|---|---|
/// | `yes`, `on`, `y` | `true` | `"yes"`, `"on"`, `"y"` |
/// | `2026-01-01` | `"2026-01-01"` | `"2026-01-01T00:00:00Z"` |
/// | `0755`, `0o755`, `1_000`, `0x1F` | 493, 493, 1000, 31 | the same |
/// | `1e3`, `12e45678` | 1000, `"12e45678"` | the same |
/// | key `1:`, key `true:` | `"1"`, `"true"` | refused |
/// | a key twice in a map | the last one wins, strict refuses | refused |
/// | `{a: 1, <<: *x}` where x has a | x's | 1 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resolver {
    /// As kubectl reads a file: `sigs.k8s.io/yaml` over go-yaml v2, YAML 1.1.
    Kubectl,
    /// As kustomize, and so Flux, reads a file: kyaml over go-yaml v3, between YAML 1.1 and 1.2.
    #[default]
    Kustomize,
}

/// A scalar with its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer above the range of i64.
    Uint(u64),
    Float(f64),
    /// A timestamp as RFC 3339, `None` when RFC 3339 cannot tell its zone.
    Time(Option<String>),
    Text,
}

/// Resolves an unquoted scalar without a tag.
pub(crate) fn plain(text: &str, resolver: Resolver) -> Resolved {
    let Some(first) = text.bytes().next() else { return Resolved::Null };
    match first {
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O' => word(text, resolver),
        b'.' => special_float(text)
            .or_else(|| number::leading_point(text))
            .map_or(Resolved::Text, Resolved::Float),
        b'0'..=b'9' | b'+' | b'-' => special_float(text)
            .map(Resolved::Float)
            .or_else(|| time::rfc3339(text).map(Resolved::Time))
            .unwrap_or_else(|| number::parse(text)),
        _ => Resolved::Text,
    }
}

fn word(text: &str, resolver: Resolver) -> Resolved {
    match text {
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if resolver == Resolver::Kubectl => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if resolver == Resolver::Kubectl => {
            Resolved::Bool(false)
        }
        _ => Resolved::Text,
    }
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Returns whether some reader of YAML takes the unquoted text for something else than text, so that it must
/// be quoted to stay text.
pub(crate) fn is_ambiguous(text: &str) -> bool {
    plain(text, Resolver::Kubectl) != Resolved::Text || number::is_base_60(text)
}

/// Returns the JSON value, or why there is none.
pub(crate) fn to_value(resolved: Resolved, text: String, resolver: Resolver) -> Result<Value, String> {
    Ok(match resolved {
        Resolved::Null => Value::Null,
        Resolved::Bool(bool) => Value::Bool(bool),
        Resolved::Int(int) => Value::Number(int.into()),
        Resolved::Uint(int) => Value::Number(int.into()),
        Resolved::Float(float) => Value::Number(float_to_number(float)?),
        Resolved::Time(time) if resolver == Resolver::Kustomize => {
            Value::String(time.ok_or("the zone of the time is a day or more away from UTC; quote the time")?)
        }
        Resolved::Time(_) | Resolved::Text => Value::String(text),
    })
}

/// Go's JSON has no point in integral floats, and what reads `1000.0` into an integer field fails.
pub(crate) fn float_to_number(float: f64) -> Result<Number, String> {
    let number = Number::from_f64(float).ok_or_else(|| {
        "JSON has no number for infinity and not-a-number; quote it to make it text".to_owned()
    })?;
    Ok(match crate::emit::integral(&number) {
        Some(int) => match (i64::try_from(int), u64::try_from(int)) {
            (Ok(int), _) => int.into(),
            (_, Ok(int)) => int.into(),
            _ => number,
        },
        None => number,
    })
}

/// Returns the key of a JSON map that a resolved key makes, or why it makes none.
pub(crate) fn to_key(resolved: Resolved, text: String, resolver: Resolver) -> Result<String, String> {
    if resolver == Resolver::Kustomize {
        let found = match resolved {
            Resolved::Text => return Ok(text),
            Resolved::Null => "null",
            Resolved::Bool(_) => "a boolean",
            Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) => "a number",
            Resolved::Time(_) => "a time",
        };
        return Err(format!("the key {text:?} is {found}, kustomize takes only text; quote it"));
    }
    Ok(match resolved {
        Resolved::Text | Resolved::Time(_) => text,
        Resolved::Bool(bool) => bool.to_string(),
        Resolved::Int(int) => int.to_string(),
        Resolved::Float(float) if float.is_nan() => ".nan".to_owned(),
        Resolved::Float(float) => crate::emit::format_g32(float),
        Resolved::Null => return Err("a key is null; quote it to make it text".to_owned()),
        Resolved::Uint(_) => {
            return Err(format!("the key {text:?} is a number beyond 64 bits with a sign; quote it"));
        }
    })
}
