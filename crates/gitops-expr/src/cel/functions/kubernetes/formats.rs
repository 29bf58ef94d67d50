//! Named formats of texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::url::Url;
use super::{Special, special};
use crate::cel::functions::Answer;
use crate::cel::functions::time::parse_timestamp;
use crate::cel::value::Value;
use crate::names;

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
    match format {
        "dns1123Label" => names::label_1123(text),
        "dns1123LabelPrefix" => names::of_prefix(names::label_1123, text),
        "dns1035Label" => names::label_1035(text),
        "dns1035LabelPrefix" => names::of_prefix(names::label_1035, text),
        "dns1123Subdomain" => names::subdomain(text),
        "dns1123SubdomainPrefix" => names::of_prefix(names::subdomain, text),
        "qualifiedName" => names::qualified_name(text),
        "labelValue" => names::label_value(text),
        "uri" => Url::parse(text).err().into_iter().collect(),
        "uuid" => fits(is_uuid(text), "does not match the UUID format"),
        "byte" => fits(STANDARD.decode(text).is_ok() && !text.is_empty(), "invalid base64"),
        "date" => fits(text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10, "invalid date"),
        _ => fits(parse_timestamp(text).is_ok(), "invalid datetime"),
    }
}

fn is_uuid(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    plain.len() == 32 && plain.chars().all(|c| c.is_ascii_hexdigit())
}
