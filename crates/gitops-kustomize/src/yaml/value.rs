//! Nodes to JSON values and back, as kustomize does it: by printing and reading again.

use serde_json::{Map, Number, Value};

use super::legacy::{is_base_60, is_old_bool};
use super::print::plain_allowed;
use super::{Id, Kind, Node, Nodes, Resolved, Style, Tag, resolve};

/// Why a node has no JSON value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("line {line}: mapping key {key:?} already defined at line {first}")]
    Duplicate { line: u32, first: u32, key: String },
    #[error("yaml: cannot decode {found} `{text}` as a {tag}")]
    Tag { found: &'static str, text: String, tag: String },
    #[error("json: unsupported value: {0}")]
    Float(String),
    #[error(
        "json: unsupported type: map[interface {{}}]interface {{}}, because of the key `{0}`, which is no text"
    )]
    Key(String),
    #[error("yaml: nesting deeper than 1000 levels")]
    TooDeep,
}

impl Nodes {
    /// Returns the node as JSON.
    pub(crate) fn value(&self, id: Id) -> Result<Value, ValueError> {
        self.value_at(id, 0, false)
    }

    fn value_at(&self, id: Id, depth: usize, in_flow: bool) -> Result<Value, ValueError> {
        if depth > 1000 {
            return Err(ValueError::TooDeep);
        }
        let node = &self[id];
        // The whole of a list or map in brackets is printed in brackets.
        let in_flow = in_flow || node.style.has(Style::FLOW);
        match node.kind {
            Kind::Empty => Ok(Value::Null),
            Kind::Scalar if in_flow && is_bare_and_empty(node) => Ok(Value::String(String::new())),
            Kind::Scalar => scalar(node),
            Kind::Alias => self.value_at(node.content[0], depth + 1, false),
            Kind::Sequence => node
                .content
                .iter()
                .map(|child| self.value_at(*child, depth + 1, in_flow))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array),
            Kind::Mapping => {
                let mut map = Map::new();
                for (key, value) in self.pairs(id) {
                    let text = &*self[key].value;
                    // Only the outermost map takes keys of any type.
                    let is_text = is_bare_and_empty(&self[key]) || printed_tag(&self[key]) == Tag::Str;
                    if depth > 0 && !is_text {
                        return Err(ValueError::Key(text.to_owned()));
                    }
                    let value = self.value_at(value, depth + 1, in_flow)?;
                    if map.insert(text.to_owned(), value).is_some() {
                        return Err(self.duplicate(id, key));
                    }
                }
                Ok(Value::Object(map))
            }
        }
    }

    fn duplicate(&self, mapping: Id, key: Id) -> ValueError {
        let first = self.pairs(mapping).find(|(known, _)| self[*known].value == self[key].value);
        let first = first.map_or(0, |(known, _)| self[known].line);
        ValueError::Duplicate { line: self[key].line, first, key: self[key].value.to_string() }
    }

    /// Makes nodes of a JSON value as if its text had been read: numbers as they are, strings quoted.
    pub(crate) fn json(&mut self, value: &Value) -> Id {
        let node = match value {
            Value::String(text) => Node {
                kind: Kind::Scalar,
                tag: Tag::Str,
                style: Style::DOUBLE,
                value: text.as_str().into(),
                ..Node::default()
            },
            Value::Array(items) => {
                let content: Vec<Id> = items.iter().map(|item| self.json(item)).collect();
                Node { kind: Kind::Sequence, tag: Tag::Seq, style: Style::FLOW, content, ..Node::default() }
            }
            Value::Object(map) => {
                let mut content = Vec::with_capacity(2 * map.len());
                for (key, value) in map {
                    let key = Node { style: Style::DOUBLE, tag: Tag::Str, ..Node::scalar(key) };
                    let key = self.add(key);
                    let value = self.json(value);
                    content.extend([key, value]);
                }
                Node { kind: Kind::Mapping, tag: Tag::Map, style: Style::FLOW, content, ..Node::default() }
            }
            plain => {
                let text = plain.to_string();
                Node { kind: Kind::Scalar, tag: resolve(&text).tag(), value: text.into(), ..Node::default() }
            }
        };
        self.add(node)
    }

    /// Makes nodes of a JSON value as kustomize does: every number is a float on the way, and keys are sorted.
    pub(crate) fn nodes_of(&mut self, value: &Value) -> Id {
        let node = match value {
            Value::Null => {
                Node { kind: Kind::Scalar, tag: Tag::Null, value: "null".into(), ..Node::default() }
            }
            Value::Bool(flag) => Node {
                kind: Kind::Scalar,
                tag: Tag::Bool,
                value: if *flag { "true" } else { "false" }.into(),
                ..Node::default()
            },
            Value::Number(number) => {
                let text = number.as_f64().map_or_else(|| number.to_string(), go_float);
                Node { kind: Kind::Scalar, tag: resolve(&text).tag(), value: text.into(), ..Node::default() }
            }
            Value::String(text) => text_node(text),
            Value::Array(items) => {
                let content: Vec<Id> = items.iter().map(|item| self.nodes_of(item)).collect();
                let style = if content.is_empty() { Style::FLOW } else { Style::PLAIN };
                Node { kind: Kind::Sequence, tag: Tag::Seq, style, content, ..Node::default() }
            }
            Value::Object(map) => {
                let mut content = Vec::with_capacity(2 * map.len());
                for (key, value) in map {
                    let key = self.add(text_node(key));
                    let value = self.nodes_of(value);
                    content.extend([key, value]);
                }
                let style = if content.is_empty() { Style::FLOW } else { Style::PLAIN };
                Node { kind: Kind::Mapping, tag: Tag::Map, style, content, ..Node::default() }
            }
        };
        self.add(node)
    }
}

/// Returns the tag a scalar has once it has been printed and read again.
pub(crate) fn printed_tag(node: &Node) -> Tag {
    let explicit = node.style.has(Style::TAGGED);
    match &node.tag {
        Tag::None if node.style.is_quoted() || node.value.contains('\n') => Tag::Str,
        Tag::None => resolve(&node.value).tag(),
        Tag::Str => Tag::Str,
        tag if !explicit && node.style.is_quoted() => {
            // The tag is left out when the bare text has it anyway, and then the quotes decide.
            if resolve(&node.value).tag() == *tag { Tag::Str } else { tag.clone() }
        }
        tag => tag.clone(),
    }
}

/// Says whether there is nothing to print of a scalar. Between brackets and as a key such a one gets quotes, and so is
/// read again as an empty text, where a line of its own would leave it null.
fn is_bare_and_empty(node: &Node) -> bool {
    let style = node.style;
    node.value.is_empty() && !style.is_quoted() && !style.has(Style::TAGGED)
}

fn scalar(node: &Node) -> Result<Value, ValueError> {
    let text = &*node.value;
    let tag = printed_tag(node);
    let found = resolve(text);
    match (&tag, found) {
        (Tag::Str | Tag::Other(_) | Tag::Map | Tag::Seq, _) => Ok(Value::String(text.to_owned())),
        (Tag::Binary, _) => Ok(Value::String(decode_binary(text))),
        (Tag::Null, Resolved::Null) => Ok(Value::Null),
        (Tag::Bool, Resolved::Bool(flag)) => Ok(Value::Bool(flag)),
        (Tag::Int, Resolved::Int(int)) => Ok(Value::Number(int.into())),
        (Tag::Int, Resolved::Uint(uint)) => Ok(Value::Number(uint.into())),
        #[allow(clippy::cast_precision_loss, reason = "Go converts in the same way")]
        (Tag::Float, Resolved::Int(int)) => float(int as f64),
        #[allow(clippy::cast_precision_loss, reason = "Go converts in the same way")]
        (Tag::Float, Resolved::Uint(uint)) => float(uint as f64),
        (Tag::Float, Resolved::Float(number)) => float(number),
        (Tag::Timestamp, Resolved::Timestamp(time)) => Ok(Value::String(time)),
        (Tag::Merge, _) => Ok(Value::String(text.to_owned())),
        (tag, found) => Err(ValueError::Tag {
            found: tag_name(&found.tag()),
            text: text.to_owned(),
            tag: tag_name(tag).to_owned(),
        }),
    }
}

/// Returns a tag in its short form, nothing for none.
pub(crate) fn tag_name(tag: &Tag) -> &'static str {
    match tag {
        Tag::None => "",
        Tag::Str => "!!str",
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        Tag::Bool => "!!bool",
        Tag::Null => "!!null",
        Tag::Map => "!!map",
        Tag::Seq => "!!seq",
        Tag::Timestamp => "!!timestamp",
        Tag::Binary => "!!binary",
        Tag::Merge => "!!merge",
        Tag::Other(_) => "tagged value",
    }
}

/// A float as JSON: integral ones below 1e21 are printed without a point and so come back as integers.
fn float(number: f64) -> Result<Value, ValueError> {
    if !number.is_finite() {
        let text = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return Err(ValueError::Float(text.to_owned()));
    }
    if number.fract() == 0.0 && number.abs() < 1e21 {
        // The shortest digits that mean the number, and zeros, as Go prints it on the way.
        let text = format!("{number}");
        if let Ok(int) = text.parse::<i64>() {
            return Ok(Value::Number(int.into()));
        }
        if let Ok(uint) = text.parse::<u64>() {
            return Ok(Value::Number(uint.into()));
        }
    }
    Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
}

/// Prints a float as Go's `strconv.FormatFloat(f, 'g', -1, 64)` does.
pub(crate) fn go_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A string as yaml.v3 would print it and read it back: quoted where a reader could misunderstand.
fn text_node(text: &str) -> Node {
    let mut node = Node::string(text);
    if node.style == Style::PLAIN {
        if resolve(text) != Resolved::Str || is_old_bool(text) || is_base_60(text) {
            node.style = Style::DOUBLE;
        } else if !plain_allowed(text) {
            node.style = Style::SINGLE;
        }
    }
    node
}

/// Decodes base64 as far as it is valid.
fn decode_binary(text: &str) -> String {
    let bytes = crate::base64::decode(text).unwrap_or_else(|| text.as_bytes().to_vec());
    String::from_utf8_lossy(&bytes).into_owned()
}
