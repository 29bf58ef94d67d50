//! JSON files as kubectl reads them.

use serde_json::{Deserializer, Value};

use super::ParseOptions;
use super::text::Text;
use crate::document::Document;
use crate::resolve::float_to_number;

/// Reads a stream of JSON maps; `None` when the text is something else or the caller needs what only the
/// YAML parser tells (spans, duplicate keys, the place of an error, limits).
pub(super) fn parse(text: &Text<'_>, options: &ParseOptions) -> Option<Vec<Document>> {
    if !text.content.trim_start().starts_with('{') || options.strict || options.keep_spans {
        return None;
    }
    let mut stream = Deserializer::from_str(text.content).into_iter::<Value>();
    let mut documents = Vec::new();
    let mut start = 0;
    let mut nodes = 0;
    while let Some(value) = stream.next() {
        let mut value = value.ok()?;
        let end = stream.byte_offset();
        start += text.content[start..end].len() - text.content[start..end].trim_start().len();
        nodes += normalise(&mut value, 1, options.limits.depth)?;
        if nodes > options.limits.nodes || documents.len() >= options.limits.documents {
            return None;
        }
        documents.push(Document {
            value,
            line: text.position(start).line,
            span: start + text.skipped..end + text.skipped,
            scalars: Vec::new(),
            comments: Vec::new(),
        });
        start = end;
    }
    Some(documents)
}

/// Turns integral floats into integers and counts nodes; `None` when the value is too deep.
fn normalise(value: &mut Value, depth: usize, limit: usize) -> Option<usize> {
    let mut nodes = 1;
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(Ok(normal)) = number.as_f64().map(float_to_number) {
                *number = normal;
            }
        }
        Value::Array(items) => {
            for item in items {
                nodes += normalise(item, depth + 1, limit)?;
            }
            return (depth <= limit).then_some(nodes);
        }
        Value::Object(map) => {
            for item in map.values_mut() {
                nodes += 1 + normalise(item, depth + 1, limit)?;
            }
            return (depth <= limit).then_some(nodes);
        }
        _ => {}
    }
    Some(nodes)
}
