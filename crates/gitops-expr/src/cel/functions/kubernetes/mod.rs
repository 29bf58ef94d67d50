//! The functions that Kubernetes adds for rules of custom resources (`k8s.io/apiserver/pkg/cel/library`, cel-go `ext/lists.go`).

mod address;
mod formats;
mod lists;
mod quantity;
mod url;

use std::fmt;
use std::net::IpAddr;

use super::{Answer, Patterns};
use crate::Quantity;
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;
use crate::constraint::Version;

use url::Url;

/// A value of one of the types that the server adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cel) enum Special {
    Url(Url),
    Ip(IpAddr),
    /// An address and how many of its bits name the network.
    Cidr(IpAddr, u8),
    Quantity(Quantity),
    Semver(Version),
    /// A named format.
    Format(&'static str),
}

impl Special {
    pub(in crate::cel) fn type_name(&self) -> &'static str {
        match self {
            Special::Url(_) => "kubernetes.URL",
            Special::Ip(_) => "net.IP",
            Special::Cidr(..) => "net.CIDR",
            Special::Quantity(_) => "kubernetes.Quantity",
            Special::Semver(_) => "kubernetes.Semver",
            Special::Format(_) => "kubernetes.NamedFormat",
        }
    }
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Special::Url(url) => f.write_str(url.text()),
            Special::Ip(address) => write!(f, "{address}"),
            Special::Cidr(address, bits) => write!(f, "{address}/{bits}"),
            Special::Quantity(quantity) => f.write_str(&quantity.canonical()),
            Special::Semver(version) => write!(f, "{version}"),
            Special::Format(name) => f.write_str(name),
        }
    }
}

/// Whether a name with a dot is one of these functions.
pub(super) fn is_qualified(name: &str) -> bool {
    match name.split_once('.') {
        Some(("format", rest)) => rest == "named" || formats::named(rest).is_some(),
        _ => matches!(name, "ip.isCanonical" | "lists.range"),
    }
}

fn special(special: Special) -> Value {
    Value::Special(special.into())
}

/// Calls a function.
pub(super) fn function(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    if let Some(Value::String(text)) = values.first()
        && let Err(spent) = meter.pay_bytes(text.len())
    {
        return Some(Err(spent));
    }
    address::function(name, values)
        .or_else(|| formats::function(name, values))
        .or_else(|| lists::function(name, values, meter))
        .or_else(|| quantity::function(name, values))
        .or_else(|| url::function(name, values))
        .or_else(|| semver_function(name, values))
}

/// Calls a method; its receiver is the first value.
pub(super) fn method(name: &str, values: &[Value], meter: &mut Meter, patterns: &mut Patterns) -> Answer {
    if let Some(Value::List(_)) = values.first() {
        return lists::method(name, values, meter);
    }
    if let ("find" | "findAll", [Value::String(text), Value::String(pattern), rest @ ..]) = (name, values) {
        let limit = match rest {
            [] => -1,
            [Value::Int(limit)] => *limit,
            _ => return Some(Err(Fault::overload())),
        };
        return Some(patterns.find(text, pattern, limit, meter).map(|mut found| match name {
            "find" => found.drain(..).next().unwrap_or_else(|| Value::text("")),
            _ => Value::list(found),
        }));
    }
    let Some(Value::Special(receiver)) = values.first() else { return None };
    let rest = &values[1..];
    match &**receiver {
        Special::Url(url) => url::method(name, url, rest),
        Special::Ip(_) | Special::Cidr(..) => address::method(name, receiver, rest),
        Special::Quantity(quantity) => quantity::method(name, quantity, rest),
        Special::Semver(version) => semver_method(name, version, rest),
        Special::Format(format) => formats::method(name, format, rest),
    }
}

/// Reads a version; `normalise` takes what is almost one.
fn version(text: &str, normalise: bool) -> Result<Version, Fault> {
    let read = if normalise { Version::parse(text) } else { Version::parse_strict(text) };
    read.map_err(|_| Fault::text(format!("No Major.Minor.Patch elements found in {text:?}")))
}

fn semver_function(name: &str, values: &[Value]) -> Answer {
    let (text, normalise) = match values {
        [Value::String(text)] => (text, false),
        [Value::String(text), Value::Bool(normalise)] => (text, *normalise),
        _ => return None,
    };
    Some(match name {
        "semver" => version(text, normalise).map(|version| special(Special::Semver(version))),
        "isSemver" => Ok(Value::Bool(version(text, normalise).is_ok())),
        _ => return None,
    })
}

fn semver_method(name: &str, version: &Version, rest: &[Value]) -> Answer {
    let number = |part: u64| Ok(Value::Int(i64::try_from(part).unwrap_or(i64::MAX)));
    let compared = match rest {
        [Value::Special(other)] => match &**other {
            Special::Semver(other) => Some(version.cmp(other)),
            _ => None,
        },
        _ => None,
    };
    Some(match (name, compared) {
        ("major", _) => number(version.major()),
        ("minor", _) => number(version.minor()),
        ("patch", _) => number(version.patch()),
        ("isGreaterThan", Some(order)) => Ok(Value::Bool(order.is_gt())),
        ("isLessThan", Some(order)) => Ok(Value::Bool(order.is_lt())),
        ("compareTo", Some(order)) => Ok(Value::Int(order as i64)),
        _ => return None,
    })
}
