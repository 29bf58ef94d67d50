//! Parser events to values.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScanError, Span, StructureStyle};
use serde_json::{Map, Value};

use super::ParseOptions;
use super::keeper::Keeper;
use super::scalar::Scalar;
use super::split::Chunk;
use super::{merge, quick, repair};
use crate::document::Document;
use crate::error::{ParseError, Position};
use crate::resolve::{self, Resolved, Resolver};
use crate::span::PathPart;
use crate::usual::{Mark, Stretch};

/// Parses the chunks of a text.
pub(super) fn documents(chunks: Vec<Chunk<'_>>, options: &ParseOptions) -> Result<Vec<Document>, ParseError> {
    let mut totals = Totals::default();
    let mut documents = Vec::with_capacity(chunks.len());
    let mut keeper = Keeper::new(options.keep_spans);
    for mut chunk in chunks {
        if let Ok(document) = quick::document(&chunk, options, &mut totals, &mut keeper) {
            documents.extend(document);
            continue;
        }
        let kept = keeper.len();
        loop {
            let mut builder = Builder::new(&chunk, options, totals, keeper);
            match builder.run() {
                Ok(()) => {
                    documents.append(&mut builder.documents);
                    (totals, keeper) = (builder.totals, builder.keeper);
                    break;
                }
                Err(Stop::Refused(error)) => return Err(error),
                Err(Stop::Syntax(error)) => {
                    let parsed_to = builder.end;
                    keeper = builder.keeper;
                    keeper.truncate(kept);
                    if !repair::quoted_lines(&mut chunk, &error, parsed_to) {
                        return Err(refuse(&chunk, &error, options));
                    }
                }
            }
        }
    }
    // Comments after the last document.
    let (_, comments) = keeper.take();
    if let Some(last) = documents.last_mut() {
        last.comments.extend(comments);
    }
    Ok(documents)
}

/// Returns the parser's error in our words.
fn refuse(chunk: &Chunk<'_>, error: &ScanError, options: &ParseOptions) -> ParseError {
    let at = chunk.position(error.marker().line(), error.marker().col());
    match error.kind() {
        // The parser looks ahead, so it may meet its own limit before the builder meets the same.
        ErrorKind::RecursionLimitExceeded => {
            ParseError::Limit { at, limit: options.limits.depth, what: "nested collections" }
        }
        _ => ParseError::Syntax { at, reason: error.info() },
    }
}

/// Why a chunk was not read to its end.
enum Stop {
    Syntax(ScanError),
    Refused(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Refused(error)
    }
}

/// What is counted over all chunks.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) nodes: usize,
    pub(super) documents: usize,
    alias_nodes: usize,
    alias_bytes: usize,
}

/// A value that is complete, with what its parent needs to know.
struct Node {
    value: Value,
    size: Size,
    is_alias: bool,
}

/// What a value costs when an alias repeats it.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    bytes: usize,
    /// Nested collections, 0 for a scalar.
    depth: usize,
}

impl Size {
    fn scalar(text: &str) -> Self {
        Self { nodes: 1, bytes: text.len(), depth: 0 }
    }

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
    is_flow: bool,
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
    merged: Option<Map<String, Value>>,
    /// The keys with their lines, when duplicates are refused.
    lines: Vec<(String, usize)>,
}

enum Key {
    Name(String),
    Merge,
}

struct Builder<'t> {
    chunk: &'t Chunk<'t>,
    options: &'t ParseOptions,
    refuses_duplicates: bool,
    documents: Vec<Document>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, (Value, Size)>,
    root: Option<Value>,
    /// The byte and the line of the document's first node.
    start: Option<(usize, usize)>,
    /// The byte at which the last node ended.
    end: usize,
    totals: Totals,
    keeper: Keeper,
    ends_mid_line: bool,
}

impl<'t> Builder<'t> {
    fn new(chunk: &'t Chunk<'t>, options: &'t ParseOptions, totals: Totals, keeper: Keeper) -> Self {
        Self {
            chunk,
            options,
            refuses_duplicates: options.strict || options.resolver == Resolver::Kustomize,
            documents: Vec::new(),
            stack: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            start: None,
            end: 0,
            totals,
            keeper,
            ends_mid_line: chunk.ends_mid_line(),
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        let limits = &self.options.limits;
        let mut options = granit_parser::options! {
            // The builder counts depth itself and says so in its own words.
            flow_nesting_limit: limits.depth + 1,
            block_nesting_limit: limits.depth + 1,
            // Comments are part of the text, whose size is limited.
            max_buffered_comment_events: usize::MAX,
        };
        options.set_emit_comments(self.options.keep_spans);
        for event in Parser::new_from_str_with_options(&self.chunk.content, options) {
            let (event, span) = event.map_err(Stop::Syntax)?;
            self.event(event, stretch(&span))?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, span: Stretch) -> Result<(), ParseError> {
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::DocumentEnd => self.finish_document(),
            Event::Scalar(text, style, anchor, tag) => {
                self.begin_node(&span)?;
                let is_written = span.end.byte > span.start.byte;
                if self.stack.is_empty() && !is_written && anchor == 0 && tag.is_none() {
                    // Nothing between two separators is no document.
                    self.totals.documents -= 1;
                    self.start = None;
                    return Ok(());
                }
                let in_flow = self.stack.last().is_some_and(|frame| frame.is_flow);
                let is_cut = self.ends_mid_line && span.end.byte == self.chunk.content.len();
                self.scalar(Scalar { text, style, tag, is_written, in_flow, is_cut }, anchor, &span)?;
            }
            Event::SequenceStart(style, anchor, _) => {
                self.begin_collection(Content::List(Vec::new()), style, anchor, &span)?;
            }
            Event::MappingStart(style, anchor, _) => {
                self.begin_collection(Content::Map(MapFrame::default()), style, anchor, &span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end_collection(&span)?,
            Event::Alias(anchor) => {
                self.begin_node(&span)?;
                self.alias(anchor, &span)?;
            }
            Event::Comment(text, _) => self.keeper.comment(self.chunk, &text, &span),
            // The parser is not asked for anchors' names, and ends at an unknown alias by itself.
            _ => {}
        }
        Ok(())
    }

    fn begin_node(&mut self, span: &Stretch) -> Result<(), ParseError> {
        let limits = &self.options.limits;
        self.totals.nodes += 1;
        if self.totals.nodes > limits.nodes {
            return Err(self.limit(span, limits.nodes, "nodes"));
        }
        if self.start.is_none() {
            self.totals.documents += 1;
            if self.totals.documents > limits.documents {
                return Err(self.limit(span, limits.documents, "documents"));
            }
            self.start = Some((span.start.byte, span.start.line));
        }
        self.end = span.end.byte;
        Ok(())
    }

    fn begin_collection(
        &mut self,
        content: Content,
        style: StructureStyle,
        anchor: usize,
        span: &Stretch,
    ) -> Result<(), ParseError> {
        self.begin_node(span)?;
        self.keeper.other();
        if self.stack.len() >= self.options.limits.depth {
            return Err(self.limit(span, self.options.limits.depth, "nested collections"));
        }
        if self.expects_key() {
            return Err(self.key_error(span, "a key must be a scalar, this is a collection"));
        }
        // What is printed inside of brackets stays inside of brackets.
        let is_flow = style == StructureStyle::Flow || self.stack.last().is_some_and(|frame| frame.is_flow);
        self.stack.push(Frame { content, anchor, is_flow, size: Size { nodes: 1, bytes: 0, depth: 1 } });
        Ok(())
    }

    fn end_collection(&mut self, span: &Stretch) -> Result<(), ParseError> {
        // A flow collection ends with its bracket, a block collection where its last node does.
        if span.end.byte > span.start.byte {
            self.end = span.end.byte;
            self.keeper.other();
        }
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let value = match frame.content {
            Content::List(items) => Value::Array(items),
            Content::Map(mut content) => {
                if let Some(merged) = content.merged.take() {
                    merge::under(&mut content.map, merged);
                }
                Value::Object(content.map)
            }
        };
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, (value.clone(), frame.size));
        }
        self.place(Node { value, size: frame.size, is_alias: false }, span)
    }

    fn scalar(&mut self, scalar: Scalar<'_>, anchor: usize, span: &Stretch) -> Result<(), ParseError> {
        let resolver = self.options.resolver;
        if self.expects_key() {
            self.keeper.other();
            return self.key(scalar, anchor, span);
        }
        if self.keeper.is_on() {
            let path = self.path();
            self.keeper.scalar(self.chunk, &scalar, span, path);
        }
        let (resolved, text) = scalar.resolve(resolver).map_err(|reason| self.value_error(span, reason))?;
        let size = Size::scalar(&text);
        let value =
            resolve::to_value(resolved, text, resolver).map_err(|reason| self.value_error(span, reason))?;
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
        self.place(Node { value, size, is_alias: false }, span)
    }

    fn key(&mut self, scalar: Scalar<'_>, anchor: usize, span: &Stretch) -> Result<(), ParseError> {
        if scalar.is_merge() {
            self.set_key(Key::Merge);
            return Ok(());
        }
        let resolver = self.options.resolver;
        let (resolved, text) = scalar.resolve(resolver).map_err(|reason| self.value_error(span, reason))?;
        if anchor != 0
            && let Ok(value) = resolve::to_value(resolved.clone(), text.clone(), resolver)
        {
            self.anchors.insert(anchor, (value, Size::scalar(&text)));
        }
        // kustomize decodes a document's own keys, and only those, as text.
        let is_top_level = resolver == Resolver::Kustomize && self.stack.len() == 1;
        let resolved = if is_top_level && resolved != Resolved::Null { Resolved::Text } else { resolved };
        let key = resolve::to_key(resolved, text, resolver).map_err(|reason| self.key_error(span, reason))?;
        self.name_key(key, span)
    }

    fn alias(&mut self, anchor: usize, span: &Stretch) -> Result<(), ParseError> {
        self.keeper.other();
        let Some((value, size)) = self.anchors.get(&anchor) else {
            let reason = "an anchor's value contains itself".to_owned();
            return Err(ParseError::Alias { at: self.at(span), reason });
        };
        let limits = &self.options.limits;
        self.totals.alias_nodes += size.nodes;
        self.totals.alias_bytes += size.bytes;
        if self.totals.alias_nodes > limits.alias_nodes {
            return Err(self.limit(span, limits.alias_nodes, "nodes from aliases"));
        }
        if self.totals.alias_bytes > limits.alias_bytes {
            return Err(self.limit(span, limits.alias_bytes, "bytes from aliases"));
        }
        if self.stack.len() + size.depth > limits.depth {
            return Err(self.limit(span, limits.depth, "nested collections"));
        }
        if self.expects_key() {
            let Some(key) = value.as_str() else {
                return Err(self.key_error(span, "an alias that is a key must name a text"));
            };
            let key = key.to_owned();
            return self.name_key(key, span);
        }
        let node = Node { value: value.clone(), size: *size, is_alias: true };
        self.place(node, span)
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { content: Content::Map(MapFrame { key: None, .. }), .. }))
    }

    fn set_key(&mut self, key: Key) {
        if let Some(Frame { content: Content::Map(content), .. }) = self.stack.last_mut() {
            content.key = Some(key);
        }
    }

    fn name_key(&mut self, key: String, span: &Stretch) -> Result<(), ParseError> {
        if self.refuses_duplicates
            && let Some(Frame { content: Content::Map(content), .. }) = self.stack.last_mut()
        {
            // The lines are looked through only for a key that is there already, be it from a merge.
            let first = content.map.contains_key(&key).then(|| content.lines.iter().find(|(k, _)| *k == key));
            if let Some(Some((_, first_line))) = first {
                let first_line = *first_line;
                return Err(ParseError::DuplicateKey { at: self.at(span), key, first_line });
            }
            content.lines.push((key.clone(), self.chunk.line(span.start.line)));
        }
        self.set_key(Key::Name(key));
        Ok(())
    }

    /// Puts a complete value into the collection that is being read.
    fn place(&mut self, node: Node, span: &Stretch) -> Result<(), ParseError> {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node.value);
            return Ok(());
        };
        frame.size.add(node.size);
        let content = match &mut frame.content {
            Content::List(items) => {
                items.push(node.value);
                return Ok(());
            }
            Content::Map(content) => content,
        };
        if let Some(Key::Name(key)) = content.key.take_if(|key| matches!(key, Key::Name(_))) {
            content.map.insert(key, node.value);
            return Ok(());
        }
        // Keys and values alternate, so this is the value of a merge key.
        content.key = None;
        let merged =
            merge::source(node.value, node.is_alias).and_then(|source| match self.options.resolver {
                Resolver::Kubectl => {
                    merge::over(&mut content.map, source);
                    Ok(())
                }
                Resolver::Kustomize if content.merged.is_some() => Err("a map has the merge key << twice"),
                Resolver::Kustomize => {
                    content.merged = Some(source);
                    Ok(())
                }
            });
        merged.map_err(|reason| ParseError::Alias { at: self.at(span), reason: reason.to_owned() })
    }

    fn finish_document(&mut self) {
        let Some((start, line)) = self.start.take() else { return };
        let (scalars, comments) = self.keeper.take();
        let span = self.chunk.byte(start)..self.chunk.byte(self.end.max(start));
        let value = self.root.take().unwrap_or_default();
        self.documents.push(Document { value, line: self.chunk.line(line), span, scalars, comments });
    }

    /// Returns the keys and indices that lead to the value which comes next.
    fn path(&self) -> Vec<PathPart> {
        let part = |frame: &Frame| match &frame.content {
            Content::List(items) => Some(PathPart::Index(items.len())),
            Content::Map(content) => content.key.as_ref().map(|key| match key {
                Key::Name(key) => PathPart::Key(key.clone()),
                Key::Merge => PathPart::Key("<<".to_owned()),
            }),
        };
        self.stack.iter().filter_map(part).collect()
    }

    fn at(&self, span: &Stretch) -> Position {
        self.chunk.position(span.start.line, span.start.column)
    }

    fn value_error(&self, span: &Stretch, reason: String) -> ParseError {
        ParseError::Value { at: self.at(span), reason }
    }

    fn key_error(&self, span: &Stretch, reason: impl Into<String>) -> ParseError {
        ParseError::Key { at: self.at(span), reason: reason.into() }
    }

    fn limit(&self, span: &Stretch, limit: usize, what: &'static str) -> ParseError {
        ParseError::Limit { at: self.at(span), limit, what }
    }
}

fn stretch(span: &Span) -> Stretch {
    let mark = |marker: Marker| Mark { byte: byte(marker), line: marker.line(), column: marker.col() };
    Stretch { start: mark(span.start), end: mark(span.end) }
}

/// The parser is given a str, whose markers all have byte offsets.
pub(super) fn byte(marker: Marker) -> usize {
    marker.byte_offset().unwrap_or_default()
}
