//! Parts of `allOf` and its like: they say nothing of structure.

use serde_json::Value;

use super::is_zero;
use crate::wire::status::Cause;

/// Checks the parts that a schema combines, and its pattern.
pub(super) fn check_parts(
    schema: &Value,
    skip_any: bool,
    skip_first: bool,
    path: &str,
    causes: &mut Vec<Cause>,
) {
    let parts = |name: &str| schema[name].as_array().into_iter().flatten().enumerate();
    if !skip_any {
        for (place, part) in parts("anyOf") {
            check(part, false, &format!("{path}.anyOf[{place}]"), causes);
        }
    }
    for (place, part) in parts("allOf") {
        check(part, skip_first && place == 0, &format!("{path}.allOf[{place}]"), causes);
    }
    for (place, part) in parts("oneOf") {
        check(part, false, &format!("{path}.oneOf[{place}]"), causes);
    }
    check(&schema["not"], false, &format!("{path}.not"), causes);
    if let Some(pattern) = schema["pattern"].as_str()
        && let Err(error) = gitops_expr::regexp::Regexp::new(pattern)
    {
        let why = format!("must be a valid regular expression, but isn't: {error}");
        causes.push(Cause::invalid(format!("{path}.pattern"), &schema["pattern"], &why));
    }
}

fn check(part: &Value, skip_any: bool, path: &str, causes: &mut Vec<Cause>) {
    if !part.is_object() {
        return;
    }
    let at = |name: &str| format!("{path}.{name}");
    check_parts(part, skip_any, false, path, causes);
    check(&part["items"], false, &at("items"), causes);
    for (name, property) in part["properties"].as_object().into_iter().flatten() {
        check(property, false, &format!("{path}.properties[{name}]"), causes);
    }
    for (name, empty) in [
        ("type", "empty"),
        ("additionalProperties", "undefined"),
        ("default", "undefined"),
        ("title", "empty"),
        ("description", "empty"),
        ("nullable", "false"),
        ("x-kubernetes-preserve-unknown-fields", "false"),
        ("x-kubernetes-embedded-resource", "false"),
        ("x-kubernetes-int-or-string", "false"),
        ("x-kubernetes-list-map-keys", "empty"),
        ("x-kubernetes-list-type", "undefined"),
        ("x-kubernetes-map-type", "undefined"),
        ("x-kubernetes-validations", "empty"),
    ] {
        let value = &part[name];
        // A default of nothing is one all the same.
        let is_set = if name == "default" { !value.is_null() } else { !is_zero(value) };
        if is_set {
            causes.push(Cause::forbidden(at(name), &format!("must be {empty} to be structural")));
        }
    }
    if !part["properties"]["metadata"].is_null() {
        let field = format!("{path}.properties[metadata]");
        causes.push(Cause::forbidden(field, "must not be specified in a nested context"));
    }
}
