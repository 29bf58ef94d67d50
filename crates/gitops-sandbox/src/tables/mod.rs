//! Tables: what `kubectl get` prints.

mod cells;
mod columns;
mod pods;

use serde_json::{Value, json};

use crate::schema::Kind;
use crate::server::Server;
use crate::wire::status::{Answer, Refusal};

/// What of an object stands in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    Metadata,
    Object,
    None,
}

impl Include {
    pub(crate) fn read(text: &str) -> Answer<Self> {
        match text {
            "" | "Metadata" => Ok(Self::Metadata),
            "Object" => Ok(Self::Object),
            "None" => Ok(Self::None),
            other => Err(Refusal::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty"
            ))),
        }
    }
}

/// A column of a custom resource: name, type, format, priority.
type Column = (String, &'static str, &'static str, i64);

/// Returns the table of some objects.
pub(crate) fn table(
    server: &Server,
    kind: &Kind,
    objects: &[Value],
    metadata: Value,
    include: Include,
    header: bool,
) -> Value {
    let now = server.clock.now();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells = match &kind.custom {
                None => cells::cells(kind, object, now),
                Some(_) => custom_columns(kind)
                    .iter()
                    .map(|((_, of, ..), path)| custom_cell(object, of, path, now))
                    .collect(),
            };
            let shown = match include {
                Include::None => Value::Null,
                Include::Object => object.clone(),
                Include::Metadata => crate::lifecycle::partial(object),
            };
            json!({"cells": cells, "object": shown})
        })
        .collect();
    let definitions = match &kind.custom {
        None => columns::recorded(kind),
        Some(_) => custom_columns(kind)
            .into_iter()
            .map(|((name, of, format, priority), _)| {
                json!({"name": name, "type": of, "format": format, "description": "", "priority": priority})
            })
            .collect(),
    };
    // Rows of a watch follow the columns of its first one.
    let definitions = if header { definitions } else { Value::Null };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions, "rows": rows,
    })
}

/// The formats that columns can have.
const FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

fn custom_columns(kind: &Kind) -> Vec<(Column, String)> {
    let mut columns = vec![(("Name".to_owned(), "string", "name", 0), ".metadata.name".to_owned())];
    let declared = kind.custom.as_ref().and_then(|custom| custom.version(&kind.version));
    let declared = declared.and_then(|version| version.entry["additionalPrinterColumns"].as_array());
    match declared.filter(|declared| !declared.is_empty()) {
        Some(declared) => {
            for column in declared {
                let text = |name: &str| column[name].as_str().unwrap_or_default().to_owned();
                let format = FORMATS.into_iter().find(|known| column["format"] == *known).unwrap_or("");
                let of = match text("type").as_str() {
                    "integer" => "integer",
                    "number" => "number",
                    "boolean" => "boolean",
                    "date" => "date",
                    _ => "string",
                };
                let priority = column["priority"].as_i64().unwrap_or(0);
                columns.push(((text("name"), of, format, priority), text("jsonPath")));
            }
        }
        None => columns.push((("Age".to_owned(), "date", "", 0), ".metadata.creationTimestamp".to_owned())),
    }
    columns
}

/// Finds what a simple JSONPath names: fields, positions, and filters by one field.
fn lookup<'v>(object: &'v Value, path: &str) -> &'v Value {
    static NONE: Value = Value::Null;
    let mut value = object;
    let mut rest = path.trim_start_matches('$');
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let Some(end) = inside.find(']') else { return &NONE };
            let (selector, after) = (&inside[..end], &inside[end + 1..]);
            rest = after;
            value = if selector == "*" {
                // The first of them is the one that is shown.
                let mut all = match value {
                    Value::Object(map) => map.values().collect::<Vec<_>>().into_iter(),
                    Value::Array(items) => items.iter().collect::<Vec<_>>().into_iter(),
                    _ => return &NONE,
                };
                all.next().unwrap_or(&NONE)
            } else if let Ok(position) = selector.parse::<usize>() {
                &value[position]
            } else if let Some((field, wanted)) =
                selector.trim_start_matches("?(@.").trim_end_matches(')').split_once("==")
            {
                let wanted = wanted.trim().trim_matches(['"', '\'']);
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                items.iter().find(|item| item[field.trim()] == wanted).unwrap_or(&NONE)
            } else {
                &value[selector.trim_matches(['"', '\''])]
            };
            continue;
        }
        rest = rest.trim_start_matches('.');
        let mut end = rest.len();
        let mut escaped = false;
        for (position, c) in rest.char_indices() {
            if !escaped && (c == '.' || c == '[') {
                end = position;
                break;
            }
            escaped = c == '\\';
        }
        let name = rest[..end].replace('\\', "");
        rest = &rest[end..];
        value = &value[name.as_str()];
    }
    value
}

fn custom_cell(object: &Value, of: &str, path: &str, now: jiff::Timestamp) -> Value {
    let found = lookup(object, path);
    match (of, found) {
        ("date", Value::String(text)) => json!(cells::age(text, now)),
        ("string", Value::String(text)) => json!(text),
        ("string", Value::Null) => Value::Null,
        ("string", other) => json!(other.to_string()),
        ("integer" | "number", Value::Number(_)) | ("boolean", Value::Bool(_)) => found.clone(),
        // What is of another type than its column is not shown.
        _ => Value::Null,
    }
}
