//! What the rules of many kinds ask of a field.

use serde_json::Value;

use super::super::names;
use crate::wire::status::Cause;

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

pub(super) fn has(value: &Value, name: &str) -> bool {
    !value[name].is_null()
}

pub(super) fn non_negative(value: &Value, name: &str, path: &str, causes: &mut Vec<Cause>) {
    if value[name].as_i64().is_some_and(|number| number < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid(format!("{path}.{name}"), &value[name], why));
    }
}

pub(super) fn one_of(value: &Value, name: &str, path: &str, supported: &[&str], causes: &mut Vec<Cause>) {
    let given = text(value, name);
    let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if !supported.contains(&given) {
        let given = serde_json::json!(given);
        causes.push(Cause::not_supported(field, &given, supported));
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
    }
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
            "In" | "NotIn" => values > 0,
            "Exists" | "DoesNotExist" => values == 0,
            _ => false,
        }
    })
}

pub(super) fn is_empty_selector(selector: &Value) -> bool {
    selector["matchLabels"].as_object().is_none_or(serde_json::Map::is_empty)
        && items(&selector["matchExpressions"]).next().is_none()
}

/// Says that a field may not change.
pub(super) fn immutable(new: &Value, old: &Value, field: &str, causes: &mut Vec<Cause>) {
    if new != old {
        causes.push(Cause::invalid(field, new, "field is immutable"));
    }
}
