//! What the rules of many kinds ask of a field.

use gitops_expr::Quantity;
use serde_json::{Value, json};

use super::super::names;
use crate::wire::status::{Cause, shown};

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

pub(super) fn has(value: &Value, name: &str) -> bool {
    !value[name].is_null()
}

/// Walks a list with the path of each item.
pub(super) fn each<'v>(list: &'v Value, path: &str) -> impl Iterator<Item = (String, &'v Value)> {
    items(list).enumerate().map(move |(position, item)| (format!("{path}[{position}]"), item))
}

/// Returns a number, or 0 where there is none.
pub(super) fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or(0)
}

pub(super) fn quantity(value: &Value) -> Option<Quantity> {
    value.as_str().and_then(Quantity::parse)
}

/// What looks how: gives all that is wrong.
pub(super) type Look = fn(&str) -> Vec<String>;

/// Tells of everything that is wrong with a text, if there is a text.
pub(super) fn looks(value: &Value, field: &str, look: Look, causes: &mut Vec<Cause>) {
    if let Some(text) = value.as_str() {
        causes.extend(look(text).iter().map(|why| Cause::invalid(field, value, why)));
    }
}

/// Tells of everything that is wrong with a text that is not empty.
pub(super) fn looks_if_any(value: &Value, name: &str, path: &str, look: Look, causes: &mut Vec<Cause>) {
    if !text(value, name).is_empty() {
        looks(&value[name], &child(path, name), look, causes);
    }
}

/// Asks for a text; tells whether there is one.
pub(super) fn needed(value: &Value, name: &str, path: &str, causes: &mut Vec<Cause>) -> bool {
    let missing = text(value, name).is_empty();
    if missing {
        causes.push(Cause::required(child(path, name), ""));
    }
    !missing
}

/// Asks for a text that looks right.
pub(super) fn needed_as(value: &Value, name: &str, path: &str, look: Look, causes: &mut Vec<Cause>) {
    if needed(value, name, path, causes) {
        looks(&value[name], &child(path, name), look, causes);
    }
}

/// Asks for one of the values that are known.
pub(super) fn needed_one_of(
    value: &Value,
    name: &str,
    path: &str,
    supported: &[&str],
    causes: &mut Vec<Cause>,
) {
    if needed(value, name, path, causes) {
        one_of(value, name, path, supported, causes);
    }
}

/// Takes nothing, or one of the values that are known.
pub(super) fn one_of_if_any(
    value: &Value,
    name: &str,
    path: &str,
    supported: &[&str],
    causes: &mut Vec<Cause>,
) {
    if has(value, name) {
        one_of(value, name, path, supported, causes);
    }
}

pub(super) fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Takes numbers of a range, both ends included.
pub(super) fn between(value: &Value, field: &str, low: i64, high: i64, causes: &mut Vec<Cause>) {
    if value.as_i64().is_some_and(|number| !(low..=high).contains(&number)) {
        let why = format!("must be between {low} and {high}, inclusive");
        causes.push(Cause::invalid(field, value, &why));
    }
}

/// Says that an amount may not be negative.
pub(super) fn non_negative_amount(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    if quantity(value).is_some_and(Quantity::is_negative) {
        causes.push(Cause::invalid(field, value, "must be greater than or equal to 0"));
    }
}

/// A path under a domain: `example.com/name`.
pub(super) fn domain_path(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    const PATH: &str = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
    let given = value.as_str().unwrap_or_default();
    if given.is_empty() {
        return causes.push(Cause::required(field, ""));
    }
    let (host, path) = given.split_once('/').unwrap_or_default();
    if host.is_empty() || path.is_empty() {
        let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        return causes.push(Cause::invalid(field, value, why));
    }
    looks(&json!(host), field, names::subdomain, causes);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    if !path.bytes().all(fits) {
        let why = format!("Invalid path (regex used for validation is '{PATH}')");
        causes.push(Cause::invalid(field, &json!(path), &why));
    }
}

pub(super) fn non_negative(value: &Value, name: &str, path: &str, causes: &mut Vec<Cause>) {
    if value[name].as_i64().is_some_and(|number| number < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid(child(path, name), &value[name], why));
    }
}

pub(super) fn one_of(value: &Value, name: &str, path: &str, supported: &[&str], causes: &mut Vec<Cause>) {
    let given = text(value, name);
    if !supported.contains(&given) {
        causes.push(Cause::not_supported(child(path, name), &json!(given), supported));
    }
}

/// Checks a label selector; gives whether it selects by anything.
pub(super) fn selector(selector: &Value, path: &str, causes: &mut Vec<Cause>) {
    causes.extend(super::super::metadata::validate_labels(
        &selector["matchLabels"],
        &format!("{path}.matchLabels"),
    ));
    for (position, expression) in items(&selector["matchExpressions"]).enumerate() {
        let at = format!("{path}.matchExpressions[{position}]");
        let values = items(&expression["values"]).count();
        match text(expression, "operator") {
            "In" | "NotIn" => {
                if values == 0 {
                    let why = "must be specified when `operator` is 'In' or 'NotIn'";
                    causes.push(Cause::required(format!("{at}.values"), why));
                }
            }
            "Exists" | "DoesNotExist" => {
                if values > 0 {
                    let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                    causes.push(Cause::forbidden(format!("{at}.values"), why));
                }
            }
            _ => {
                let field = format!("{at}.operator");
                causes.push(Cause::invalid(field, &expression["operator"], "not a valid selector operator"));
            }
        }
        let why = names::qualified_name(text(expression, "key"));
        causes.extend(why.iter().map(|why| Cause::invalid(format!("{at}.key"), &expression["key"], why)));
        for (at, value) in each(&expression["values"], &format!("{at}.values")) {
            looks(value, &at, names::label_value, causes);
        }
    }
}

/// Returns a label selector as Go prints it: labels first.
pub(super) fn shown_selector(selector: &Value) -> String {
    let mut parts = Vec::new();
    if has(selector, "matchLabels") {
        parts.push(format!("\"matchLabels\":{}", selector["matchLabels"]));
    }
    if has(selector, "matchExpressions") {
        let expressions = items(&selector["matchExpressions"]).map(|expression| {
            let fields = ["key", "operator", "values"].into_iter().filter(|name| has(expression, name));
            let fields = fields.map(|name| format!("{name:?}:{}", expression[name]));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        });
        parts.push(format!("\"matchExpressions\":[{}]", expressions.collect::<Vec<_>>().join(",")));
    }
    if selector.is_null() { "null".to_owned() } else { format!("{{{}}}", parts.join(",")) }
}

/// Says what is wrong with a label selector as a whole.
pub(super) fn refuse_selector(selector: &Value, field: &str, why: &str, causes: &mut Vec<Cause>) {
    causes.push(Cause::invalid_as(field, &shown_selector(selector), why));
}

/// Tells whether a selector can be used at all.
pub(super) fn is_usable(selector: &Value) -> bool {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let mut labels = labels.map(|(key, value)| (key, value.as_str().unwrap_or_default()));
    if !labels
        .all(|(key, value)| names::qualified_name(key).is_empty() && names::label_value(value).is_empty())
    {
        return false;
    }
    items(&selector["matchExpressions"]).all(|expression| {
        let values = items(&expression["values"]).count();
        match text(expression, "operator") {
            "In" | "NotIn" => values > 0 && are_labels(expression),
            "Exists" | "DoesNotExist" => values == 0 && are_labels(expression),
            _ => false,
        }
    })
}

fn are_labels(expression: &Value) -> bool {
    names::qualified_name(text(expression, "key")).is_empty()
        && items(&expression["values"])
            .all(|value| names::label_value(value.as_str().unwrap_or_default()).is_empty())
}

pub(super) fn is_empty_selector(selector: &Value) -> bool {
    selector["matchLabels"].as_object().is_none_or(serde_json::Map::is_empty)
        && items(&selector["matchExpressions"]).next().is_none()
}

/// Says that a field may not change.
pub(super) fn immutable(new: &Value, old: &Value, field: &str, causes: &mut Vec<Cause>) {
    if new != old {
        let is_selector = field.ends_with("elector") && new.is_object();
        let shown = if is_selector { shown_selector(new) } else { shown(new) };
        causes.push(Cause::invalid_as(field, &shown, "field is immutable"));
    }
}
