//! Parser events to values.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Value};

use super::ParseOptions;
use super::duplicates::KeyLines;
use super::text::Text;
use crate::document::Document;
use crate::error::ParseError;
use crate::resolve::{self, Resolved, Resolver, TagKind};
use crate::span::{self, Comment, PathPart, ScalarSpan};

/// Parses a checked text.
pub(super) fn documents(text: &Text<'_>, options: &ParseOptions) -> Result<Vec<Document>, ParseError> {
    let mut parser_options = granit_parser::options! {
        // The builder counts depth itself and says so in its own words.
        flow_nesting_limit: options.limits.depth + 1,
        block_nesting_limit: options.limits.depth + 1,
        max_buffered_comment_events: usize::MAX,
    };
    parser_options.set_emit_comments(options.keep_spans);
    let mut builder = Builder::new(text, options);
    for event in Parser::new_from_str_with_options(text.content, parser_options) {
        match event {
            Ok((event, span)) => builder.event(event, span)?,
            Err(error) => {
                let at = text.at(error.marker().line(), error.marker().col() + 1);
                return Err(ParseError::Syntax { at, reason: error.info() });
            }
        }
    }
    Ok(builder.documents)
}

/// A value that is complete, with what its parent needs to know.
struct Node {
    value: Value,
    size: Size,
    is_alias: bool,
}

/// What a value costs when an alias repeats it.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

impl Size {
    fn add(&mut self, part: Size) {
        self.nodes += part.nodes;
        self.bytes += part.bytes;
        self.depth = self.depth.max(part.depth + 1);
    }
}

/// A collection that is being read.
struct Frame {
    content: Content,
    anchor: usize,
    size: Size,
}

enum Content {
    List(Vec<Value>),
    Map(MapFrame),
}

#[derive(Default)]
struct MapFrame {
    map: Map<String, Value>,
    key: Option<Key>,
    /// What `<<` named, for kustomize, where it yields to every key of the map itself.
    merged: Option<Value>,
    lines: KeyLines,
}

enum Key {
    Name(String),
    Merge,
}

struct Builder<'t, 'o> {
    text: &'t Text<'t>,
    options: &'o ParseOptions,
    refuses_duplicates: bool,
    documents: Vec<Document>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, (Value, Size)>,
    root: Option<Value>,
    start: Option<(usize, usize)>,
    end: usize,
    nodes: usize,
    aliased: Size,
    scalars: Vec<ScalarSpan>,
    comments: Vec<Comment>,
    /// The line on which the last thing that was no comment ended, and whether it was the last scalar.
    last_line: (usize, bool),
}

impl<'t, 'o> Builder<'t, 'o> {
    fn new(text: &'t Text<'t>, options: &'o ParseOptions) -> Self {
        Self {
            text,
            options,
            refuses_duplicates: options.strict || options.resolver == Resolver::Kustomize,
            documents: Vec::new(),
            stack: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            start: None,
            end: 0,
            nodes: 0,
            aliased: Size::default(),
            scalars: Vec::new(),
            comments: Vec::new(),
            last_line: (0, false),
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), ParseError> {
        match event {
            Event::DocumentStart(..) => {
                self.start = None;
                self.anchors.clear();
            }
            Event::DocumentEnd => self.finish_document(span),
            Event::Scalar(text, style, anchor, tag) => {
                self.begin_node(&span)?;
                self.scalar(text, style, anchor, tag, &span)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin_collection(&span)?;
                self.stack.push(Frame { content: Content::List(Vec::new()), anchor, size: Size::default() });
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin_collection(&span)?;
                let content = Content::Map(MapFrame::default());
                self.stack.push(Frame { content, anchor, size: Size::default() });
            }
            Event::SequenceEnd | Event::MappingEnd => self.end_collection(&span)?,
            Event::Alias(anchor) => {
                self.begin_node(&span)?;
                self.alias(anchor, &span)?;
            }
            Event::Comment(text, _) => self.comment(text, &span),
            // Anchors' names are not asked for, and unknown aliases end the parse.
            _ => {}
        }
        Ok(())
    }

    fn begin_node(&mut self, span: &Span) -> Result<(), ParseError> {
        let limits = &self.options.limits;
        self.nodes += 1;
        if self.nodes > limits.nodes {
            return Err(self.limit(span, limits.nodes, "nodes"));
        }
        if self.start.is_none() {
            if self.documents.len() >= limits.documents {
                return Err(self.limit(span, limits.documents, "documents"));
            }
            self.start = Some((byte(span.start), span.start.line()));
        }
        self.end = byte(span.end);
        Ok(())
    }

    fn begin_collection(&mut self, span: &Span) -> Result<(), ParseError> {
        self.begin_node(span)?;
        self.last_line = (span.end.line(), false);
        if self.stack.len() >= self.options.limits.depth {
            return Err(self.limit(span, self.options.limits.depth, "nested collections"));
        }
        if self.expects_key() {
            let reason = "a key must be a scalar, this is a collection".to_owned();
            return Err(ParseError::Key { at: self.at(span), reason });
        }
        Ok(())
    }

    fn end_collection(&mut self, span: &Span) -> Result<(), ParseError> {
        // A block collection ends before the next token, a flow collection with its bracket.
        if byte(span.end) > byte(span.start) {
            self.end = byte(span.end);
            self.last_line = (span.end.line(), false);
        }
        let Some(mut frame) = self.stack.pop() else { return Ok(()) };
        frame.size.nodes += 1;
        let value = match frame.content {
            Content::List(items) => Value::Array(items),
            Content::Map(mut frame) => {
                if let Some(merged) = frame.merged.take() {
                    merge_under(&mut frame.map, merged);
                }
                Value::Object(frame.map)
            }
        };
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, (value.clone(), frame.size));
        }
        self.place(Node { value, size: frame.size, is_alias: false }, span)
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: &Span,
    ) -> Result<(), ParseError> {
        let resolver = self.options.resolver;
        let is_key = self.expects_key();
        let is_plain = style == ScalarStyle::Plain;
        let kind = tag.as_deref().and_then(tag_kind);
        if is_key && text == "<<" && (is_plain && kind.is_none() || kind == Some(TagKind::Merge)) {
            self.last_line = (span.end.line(), false);
            self.set_key(Key::Merge);
            return Ok(());
        }
        if self.options.keep_spans {
            self.last_line = (span.end.line(), !is_key);
            if !is_key {
                self.keep_scalar(&text, style, span);
            }
        }
        let mut text = text.into_owned();
        let resolved = match kind {
            Some(kind) => resolve::tagged(kind, &mut text, resolver)
                .map_err(|reason| ParseError::Value { at: self.at(span), reason })?,
            None if is_plain => resolve::plain(&text, resolver),
            None => Resolved::Text,
        };
        if is_key {
            if anchor != 0 {
                let size = Size { nodes: 1, bytes: text.len(), depth: 0 };
                if let Ok(value) = resolve::to_value(resolved.clone(), text.clone(), resolver) {
                    self.anchors.insert(anchor, (value, size));
                }
            }
            let key = resolve::to_key(resolved, text, resolver)
                .map_err(|reason| ParseError::Key { at: self.at(span), reason })?;
            return self.name_key(key, span);
        }
        let size = Size { nodes: 1, bytes: text.len(), depth: 0 };
        let value = resolve::to_value(resolved, text, resolver)
            .map_err(|reason| ParseError::Value { at: self.at(span), reason })?;
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
        self.place(Node { value, size, is_alias: false }, span)
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), ParseError> {
        self.last_line = (span.end.line(), false);
        let Some((value, size)) = self.anchors.get(&anchor) else {
            let reason = "an anchor's value contains itself".to_owned();
            return Err(ParseError::Alias { at: self.at(span), reason });
        };
        let (value, size) = (value, *size);
        let limits = &self.options.limits;
        self.aliased.nodes += size.nodes;
        self.aliased.bytes += size.bytes;
        if self.aliased.nodes > limits.alias_nodes {
            return Err(self.limit(span, limits.alias_nodes, "nodes from aliases"));
        }
        if self.aliased.bytes > limits.alias_bytes {
            return Err(self.limit(span, limits.alias_bytes, "bytes from aliases"));
        }
        if self.stack.len() + size.depth > limits.depth {
            return Err(self.limit(span, limits.depth, "nested collections"));
        }
        if self.expects_key() {
            let Some(key) = value.as_str() else {
                let reason = "an alias that is a key must name a text".to_owned();
                return Err(ParseError::Key { at: self.at(span), reason });
            };
            let key = key.to_owned();
            return self.name_key(key, span);
        }
        let value = value.clone();
        self.place(Node { value, size, is_alias: true }, span)
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { content: Content::Map(MapFrame { key: None, .. }), .. }))
    }

    fn set_key(&mut self, key: Key) {
        if let Some(Frame { content: Content::Map(frame), .. }) = self.stack.last_mut() {
            frame.key = Some(key);
        }
    }

    fn name_key(&mut self, key: String, span: &Span) -> Result<(), ParseError> {
        if self.refuses_duplicates
            && let Some(Frame { content: Content::Map(frame), .. }) = self.stack.last_mut()
        {
            if frame.map.contains_key(&key) {
                let first_line = frame.lines.first_line(&key);
                // A key that only a merge has brought is no duplicate.
                if let Some(first_line) = first_line {
                    return Err(ParseError::DuplicateKey { at: self.at(span), key, first_line });
                }
            }
            frame.lines.insert(&key, span.start.line());
        }
        self.set_key(Key::Name(key));
        Ok(())
    }

    /// Puts a complete value into the collection that is being read.
    fn place(&mut self, node: Node, span: &Span) -> Result<(), ParseError> {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node.value);
            return Ok(());
        };
        frame.size.add(node.size);
        let frame = match &mut frame.content {
            Content::List(items) => {
                items.push(node.value);
                return Ok(());
            }
            Content::Map(frame) => frame,
        };
        match frame.key.take() {
            Some(Key::Name(key)) => {
                frame.map.insert(key, node.value);
                Ok(())
            }
            // The events of a map alternate, so this is the value of a merge key.
            Some(Key::Merge) | None => {
                let result = match self.options.resolver {
                    Resolver::Kubectl => merge_over(&mut frame.map, node),
                    Resolver::Kustomize if frame.merged.is_some() => Err("a map has the merge key << twice"),
                    Resolver::Kustomize => merge_source(node).map(|value| frame.merged = Some(value)),
                };
                result.map_err(|reason| ParseError::Alias { at: self.at(span), reason: reason.to_owned() })
            }
        }
    }

    fn finish_document(&mut self, span: Span) {
        let (start, line) = self.start.take().unwrap_or((byte(span.start), span.start.line()));
        let skipped = self.text.skipped;
        self.documents.push(Document {
            value: self.root.take().unwrap_or_default(),
            line,
            span: start + skipped..self.end.max(start) + skipped,
            scalars: std::mem::take(&mut self.scalars),
            comments: std::mem::take(&mut self.comments),
        });
    }

    fn keep_scalar(&mut self, text: &str, style: ScalarStyle, span: &Span) {
        let (start, end) = (byte(span.start), byte(span.end));
        // The text of a block ends where the next token begins; white space before that is not its own.
        let is_written = end > start;
        let path = self.stack.iter().filter_map(|frame| match &frame.content {
            Content::List(items) => Some(PathPart::Index(items.len())),
            Content::Map(MapFrame { key: Some(Key::Name(key)), .. }) => Some(PathPart::Key(key.clone())),
            Content::Map(MapFrame { key: Some(Key::Merge), .. }) => Some(PathPart::Key("<<".to_owned())),
            Content::Map(MapFrame { key: None, .. }) => None,
        });
        self.scalars.push(ScalarSpan {
            span: start + self.text.skipped..end + self.text.skipped,
            line: span.start.line(),
            column: span.start.col() + 1,
            style: match style {
                ScalarStyle::Plain => span::ScalarStyle::Plain,
                ScalarStyle::SingleQuoted => span::ScalarStyle::SingleQuoted,
                ScalarStyle::DoubleQuoted => span::ScalarStyle::DoubleQuoted,
                ScalarStyle::Literal => span::ScalarStyle::Literal,
                ScalarStyle::Folded => span::ScalarStyle::Folded,
            },
            text: if is_written { text.to_owned() } else { String::new() },
            path: path.collect(),
            comment: None,
        });
    }

    fn comment(&mut self, text: Cow<'_, str>, span: &Span) {
        if self.last_line == (span.start.line(), true)
            && let Some(scalar) = self.scalars.last_mut()
        {
            scalar.comment = Some(text.clone().into_owned());
        }
        self.comments.push(Comment {
            span: byte(span.start) + self.text.skipped..byte(span.end) + self.text.skipped,
            line: span.start.line(),
            text: text.into_owned(),
        });
    }

    fn at(&self, span: &Span) -> crate::error::Position {
        self.text.at(span.start.line(), span.start.col() + 1)
    }

    fn limit(&self, span: &Span, limit: usize, what: &'static str) -> ParseError {
        ParseError::Limit { at: self.at(span), limit, what }
    }
}

/// Sets every key of what `<<` names, over keys that stand before it: go-yaml v2 reads a map from top to
/// bottom.
fn merge_over(map: &mut Map<String, Value>, node: Node) -> Result<(), &'static str> {
    if let Value::Object(source) = merge_source(node)? {
        map.extend(source);
    }
    Ok(())
}

/// Sets the keys that the map does not have itself.
fn merge_under(map: &mut Map<String, Value>, source: Value) {
    if let Value::Object(source) = source {
        for (key, value) in source {
            map.entry(key).or_insert(value);
        }
    }
}

/// Returns the one map that `<<` names; of several maps the earlier win.
fn merge_source(node: Node) -> Result<Value, &'static str> {
    const WANTED: &str = "the merge key << takes a map, or a list of maps written in place";
    match node.value {
        Value::Object(map) => Ok(Value::Object(map)),
        Value::Array(maps) if !node.is_alias => {
            let mut merged = Map::new();
            for source in maps {
                if !source.is_object() {
                    return Err(WANTED);
                }
                merge_under(&mut merged, source);
            }
            Ok(Value::Object(merged))
        }
        _ => Err(WANTED),
    }
}

/// Returns what a tag means for a scalar; `None` for the tag `!`, which says as much as none.
fn tag_kind(tag: &Tag) -> Option<TagKind> {
    match tag.suffix_in_namespace("tag:yaml.org,2002:") {
        Some(name) => Some(TagKind::named(&name)),
        None => Some(TagKind::Text),
    }
}

/// The parser is given a str, whose markers all have byte offsets.
fn byte(marker: Marker) -> usize {
    marker.byte_offset().unwrap_or_default()
}
