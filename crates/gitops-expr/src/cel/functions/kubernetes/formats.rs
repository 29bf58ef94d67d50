//! Named formats of texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::url::Url;
use super::{Special, special};
use crate::cel::functions::Answer;
use crate::cel::functions::time::parse_timestamp;
use crate::cel::value::Value;

const NAMES: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

/// Returns the format of a name.
pub(super) fn named(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| *known == name)
}

pub(super) fn function(name: &str, values: &[Value]) -> Answer {
    let format = name.strip_prefix("format.")?;
    Some(Ok(match (format, values) {
        ("named", [Value::String(name)]) => {
            Value::Optional(named(name).map(|name| special(Special::Format(name)).into()))
        }
        (name, []) => special(Special::Format(named(name)?)),
        _ => return None,
    }))
}

pub(super) fn method(name: &str, format: &str, rest: &[Value]) -> Answer {
    let ("validate", [Value::String(text)]) = (name, rest) else { return None };
    let wrong = wrong(format, text);
    Some(Ok(Value::Optional(
        (!wrong.is_empty()).then(|| Value::list(wrong.into_iter().map(Value::text).collect()).into()),
    )))
}

fn wrong(format: &str, text: &str) -> Vec<String> {
    let fits = |fits: bool, why: &str| if fits { Vec::new() } else { vec![why.to_owned()] };
    // A prefix may end in what names may only hold: a dash is as good as a letter there.
    let whole =
        |text: &str| text.strip_suffix('-').map_or_else(|| text.to_owned(), |rest| format!("{rest}a"));
    match format {
        "dns1123Label" => label(text, false),
        "dns1123LabelPrefix" => label(&whole(text), false),
        "dns1035Label" => label(text, true),
        "dns1035LabelPrefix" => label(&whole(text), true),
        "dns1123Subdomain" => subdomain(text),
        "dns1123SubdomainPrefix" => subdomain(&whole(text)),
        "qualifiedName" => qualified(text),
        "labelValue" => label_value(text),
        "uri" => Url::parse(text).err().into_iter().collect(),
        "uuid" => fits(is_uuid(text), "does not match the UUID format"),
        "byte" => fits(STANDARD.decode(text).is_ok() && !text.is_empty(), "invalid base64"),
        "date" => fits(text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10, "invalid date"),
        _ => fits(parse_timestamp(text).is_ok(), "invalid datetime"),
    }
}

fn is_part(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn too_long(text: &str, limit: usize) -> Vec<String> {
    if text.len() > limit { vec![format!("must be no more than {limit} bytes")] } else { Vec::new() }
}

fn label(text: &str, strict: bool) -> Vec<String> {
    let mut wrong = too_long(text, 63);
    if strict && !(is_part(text) && text.starts_with(|c: char| c.is_ascii_lowercase())) {
        wrong.push("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')".to_owned());
    }
    if !strict && !is_part(text) {
        wrong.push("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')".to_owned());
    }
    wrong
}

fn subdomain(text: &str) -> Vec<String> {
    let mut wrong = too_long(text, 253);
    if !text.split('.').all(is_part) {
        wrong.push("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')".to_owned());
    }
    wrong
}

fn is_name(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn qualified(text: &str) -> Vec<String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let mut wrong: Vec<String> = match prefix {
        Some("") => vec!["prefix part must be non-empty".to_owned()],
        Some(prefix) => subdomain(prefix).into_iter().map(|why| format!("prefix part {why}")).collect(),
        None => Vec::new(),
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_name(name) {
        wrong.push("name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')".to_owned());
    }
    wrong
}

fn label_value(text: &str) -> Vec<String> {
    let mut wrong = too_long(text, 63);
    if !text.is_empty() && !is_name(text) {
        wrong.push("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')".to_owned());
    }
    wrong
}

fn is_uuid(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    plain.len() == 32 && plain.chars().all(|c| c.is_ascii_hexdigit())
}
