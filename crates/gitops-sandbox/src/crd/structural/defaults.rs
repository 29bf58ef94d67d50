//! Defaults must be what their schemas allow (`schema/defaulting/validation.go` of the server).

use serde_json::{Map, Value, json};

use crate::crd::metadata::{self, Malformed};
use crate::crd::rules::Rules;
use crate::crd::{pruning, validation};
use crate::wire::status::Cause;

pub(super) fn check(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let root = Surrounding { schema, steps: Vec::new() };
    walk(schema, path, true, &root, false, causes);
}

/// Where a default stands in the nearest object that has metadata.
#[derive(Clone)]
struct Surrounding<'s> {
    schema: &'s Value,
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Name(String),
    Item,
}

impl Surrounding<'_> {
    fn below(&self, step: Step) -> Self {
        let mut next = self.clone();
        next.steps.push(step);
        next
    }

    /// Returns an object that holds nothing but the default.
    fn around(&self, default: &Value) -> Value {
        let mut value = default.clone();
        for step in self.steps.iter().rev() {
            value = match step {
                Step::Name(name) => {
                    let mut map = Map::new();
                    map.insert(name.clone(), value);
                    Value::Object(map)
                }
                Step::Item => json!([value]),
            };
        }
        if let Some(map) = value.as_object_mut() {
            map.entry("kind").or_insert(json!("Validation"));
            map.entry("apiVersion").or_insert(json!("validation/v1"));
        }
        value
    }
}

fn walk<'s>(
    schema: &'s Value,
    path: &str,
    is_root: bool,
    surrounding: &Surrounding<'s>,
    in_metadata: bool,
    causes: &mut Vec<Cause>,
) {
    if !schema.is_object() {
        return;
    }
    let embedded = is_root || schema["x-kubernetes-embedded-resource"] == true;
    let own = Surrounding { schema, steps: Vec::new() };
    let (surrounding, in_metadata) = if embedded { (&own, false) } else { (surrounding, in_metadata) };
    if !schema["default"].is_null() {
        let field = format!("{path}.default");
        if in_metadata {
            of_metadata(schema, &field, surrounding, causes);
        } else {
            of_value(schema, &field, embedded, causes);
        }
    }
    walk(
        &schema["items"],
        &format!("{path}.items"),
        false,
        &surrounding.below(Step::Item),
        in_metadata,
        causes,
    );
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let is_meta = embedded && matches!(name.as_str(), "metadata" | "apiVersion" | "kind");
        let below = surrounding.below(Step::Name(name.clone()));
        let field = format!("{path}.properties[{name}]");
        walk(property, &field, false, &below, in_metadata || is_meta, causes);
    }
}

/// A default inside of metadata must make metadata.
fn of_metadata(schema: &Value, field: &str, surrounding: &Surrounding<'_>, causes: &mut Vec<Cause>) {
    let default = &schema["default"];
    let mut object = surrounding.around(default);
    let mut resource = surrounding.schema.clone();
    resource["x-kubernetes-embedded-resource"] = json!(true);
    let refuse =
        |why: String| Cause::invalid(field, default, &format!("must result in valid metadata: {why}"));
    if let Err(cause) = metadata::coerce(&resource, &mut object, "", Malformed::Refused, &mut Vec::new()) {
        return causes.push(refuse(cause.text()));
    }
    let mut found = Vec::new();
    metadata::validate(&resource, &object, "", &mut found);
    if !found.is_empty() {
        let texts: Vec<String> = found.iter().map(Cause::text).collect();
        let text = if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(", ")) };
        return causes.push(refuse(text));
    }
    of_schema(schema, field, causes);
}

fn of_value(schema: &Value, field: &str, embedded: bool, causes: &mut Vec<Cause>) {
    let default = &schema["default"];
    let mut pruned = default.clone();
    if embedded {
        pruning::prune(schema, &mut pruned, &mut Vec::new());
    } else {
        pruning::prune_part(schema, &mut pruned, &mut Vec::new());
    }
    if pruned != *default {
        causes.push(Cause::invalid(field, default, "must not have unknown fields"));
    }
    let mut resource = schema.clone();
    if embedded {
        resource["x-kubernetes-embedded-resource"] = json!(true);
    }
    let mut coerced = default.clone();
    let unread = metadata::coerce(&resource, &mut coerced, field, Malformed::Refused, &mut Vec::new());
    if let Err(cause) = unread {
        return causes.push(cause);
    }
    let mut found = Vec::new();
    metadata::validate(&resource, default, field, &mut found);
    if found.is_empty() {
        of_schema(schema, field, causes);
    } else {
        causes.extend(found);
    }
}

/// Returns a schema that does not say what may be an integer or a string: the server forgets it of defaults.
fn without_unions(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => map
            .iter()
            .filter(|(name, value)| !(*name == "x-kubernetes-int-or-string" && value.is_boolean()))
            .map(|(name, value)| {
                let literal = matches!(name.as_str(), "default" | "enum" | "example");
                (name.clone(), if literal { value.clone() } else { without_unions(value) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(without_unions).collect(),
        other => other.clone(),
    }
}

/// Holds a default against its schema and rules.
fn of_schema(schema: &Value, field: &str, causes: &mut Vec<Cause>) {
    let default = &schema["default"];
    let mut found = validation::validate(&without_unions(schema), default, None, "");
    for cause in &mut found {
        let dot = if cause.field.is_empty() { "" } else { "." };
        cause.field = format!("{field}{dot}{}", cause.field);
    }
    if !found.is_empty() {
        return causes.extend(found);
    }
    let Some(rules) = Rules::read(schema, schema["x-kubernetes-embedded-resource"] == true) else { return };
    // As it would be when nothing changes, and when it is new.
    let mut found = rules.evaluate_strictly(default, Some(default), field);
    if found.is_empty() {
        found = rules.evaluate_strictly(default, None, field);
    }
    causes.extend(found);
}
