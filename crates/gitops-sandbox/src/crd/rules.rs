//! CEL rules of schemas (`x-kubernetes-validations`).

use gitops_expr::cel::{CelError, Environment, Expression, Limits};
use serde_json::{Map, Value};

use super::correlate::old_item;
use crate::wire::status::{Cause, shown};

/// The longest rule.
const MAX_BYTES: usize = 64 * 1024;

/// Evaluates the rules of a schema; `old` is what the value was, where it can be told.
pub(crate) fn evaluate(
    schema: &Value,
    value: &Value,
    old: Option<&Value>,
    path: &str,
    causes: &mut Vec<Cause>,
) {
    let unchanged = old.is_some_and(|old| structured_merge::equal_values(old, value));
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        if let Some(cause) = broken(rule, value, old, path)
            && (!unchanged || cause.1)
        {
            causes.push(cause.0);
        }
    }
    match value {
        Value::Object(map) => {
            for (name, item) in map {
                let property = &schema["properties"][name.as_str()];
                let schema = if property.is_object() { property } else { &schema["additionalProperties"] };
                if schema.is_object() {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    evaluate(schema, item, old.and_then(|old| old.get(name)), &path, causes);
                }
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                let before = old_item(schema, item, old);
                evaluate(&schema["items"], item, before, &format!("{path}[{position}]"), causes);
            }
        }
        _ => {}
    }
}

/// Tells whether a rule looks at what was before.
fn is_transition(rule: &Value) -> bool {
    rule["rule"].as_str().is_some_and(|text| text.contains("oldSelf"))
}

/// Returns why a rule is broken, and whether it is one about the change.
fn broken(rule: &Value, value: &Value, old: Option<&Value>, path: &str) -> Option<(Cause, bool)> {
    let text = rule["rule"].as_str()?;
    let transition = is_transition(rule);
    let optional = rule["optionalOldSelf"] == true;
    if transition && old.is_none() && !optional {
        return None;
    }
    let field = match rule["fieldPath"].as_str() {
        Some(below) if !below.is_empty() => format!("{path}{}", below.trim_end()),
        _ => path.to_owned(),
    };
    let field = field.trim_start_matches('.').to_owned();
    let field = if field.is_empty() { "<nil>".to_owned() } else { field };
    let environment = Environment::new().with_limits(Limits::default().with_bytes(MAX_BYTES));
    let mut variables = Map::new();
    variables.insert("self".to_owned(), value.clone());
    let expression = match (transition, old, optional) {
        (true, Some(old), true) => {
            variables.insert("__old".to_owned(), old.clone());
            format!("[optional.of(__old)].all(oldSelf, {text})")
        }
        (true, None, true) => format!("[optional.none()].all(oldSelf, {text})"),
        (_, old, _) => {
            variables.insert("oldSelf".to_owned(), old.cloned().unwrap_or_default());
            text.to_owned()
        }
    };
    let outcome =
        Expression::compile(&expression, &environment).and_then(|rule| rule.evaluate_bool(&variables));
    let reason = match rule["reason"].as_str() {
        Some("FieldValueForbidden") => "FieldValueForbidden",
        Some("FieldValueRequired") => "FieldValueRequired",
        Some("FieldValueDuplicate") => "FieldValueDuplicate",
        _ => "FieldValueInvalid",
    };
    let message = match outcome {
        Ok(true) => return None,
        Ok(false) => {
            said(rule, &variables, &environment).unwrap_or_else(|| format!("failed rule: {}", text.trim()))
        }
        Err(error) => {
            let kind = match value {
                Value::Object(_) => "object",
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "boolean",
                _ => "integer",
            };
            let why = match &error {
                CelError::Evaluate { why, .. } => why.clone(),
                other => other.to_string(),
            };
            let message = format!("Invalid value: {kind:?}: {why} evaluating rule: {}", text.trim());
            return Some((Cause::new("FieldValueInvalid", field, message), transition));
        }
    };
    let below = rule["fieldPath"].as_str().unwrap_or_default();
    let shown = match lookup(value, below) {
        Value::Object(_) | Value::Array(_) | Value::Null => String::new(),
        other => format!("{}: ", shown(other)),
    };
    let message = match reason {
        "FieldValueForbidden" => format!("Forbidden: {message}"),
        "FieldValueRequired" => format!("Required value: {message}"),
        "FieldValueDuplicate" => format!("Duplicate value: {}", shown.trim_end_matches(": ")),
        _ => format!("Invalid value: {shown}{message}"),
    };
    Some((Cause::new(reason, field, message), transition))
}

fn lookup<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.').filter(|name| !name.is_empty()).fold(value, |value, name| &value[name])
}

/// Returns what the rule's author says of it.
fn said(rule: &Value, variables: &Map<String, Value>, environment: &Environment) -> Option<String> {
    if let Some(text) = rule["messageExpression"].as_str().filter(|text| !text.is_empty()) {
        let message = Expression::compile(text, environment)
            .and_then(|expression| expression.evaluate_string(variables));
        if let Ok(message) = message
            && !message.trim().is_empty()
            && !message.contains('\n')
        {
            return Some(message.trim().to_owned());
        }
    }
    rule["message"].as_str().filter(|text| !text.is_empty()).map(|text| text.trim().to_owned())
}
