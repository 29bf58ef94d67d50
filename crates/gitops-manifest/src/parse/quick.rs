//! Documents in the usual YAML to values, without the full parser.

use std::borrow::Cow;

use granit_parser::ScalarStyle as Notation;
use serde_json::{Map, Value};

use super::ParseOptions;
use super::build::Totals;
use super::keeper::Keeper;
use super::scalar::Scalar;
use super::split::Chunk;
use crate::document::Document;
use crate::resolve::{self, Resolved, Resolver};
use crate::span::{PathPart, ScalarStyle};
use crate::usual::{self, Collection, Mark, Placement, Sink, Stretch, Unusual};

/// Reads a chunk; none when it holds no document.
///
/// # Errors
/// When the chunk has anything but what is usual, be it wrong or not. The builder reads it then from its start, so
/// that there is one place where errors are made; totals and keeper are as they were.
pub(super) fn document(
    chunk: &Chunk<'_>,
    options: &ParseOptions,
    totals: &mut Totals,
    keeper: &mut Keeper,
) -> Result<Option<Document>, Unusual> {
    let kept = keeper.len();
    let mut reader = Reader {
        chunk,
        options,
        refuses_duplicates: options.strict || options.resolver == Resolver::Kustomize,
        ends_mid_line: chunk.ends_mid_line(),
        stack: Vec::new(),
        root: None,
        start: None,
        end: 0,
        totals: *totals,
        keeper,
    };
    match usual::read(&chunk.content, &mut reader) {
        Ok(()) => {
            *totals = reader.totals;
            Ok(reader.finish())
        }
        Err(Unusual) => {
            keeper.truncate(kept);
            Err(Unusual)
        }
    }
}

/// A collection that is being read.
enum Frame {
    List(Vec<Value>, bool),
    Map(Map<String, Value>, Option<String>, bool),
}

struct Reader<'t> {
    chunk: &'t Chunk<'t>,
    options: &'t ParseOptions,
    refuses_duplicates: bool,
    ends_mid_line: bool,
    stack: Vec<Frame>,
    root: Option<Value>,
    start: Option<Mark>,
    /// The byte at which the last node ended.
    end: usize,
    totals: Totals,
    keeper: &'t mut Keeper,
}

impl Reader<'_> {
    fn finish(self) -> Option<Document> {
        let value = self.root?;
        let start = self.start?;
        let (scalars, comments) = self.keeper.take();
        let span = self.chunk.byte(start.byte)..self.chunk.byte(self.end.max(start.byte));
        Some(Document { value, line: self.chunk.line(start.line), span, scalars, comments })
    }

    fn begin_node(&mut self, at: &Stretch) -> Result<(), Unusual> {
        self.totals.nodes += 1;
        if self.start.is_none() {
            self.totals.documents += 1;
            self.start = Some(at.start);
        }
        self.end = at.end.byte;
        let limits = &self.options.limits;
        let is_over = self.totals.nodes > limits.nodes || self.totals.documents > limits.documents;
        if is_over { Err(Unusual) } else { Ok(()) }
    }

    fn is_in_flow(&self) -> bool {
        matches!(self.stack.last(), Some(Frame::List(_, true) | Frame::Map(_, _, true)))
    }

    fn key(&mut self, scalar: Scalar<'_>) -> Result<(), Unusual> {
        if scalar.is_merge() {
            return Err(Unusual);
        }
        let resolver = self.options.resolver;
        let (resolved, text) = scalar.resolve(resolver).map_err(|_| Unusual)?;
        let is_top_level = resolver == Resolver::Kustomize && self.stack.len() == 1;
        let resolved = if is_top_level && resolved != Resolved::Null { Resolved::Text } else { resolved };
        let name = resolve::to_key(resolved, text, resolver).map_err(|_| Unusual)?;
        if let Some(Frame::Map(_, key, _)) = self.stack.last_mut() {
            *key = Some(name);
        }
        Ok(())
    }

    fn place(&mut self, value: Value) -> Result<(), Unusual> {
        match self.stack.last_mut() {
            None => self.root = Some(value),
            Some(Frame::List(items, _)) => items.push(value),
            Some(Frame::Map(map, key, _)) => {
                let key = key.take().ok_or(Unusual)?;
                if map.insert(key, value).is_some() && self.refuses_duplicates {
                    return Err(Unusual);
                }
            }
        }
        Ok(())
    }

    fn path(&self) -> Vec<PathPart> {
        let part = |frame: &Frame| match frame {
            Frame::List(items, _) => Some(PathPart::Index(items.len())),
            Frame::Map(_, key, _) => key.clone().map(PathPart::Key),
        };
        self.stack.iter().filter_map(part).collect()
    }
}

impl<'t> Sink<'t> for Reader<'_> {
    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, at: Stretch) -> Result<(), Unusual> {
        self.begin_node(&at)?;
        let scalar = Scalar {
            text,
            style: match style {
                ScalarStyle::Plain => Notation::Plain,
                ScalarStyle::SingleQuoted => Notation::SingleQuoted,
                ScalarStyle::DoubleQuoted => Notation::DoubleQuoted,
                ScalarStyle::Literal => Notation::Literal,
                ScalarStyle::Folded => Notation::Folded,
            },
            tag: None,
            is_written: at.end.byte > at.start.byte,
            in_flow: self.is_in_flow(),
            is_cut: self.ends_mid_line && at.end.byte == self.chunk.content.len(),
        };
        if matches!(self.stack.last(), Some(Frame::Map(_, None, _))) {
            self.keeper.other();
            return self.key(scalar);
        }
        if self.keeper.is_on() {
            let path = self.path();
            self.keeper.scalar(self.chunk, &scalar, &at, path);
        }
        let resolver = self.options.resolver;
        let (resolved, text) = scalar.resolve(resolver).map_err(|_| Unusual)?;
        let value = resolve::to_value(resolved, text, resolver).map_err(|_| Unusual)?;
        self.place(value)
    }

    fn open(&mut self, collection: Collection, is_flow: bool, at: Stretch) -> Result<(), Unusual> {
        self.begin_node(&at)?;
        self.keeper.other();
        if self.stack.len() >= self.options.limits.depth {
            return Err(Unusual);
        }
        let is_flow = is_flow || self.is_in_flow();
        self.stack.push(match collection {
            Collection::Map => Frame::Map(Map::new(), None, is_flow),
            Collection::List => Frame::List(Vec::new(), is_flow),
        });
        Ok(())
    }

    fn close(&mut self, end: Option<Mark>) -> Result<(), Unusual> {
        if let Some(end) = end {
            self.end = end.byte;
            self.keeper.other();
        }
        let value = match self.stack.pop().ok_or(Unusual)? {
            Frame::List(items, _) => Value::Array(items),
            Frame::Map(map, ..) => Value::Object(map),
        };
        self.place(value)
    }

    fn comment(&mut self, text: &'t str, _: Placement, at: Stretch) -> Result<(), Unusual> {
        if self.keeper.is_on() {
            self.keeper.comment(self.chunk, text, &at);
        }
        Ok(())
    }
}
