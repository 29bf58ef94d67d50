//! Formats of texts that the server knows (`kube-openapi`'s `strfmt`); others are not looked at.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What each format looks like, where an expression says all of it.
const PATTERNS: [(&str, &str); 15] = [
    ("bsonobjectid", "^[0-9a-fA-F]{24}$"),
    (
        "mac",
        "^(?:[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}[:-]){4}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{2}[:-]){7}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{2}[:-]){19}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{4}\\.){2}[0-9a-fA-F]{4}|(?:[0-9a-fA-F]{4}\\.){3}[0-9a-fA-F]{4}|(?:[0-9a-fA-F]{4}\\.){9}[0-9a-fA-F]{4})$",
    ),
    ("uuid", "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
    ("uuid3", "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
    ("uuid4", "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
    ("uuid5", "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
    (
        "creditcard",
        "^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$",
    ),
    ("ssn", "^[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}$"),
    ("hexcolor", "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
    (
        "rgbcolor",
        "^rgb\\(\\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\\s*,\\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\\s*,\\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\\s*\\)$",
    ),
    ("byte", "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$"),
    (
        "datetime",
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}[tT]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([zZ]|[+-][0-9]{2}:[0-9]{2})$",
    ),
    ("k8sshortname", "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
    ("k8slongname", "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
    (
        "hostname",
        "^([a-zA-Z0-9\\p{S}\\p{L}]((-?[a-zA-Z0-9\\p{S}\\p{L}]{0,62})?)|([a-zA-Z0-9\\p{S}\\p{L}](([a-zA-Z0-9\\-\\p{S}\\p{L}]{0,61}[a-zA-Z0-9\\p{S}\\p{L}])?)(\\.)){1,}([a-zA-Z\\p{L}]){2,63})$",
    ),
];

/// The formats that no expression says all of.
const OTHERS: [&str; 12] = [
    "uri", "email", "ipv4", "ipv6", "cidr", "isbn", "isbn10", "isbn13", "password", "date", "duration",
    "datetime",
];

static COMPILED: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let compile = |(name, pattern): &(&'static str, &str)| Some((*name, Regex::new(pattern).ok()?));
    PATTERNS.iter().filter_map(compile).collect()
});

/// Tells whether a text has a format; every text has one that is not known.
pub(super) fn fits(format: &str, text: &str) -> bool {
    let name = format.replace('-', "");
    if let Some((_, pattern)) = COMPILED.iter().find(|(known, _)| *known == name) {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        return match name.as_str() {
            "creditcard" => pattern.is_match(&digits(text)),
            "datetime" => pattern.is_match(text) && is_date(&text[..10]),
            "hostname" => {
                text.len() <= 255 && text.split('.').all(|part| part.len() <= 63) && pattern.is_match(text)
            }
            "k8slongname" => text.len() <= 253 && pattern.is_match(text),
            _ => pattern.is_match(text),
        };
    }
    match name.as_str() {
        "uri" => is_uri(text),
        "email" => is_email(text),
        "ipv4" => is_ipv4(text),
        "ipv6" => text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => text.split_once('/').is_some_and(|(address, bits)| {
            let canonical = bits == "0" || !bits.starts_with(['0', '+']);
            address.parse::<IpAddr>().is_ok_and(|address| {
                let most = if address.is_ipv4() { 32 } else { 128 };
                canonical && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
            })
        }),
        "isbn" => is_isbn(text, 10) || is_isbn(text, 13),
        "isbn10" => is_isbn(text, 10),
        "isbn13" => is_isbn(text, 13),
        "date" => is_date(text),
        "duration" => is_duration(text),
        _ => true,
    }
}

/// Returns the formats of texts in a schema that are not known, in the order of the schema.
pub(crate) fn unknown(schema: &Value, found: &mut Vec<String>) {
    let Some(map) = schema.as_object() else { return };
    if let Some(format) = schema["format"].as_str().filter(|format| !format.is_empty())
        && schema["type"] == "string"
    {
        let name = format.replace('-', "");
        let known = OTHERS.contains(&name.as_str()) || PATTERNS.iter().any(|(known, _)| *known == name);
        if !known {
            found.push(format.to_owned());
        }
    }
    for (name, part) in map {
        match (name.as_str(), part) {
            ("items" | "not" | "additionalProperties", part) => unknown(part, found),
            ("properties", Value::Object(parts)) => parts.values().for_each(|part| unknown(part, found)),
            ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => {
                parts.iter().for_each(|part| unknown(part, found));
            }
            _ => {}
        }
    }
}

/// An address of version 4; its numbers may start with zeros.
fn is_ipv4(text: &str) -> bool {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let parts = text.split('.').all(|part| number(part) && part.parse::<u8>().is_ok());
    parts && text.split('.').count() == 4
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// An address that is absolute, or a path that is.
fn is_uri(text: &str) -> bool {
    let wrong = |c: char| c.is_ascii_control() || c == ' ';
    !text.contains(wrong) && (text.starts_with('/') || url::Url::parse(text).is_ok())
}

fn is_email(text: &str) -> bool {
    let address = match (text.find('<'), text.strip_suffix('>')) {
        (Some(start), Some(rest)) => rest.get(start + 1..).unwrap_or_default(),
        _ => text,
    };
    let atom = |part: &str| {
        !part.is_empty()
            && part.split('.').all(|atom| {
                !atom.is_empty()
                    && atom.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c))
            })
    };
    address.rsplit_once('@').is_some_and(|(user, host)| atom(user) && atom(host))
}

/// A book's number, with its last digit checked.
fn is_isbn(text: &str, length: usize) -> bool {
    let digits: String = text.chars().filter(|c| *c != '-' && *c != ' ').collect();
    if digits.len() != length {
        return false;
    }
    let value = |(place, c): (usize, char)| match c {
        'X' if length == 10 && place == 9 => Some(10),
        c => c.to_digit(10),
    };
    let Some(values) = digits.chars().enumerate().map(value).collect::<Option<Vec<u32>>>() else {
        return false;
    };
    let sum: u32 = values
        .iter()
        .zip(1_u32..)
        .map(|(value, place)| match length {
            10 => value * place,
            _ => value * if place % 2 == 1 { 1 } else { 3 },
        })
        .sum();
    sum.is_multiple_of(if length == 10 { 11 } else { 10 })
}

/// Durations of Go, and single numbers with the name of a unit.
fn is_duration(text: &str) -> bool {
    static GO: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new("^[-+]?(0|([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$").ok());
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let units = "ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hr|hours?|d|days?|w|wks?|weeks?";
        Regex::new(&format!("^([0-9]+)\\s*({units})")).ok()
    });
    let is =
        |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text));
    is(&GO) || is(&NAMED)
}
