//! Text to documents. Where a comment belongs is decided in [`super::comments`].

use std::collections::HashMap;

use granit_parser::{Event, Parser, Placement, ScalarStyle, Span, StructureStyle};

use super::super::super::time::Time;
use super::super::super::tree::{Branch, Comment, Item, Key, Value};
use super::comments::{self, Note};
use crate::yaml::{Resolved, resolve};

/// The deepest nesting that is read.
const DEPTH: usize = 120;

/// The most nodes that a file may have, copies of anchored ones included.
const NODES: usize = 1_000_000;

/// Reads the documents of a file.
pub(in super::super::super) fn parse(bytes: &[u8]) -> Result<Vec<Branch>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut reader = Reader::default();
    for event in Parser::new_from_str(&text) {
        // The parser's words may repeat what stands there.
        let (event, span) =
            event.map_err(|error| format!("line {}: malformed YAML", error.marker().line()))?;
        reader.event(event, &span)?;
    }
    let mut branches = Vec::new();
    for document in std::mem::take(&mut reader.documents) {
        if branches.is_empty() {
            reader.unique_keys(document.root)?;
        }
        comments::place(&mut reader.nodes, &document);
        branches.push(reader.branch(document.root)?);
    }
    Ok(branches)
}

/// A node as it was read.
pub(super) struct Raw {
    pub(super) content: Content,
    pub(super) line: usize,
    pub(super) column: usize,
    /// The collection it is in.
    pub(super) parent: Option<usize>,
    /// Which entry of it.
    pub(super) entry: usize,
}

pub(super) enum Content {
    Scalar(Value),
    Alias(usize),
    Collection(Collection),
}

pub(super) struct Collection {
    pub(super) is_map: bool,
    pub(super) block: bool,
    /// Keys and values in turn for a map.
    pub(super) nodes: Vec<usize>,
    /// The comments before each entry, and after the last.
    pub(super) comments: Vec<Vec<Comment>>,
}

impl Collection {
    pub(super) fn entries(&self) -> usize {
        if self.is_map { self.nodes.len() / 2 } else { self.nodes.len() }
    }
}

/// A document: its outermost node and the comments in it, in their order.
#[derive(Default)]
pub(super) struct Document {
    pub(super) root: Option<usize>,
    pub(super) notes: Vec<Note>,
    /// Every key of a block map and item of a block list, in their order.
    pub(super) entries: Vec<Start>,
}

/// Where an entry begins.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) collection: usize,
    pub(super) entry: usize,
}

#[derive(Default)]
struct Reader {
    nodes: Vec<Raw>,
    documents: Vec<Document>,
    /// Comments since the last document ended.
    between: Vec<Note>,
    open: bool,
    stack: Vec<usize>,
    anchors: HashMap<usize, usize>,
    copied: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), String> {
        if self.nodes.len() > NODES {
            return Err(format!("it has more than {NODES} nodes"));
        }
        match event {
            Event::DocumentStart(explicit, _) => {
                let line = span.start.line();
                let (before, after) = std::mem::take(&mut self.between)
                    .into_iter()
                    .partition(|note: &Note| explicit && !self.documents.is_empty() && note.line < line);
                if let Some(last) = self.documents.last_mut() {
                    let mut before: Vec<Note> = before;
                    last.notes.append(&mut before);
                }
                self.documents.push(Document { notes: after, ..Document::default() });
                self.open = true;
                self.anchors.clear();
            }
            Event::DocumentEnd => self.open = false,
            Event::StreamEnd => {
                let rest = std::mem::take(&mut self.between);
                if let Some(last) = self.documents.last_mut() {
                    last.notes.extend(rest);
                }
            }
            Event::Comment(text, placement) => {
                let note = Note {
                    line: span.start.line(),
                    column: span.start.col(),
                    text: text.trim_end().to_owned(),
                    beside: placement == Placement::Right,
                };
                match self.documents.last_mut().filter(|_| self.open) {
                    Some(document) => document.notes.push(note),
                    None => self.between.push(note),
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                self.add(Content::Scalar(value), anchor, span);
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied().ok_or("an alias names no anchor")?;
                if self.stack.contains(&target) {
                    return Err("an anchor's value contains itself".to_owned());
                }
                self.add(Content::Alias(target), 0, span);
            }
            Event::UnresolvedAlias(_) => return Err("an alias names no anchor".to_owned()),
            Event::SequenceStart(style, anchor, _) => self.start(false, style, anchor, span)?,
            Event::MappingStart(style, anchor, _) => self.start(true, style, anchor, span)?,
            Event::SequenceEnd | Event::MappingEnd => {
                self.stack.pop();
            }
            _ => {}
        }
        Ok(())
    }

    fn start(
        &mut self,
        is_map: bool,
        style: StructureStyle,
        anchor: usize,
        span: &Span,
    ) -> Result<(), String> {
        if self.stack.len() >= DEPTH {
            return Err(format!("it nests deeper than {DEPTH} levels"));
        }
        let block = style != StructureStyle::Flow;
        let collection = Collection { is_map, block, nodes: Vec::new(), comments: Vec::new() };
        let id = self.add(Content::Collection(collection), anchor, span);
        self.stack.push(id);
        Ok(())
    }

    fn add(&mut self, content: Content, anchor: usize, span: &Span) -> usize {
        let id = self.nodes.len();
        let (line, column) = (span.start.line(), span.start.col());
        let parent = self.stack.last().copied();
        let mut entry = 0;
        if let Some(at) = parent {
            let (of_map, first_column) = (self.nodes[at].column, column);
            if let Content::Collection(collection) = &mut self.nodes[at].content {
                let is_value = collection.is_map && collection.nodes.len() % 2 == 1;
                collection.nodes.push(id);
                entry = collection.entries() - usize::from(!collection.is_map || is_value);
                if collection.block && !is_value {
                    // An item begins at its dash.
                    let column = if collection.is_map { first_column } else { of_map };
                    let start = Start { line, column, collection: at, entry };
                    if let Some(document) = self.documents.last_mut() {
                        document.entries.push(start);
                    }
                }
            }
        } else if let Some(document) = self.documents.last_mut() {
            document.root = Some(id);
        }
        self.nodes.push(Raw { content, line, column, parent, entry });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        id
    }

    /// The first document may not have a key twice.
    fn unique_keys(&self, root: Option<usize>) -> Result<(), String> {
        let mut queue: Vec<usize> = root.into_iter().collect();
        while let Some(id) = queue.pop() {
            let Content::Collection(collection) = &self.nodes[id].content else { continue };
            if collection.is_map {
                let mut known = HashMap::new();
                for key in collection.nodes.iter().step_by(2) {
                    let Content::Scalar(Value::Text(text)) = &self.nodes[*key].content else { continue };
                    if let Some(first) = known.insert(text, self.nodes[*key].line) {
                        let line = self.nodes[*key].line;
                        return Err(format!(
                            "line {line}: mapping key '{text}' already defined at line {first}"
                        ));
                    }
                }
            }
            queue.extend(&collection.nodes);
        }
        Ok(())
    }

    fn branch(&mut self, root: Option<usize>) -> Result<Branch, String> {
        let Some(root) = root else { return Ok(Branch::new()) };
        match self.value(root)? {
            Value::Map(branch) => Ok(branch),
            Value::Null => Ok(Branch::new()),
            Value::List(_) => Err("a document is a list; only maps can be encrypted".to_owned()),
            _ => Err("a document is a single value; only maps can be encrypted".to_owned()),
        }
    }

    fn value(&mut self, id: usize) -> Result<Value, String> {
        self.copied += 1;
        if self.copied > NODES {
            return Err(format!("aliases make it larger than {NODES} nodes"));
        }
        let collection = match &self.nodes[id].content {
            Content::Scalar(value) => return Ok(value.clone()),
            Content::Alias(target) => return self.value(*target),
            Content::Collection(collection) => collection,
        };
        let (is_map, nodes, comments) =
            (collection.is_map, collection.nodes.clone(), collection.comments.clone());
        if is_map {
            let mut branch = Branch::new();
            for (index, [key, value]) in nodes.as_chunks::<2>().0.iter().enumerate() {
                branch.extend(note_items(&comments, index));
                let key = match self.value(*key)? {
                    Value::Text(text) => Key::Text(text),
                    _ => Key::Foreign,
                };
                branch.push(Item { key, value: self.value(*value)? });
            }
            branch.extend(note_items(&comments, nodes.len() / 2));
            return Ok(Value::Map(branch));
        }
        let mut list = Vec::new();
        for (index, item) in nodes.iter().enumerate() {
            list.extend(comments.get(index).into_iter().flatten().cloned().map(Value::Comment));
            list.push(self.value(*item)?);
        }
        list.extend(comments.get(nodes.len()).into_iter().flatten().cloned().map(Value::Comment));
        Ok(Value::List(list))
    }
}

fn note_items(comments: &[Vec<Comment>], at: usize) -> impl Iterator<Item = Item> + '_ {
    let found = comments.get(at).into_iter().flatten();
    found.map(|comment| Item { key: Key::Comment(comment.clone()), value: Value::Null })
}

/// Gives a scalar its type, as yaml.v3 decodes it when nobody says into what.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&granit_parser::Tag>) -> Value {
    let plain = style == ScalarStyle::Plain;
    let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(granit_parser::Tag::suffix);
    let found = match tag {
        None if plain => resolve(text),
        None | Some("str" | "merge") => return Value::Text(text.to_owned()),
        Some("binary") => {
            return match crate::base64::decode(text).map(String::from_utf8) {
                Some(Ok(text)) => Value::Text(text),
                Some(Err(error)) => Value::Bytes(error.into_bytes()),
                None => Value::Null,
            };
        }
        Some(_) => resolve(text),
    };
    #[allow(clippy::cast_precision_loss, reason = "Go converts in the same way")]
    match (tag, found) {
        (Some("float"), Resolved::Int(int)) => Value::Float(int as f64),
        (Some("float"), Resolved::Uint(int)) => Value::Float(int as f64),
        (_, Resolved::Str | Resolved::Merge) => Value::Text(text.to_owned()),
        (_, Resolved::Null) => Value::Null,
        (_, Resolved::Bool(flag)) => Value::Bool(flag),
        (_, Resolved::Int(int)) => Value::Int(int),
        (_, Resolved::Uint(_)) => Value::Foreign("an integer is larger than 64 bits with sign"),
        (_, Resolved::Float(float)) => Value::Float(float),
        (_, Resolved::Timestamp(time)) => Time::parse(&time).map_or(Value::Null, Value::Time),
    }
}
