//! Bytes to nodes, as kustomize reads a file: documents are split first, each is parsed alone, and anchors, aliases
//! and merge keys are resolved at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use gitops_manifest::usual::{self, Collection, Mark, Sink, Stretch, Unusual};
use granit_parser::{ErrorKind, Event, Parser, Placement, ScalarStyle, ScanError, Span, StructureStyle};

use super::repair::Repairs;
use super::{Comments, Id, Kind, Node, Nodes, Style, Tag, resolve};

/// What a reader may use up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadLimits {
    /// The most nodes that one build may hold, copies of anchored ones included.
    pub(crate) nodes: usize,
    /// The deepest nesting.
    pub(crate) depth: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { nodes: 5_000_000, depth: 200 }
    }
}

/// Why a text is no YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("yaml: line {line}: {reason}")]
    Syntax { line: usize, reason: String },
    #[error("invalid document separator: {0}")]
    Separator(String),
    #[error("yaml: the text is not UTF-8")]
    Encoding,
    #[error("yaml: unknown anchor '{0}' referenced")]
    Anchor(String),
    #[error("{0}")]
    Merge(&'static str),
    #[error("yaml: document contains excessive aliasing, or is larger than {0} nodes")]
    TooManyNodes(usize),
    #[error("yaml: nesting deeper than {0} levels")]
    TooDeep(usize),
}

impl ReadError {
    /// Tells whether the text itself is malformed, for which kustomize has a word of its own.
    pub(crate) fn is_malformed(&self) -> bool {
        !matches!(self, Self::Separator(_) | Self::Merge(_))
    }
}

impl Nodes {
    /// Reads every document of a file; empty ones are left out.
    pub(crate) fn read_all(&mut self, bytes: &[u8], limits: &ReadLimits) -> Result<Vec<Id>, ReadError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ReadError::Encoding)?;
        let unix;
        let text = if text.contains("\r\n") {
            unix = text.replace("\r\n", "\n");
            unix.as_str()
        } else {
            text
        };
        let mut roots = Vec::new();
        for (offset, document) in split(text)? {
            if let Some(root) = self.read_document(document, offset, limits)? {
                roots.push(root);
            }
        }
        Ok(roots)
    }

    /// Reads the first document of a text; `None` when there is none or it is null.
    pub(crate) fn read_one(&mut self, text: &str, limits: &ReadLimits) -> Result<Option<Id>, ReadError> {
        self.read_document(text, 0, limits)
    }

    fn read_document(
        &mut self,
        text: &str,
        offset: usize,
        limits: &ReadLimits,
    ) -> Result<Option<Id>, ReadError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let before = self.len();
        let mut reader = Reader::new(self, limits, offset);
        let (root, aliased);
        if usual::read(text, &mut reader) == Err(Unusual) {
            // The full parser reads it, or says what is wrong.
            let (mut repairs, mut repaired) = (Repairs::default(), None);
            loop {
                self.truncate(before);
                let text = repaired.as_deref().unwrap_or(text);
                let mut reader = Reader::new(self, limits, offset);
                match reader.run(text) {
                    Ok(()) => {
                        (root, aliased) = (reader.root, reader.aliased);
                        break;
                    }
                    Err(Stop::Refused(error)) => return Err(error),
                    Err(Stop::Syntax(error)) if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) => {
                        // The parser looks ahead, and so meets its own limit first.
                        return Err(ReadError::TooDeep(limits.depth));
                    }
                    Err(Stop::Syntax(error)) => {
                        let Some(again) = repairs.indent(text, &error, reader.parsed_to) else {
                            let line = error.marker().line() + offset;
                            return Err(ReadError::Syntax { line, reason: go_words(error.info(), text) });
                        };
                        repaired = Some(again);
                    }
                }
            }
        } else {
            (root, aliased) = (reader.root, reader.aliased);
        }
        let Some(root) = root.filter(|root| !self[*root].is_null()) else { return Ok(None) };
        self.end_unfinished(root, text);
        if aliased {
            return self.resolve_aliases(root, limits, 0).map(Some);
        }
        Ok(Some(root))
    }

    /// Takes the line break from a block scalar that the text ends in without one, as go-yaml does.
    fn end_unfinished(&mut self, root: Id, text: &str) {
        let last_line = text.rsplit('\n').next().unwrap_or_default();
        if last_line.trim().is_empty() {
            return;
        }
        let mut at = root;
        while let (Kind::Mapping | Kind::Sequence, Some(last)) = (self[at].kind, self[at].content.last()) {
            at = *last;
        }
        let node = &self[at];
        let is_block = node.style.has(Style::LITERAL) || node.style.has(Style::FOLDED);
        if let Some(value) = node.value.strip_suffix('\n').filter(|_| is_block)
            && value.ends_with(last_line.trim_start())
        {
            let value = value.into();
            self[at].value = value;
        }
    }

    /// Replaces every alias by a copy and merges what merge keys name.
    fn resolve_aliases(&mut self, id: Id, limits: &ReadLimits, depth: usize) -> Result<Id, ReadError> {
        if depth > limits.depth {
            return Err(ReadError::TooDeep(limits.depth));
        }
        if self.len() > limits.nodes {
            return Err(ReadError::TooManyNodes(limits.nodes));
        }
        match self[id].kind {
            Kind::Scalar | Kind::Empty => return Ok(id),
            Kind::Alias => {
                let target = self[id].content[0];
                let resolved = self.resolve_aliases(target, limits, depth + 1)?;
                return self.copy_limited(resolved, limits, depth);
            }
            Kind::Mapping => self.merge_keys(id)?,
            Kind::Sequence => {}
        }
        for at in 0..self[id].content.len() {
            let child = self[id].content[at];
            let resolved = self.resolve_aliases(child, limits, depth + 1)?;
            self[id].content[at] = resolved;
        }
        Ok(id)
    }

    fn copy_limited(&mut self, id: Id, limits: &ReadLimits, depth: usize) -> Result<Id, ReadError> {
        if depth > limits.depth {
            return Err(ReadError::TooDeep(limits.depth));
        }
        if self.len() > limits.nodes {
            return Err(ReadError::TooManyNodes(limits.nodes));
        }
        let mut node = self[id].clone();
        for child in &mut node.content {
            *child = self.copy_limited(*child, limits, depth + 1)?;
        }
        Ok(self.add(node))
    }

    /// Merges the mappings named by `<<` under the mapping's own entries.
    fn merge_keys(&mut self, id: Id) -> Result<(), ReadError> {
        let mut named =
            self.pairs(id).filter(|(key, _)| self[*key].tag == Tag::Merge).map(|(_, value)| value);
        let Some(value) = named.next() else { return Ok(()) };
        if named.next().is_some() {
            return Err(ReadError::Merge("duplicate merge key"));
        }
        drop(named);
        let sources = self.merge_sources(value, true)?;
        let own: Vec<(Id, Id)> = self.pairs(id).filter(|(key, _)| self[*key].tag != Tag::Merge).collect();
        let mut merged: Vec<Id> = own.iter().flat_map(|(key, value)| [*key, *value]).collect();
        let mut put = |nodes: &Nodes, key: Id, value: Id| {
            let found = merged
                .as_chunks::<2>()
                .0
                .iter()
                .position(|[known, _]| nodes[*known].value == nodes[key].value);
            match found {
                Some(at) => {
                    merged[2 * at] = key;
                    merged[2 * at + 1] = value;
                }
                None => merged.extend([key, value]),
            }
        };
        for source in sources {
            for (key, value) in self.pairs(source).collect::<Vec<_>>() {
                let (key, value) = (self.copy(key), self.copy(value));
                put(self, key, value);
            }
        }
        for (key, value) in own {
            put(self, key, value);
        }
        self[id].content = merged;
        Ok(())
    }

    fn merge_sources(&self, value: Id, nest: bool) -> Result<Vec<Id>, ReadError> {
        match self[value].kind {
            Kind::Mapping => Ok(vec![value]),
            Kind::Alias => {
                let target = self[value].content[0];
                if self[target].kind == Kind::Mapping {
                    Ok(vec![target])
                } else {
                    Err(ReadError::Merge("invalid map merge: received alias for a non-map value"))
                }
            }
            Kind::Sequence if nest => {
                let mut sources = Vec::new();
                for child in self[value].content.iter().rev() {
                    sources.extend(self.merge_sources(*child, false)?);
                }
                Ok(sources)
            }
            Kind::Sequence => Err(ReadError::Merge("invalid map merge: received a nested sequence")),
            _ => Err(ReadError::Merge("map merge requires map or sequence of maps as the value")),
        }
    }
}

/// Splits a file where kustomize does: at lines that begin with `---` and hold nothing but a comment after it. Each
/// part comes with the number of lines before it.
fn split(text: &str) -> Result<Vec<(usize, &str)>, ReadError> {
    let mut parts = Vec::new();
    let (mut start, mut from, mut offset) = (0, 0, 0);
    while let Some(found) = text[from..].find("\n---") {
        let at = from + found;
        let Some(end) = text[at + 1..].find('\n').map(|end| at + 1 + end) else { break };
        let after = text[at + 4..end].trim();
        if !after.is_empty() && !after.starts_with('#') {
            return Err(ReadError::Separator(text[at..end].trim().to_owned()));
        }
        let part = &text[start..=at];
        parts.push((offset, part));
        offset += part.matches('\n').count() + 1;
        start = end + 1;
        from = start;
    }
    parts.push((offset, &text[start..]));
    Ok(parts)
}

/// Returns what go-yaml says of a text that ends inside of a bracket; anything else stays as it is said.
fn go_words(said: String, text: &str) -> String {
    let close = match said.as_str() {
        "unclosed bracket '['" => ']',
        "unclosed bracket '{'" => '}',
        _ => return said,
    };
    if text.trim_end().ends_with(['[', '{', ',']) {
        "did not find expected node content".to_owned()
    } else {
        format!("did not find expected ',' or '{close}'")
    }
}

struct Reader<'a> {
    nodes: &'a mut Nodes,
    limits: &'a ReadLimits,
    offset: usize,
    stack: Vec<Id>,
    anchors: HashMap<usize, Id>,
    root: Option<Id>,
    head: String,
    last: Option<(Id, u32)>,
    /// The end of the last event, in bytes.
    parsed_to: usize,
    aliased: bool,
}

/// Why a document was not read to its end.
enum Stop {
    Syntax(ScanError),
    Refused(ReadError),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Refused(error)
    }
}

impl<'a> Reader<'a> {
    fn new(nodes: &'a mut Nodes, limits: &'a ReadLimits, offset: usize) -> Self {
        Self {
            nodes,
            limits,
            offset,
            stack: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            head: String::new(),
            last: None,
            parsed_to: 0,
            aliased: false,
        }
    }

    fn run(&mut self, text: &str) -> Result<(), Stop> {
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(Stop::Syntax)?;
            self.parsed_to = span.end.byte_offset().unwrap_or_default();
            if self.nodes.len() > self.limits.nodes {
                return Err(ReadError::TooManyNodes(self.limits.nodes).into());
            }
            match event {
                Event::DocumentEnd => break,
                Event::Scalar(value, style, anchor, tag) => {
                    self.scalar(&value, style, anchor, tag.as_deref(), &span);
                }
                Event::SequenceStart(style, anchor, tag) => {
                    self.open(Kind::Sequence, style, anchor, tag.as_deref(), &span)?;
                }
                Event::MappingStart(style, anchor, tag) => {
                    self.open(Kind::Mapping, style, anchor, tag.as_deref(), &span)?;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    self.stack.pop();
                }
                Event::Alias(anchor) => self.alias(anchor, &span)?,
                Event::UnresolvedAlias(name) => return Err(ReadError::Anchor(name.into_owned()).into()),
                Event::Comment(text, placement) => {
                    let line = self.line(span.start.line());
                    match placement {
                        Placement::Right => self.comment_right(&text, line),
                        Placement::Above => self.comment_above(&text),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
        span: &Span,
    ) {
        // The parser says `~` where nothing is written, which go-yaml tells apart.
        let is_written = span.start.byte_offset() != span.end.byte_offset();
        let value = if is_written || style != ScalarStyle::Plain { value } else { "" };
        let style = match style {
            ScalarStyle::SingleQuoted => Style::SINGLE,
            ScalarStyle::DoubleQuoted => Style::DOUBLE,
            ScalarStyle::Literal => Style::LITERAL,
            ScalarStyle::Folded => Style::FOLDED,
            _ => Style::PLAIN,
        };
        let (tag, style) = match tag.and_then(tag_of) {
            Some(tag) => (tag, style.with(Style::TAGGED)),
            None if style != Style::PLAIN => (Tag::Str, style),
            None => (resolve(value).tag(), style),
        };
        let value = self.text(value);
        let node = Node { kind: Kind::Scalar, tag, style, value, ..Node::default() };
        self.add(node, anchor, lines(span));
    }

    /// Returns a text, the same one for every key that reads the same.
    fn text(&mut self, text: &str) -> Rc<str> {
        let is_key = self.stack.last().is_some_and(|parent| {
            let parent = &self.nodes[*parent];
            parent.kind == Kind::Mapping && parent.content.len().is_multiple_of(2)
        });
        if is_key { self.nodes.shared(text) } else { text.into() }
    }

    fn line(&self, line: usize) -> u32 {
        u32::try_from(line + self.offset).unwrap_or(u32::MAX)
    }

    fn open(
        &mut self,
        kind: Kind,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
        span: &Span,
    ) -> Result<(), ReadError> {
        if self.stack.len() >= self.limits.depth {
            return Err(ReadError::TooDeep(self.limits.depth));
        }
        let style = if style == StructureStyle::Flow { Style::FLOW } else { Style::PLAIN };
        let own = if kind == Kind::Mapping { Tag::Map } else { Tag::Seq };
        let (tag, style) = match tag.and_then(tag_of) {
            Some(tag) => (tag, style.with(Style::TAGGED)),
            None => (own, style),
        };
        let id = self.add(Node { kind, tag, style, ..Node::default() }, anchor, lines(span));
        self.stack.push(id);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), ReadError> {
        let target = self.anchors.get(&anchor).copied();
        let target = target.ok_or_else(|| ReadError::Anchor(anchor.to_string()))?;
        if self.stack.contains(&target) {
            return Err(ReadError::Merge("an anchor's value contains itself"));
        }
        self.aliased = true;
        let node = Node { kind: Kind::Alias, content: vec![target], ..Node::default() };
        self.add(node, 0, lines(span));
        Ok(())
    }

    /// Adds a node that begins and ends on these lines.
    fn add(&mut self, mut node: Node, anchor: usize, (starts, ends): (usize, usize)) -> Id {
        node.line = self.line(starts);
        if node.tag == Tag::Merge {
            self.aliased = true;
        }
        // A comment before the first key of a map belongs to the key.
        let is_value = self.stack.last().is_some_and(|parent| self.nodes[*parent].kind == Kind::Mapping);
        let passes = is_value && matches!(node.kind, Kind::Mapping | Kind::Sequence);
        if !self.head.is_empty() && !passes {
            let head = std::mem::take(&mut self.head);
            node.comments = Some(Rc::new(Comments { head, line: String::new() }));
        }
        let id = self.nodes.add(node);
        self.last = Some((id, self.line(ends)));
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        match self.stack.last() {
            Some(parent) => self.nodes[*parent].content.push(id),
            None => self.root = self.root.or(Some(id)),
        }
        id
    }

    fn comment_right(&mut self, text: &str, line: u32) {
        if let Some((id, ends)) = self.last
            && ends == line
        {
            let known = self.nodes[id].comments.take();
            let head = known.map_or_else(String::new, |known| known.head.clone());
            self.nodes[id].comments = Some(Rc::new(Comments { head, line: format!("#{text}") }));
        }
    }

    fn comment_above(&mut self, text: &str) {
        if !self.head.is_empty() {
            self.head.push('\n');
        }
        self.head.push('#');
        self.head.push_str(text);
    }
}

fn lines(span: &Span) -> (usize, usize) {
    (span.start.line(), span.end.line())
}

/// Reads the usual YAML without the full parser; over a limit it gives up, and the full parser says so.
impl<'t> Sink<'t> for Reader<'_> {
    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: gitops_manifest::ScalarStyle,
        at: Stretch,
    ) -> Result<(), Unusual> {
        if self.nodes.len() > self.limits.nodes {
            return Err(Unusual);
        }
        let style = match style {
            gitops_manifest::ScalarStyle::Plain => Style::PLAIN,
            gitops_manifest::ScalarStyle::SingleQuoted => Style::SINGLE,
            gitops_manifest::ScalarStyle::DoubleQuoted => Style::DOUBLE,
            gitops_manifest::ScalarStyle::Literal => Style::LITERAL,
            gitops_manifest::ScalarStyle::Folded => Style::FOLDED,
        };
        let tag = if style == Style::PLAIN { resolve(&text).tag() } else { Tag::Str };
        let value = self.text(&text);
        let node = Node { kind: Kind::Scalar, tag, style, value, ..Node::default() };
        self.add(node, 0, (at.start.line, at.end.line));
        Ok(())
    }

    fn open(&mut self, collection: Collection, is_flow: bool, at: Stretch) -> Result<(), Unusual> {
        if self.stack.len() >= self.limits.depth || self.nodes.len() > self.limits.nodes {
            return Err(Unusual);
        }
        let (kind, tag) = match collection {
            Collection::Map => (Kind::Mapping, Tag::Map),
            Collection::List => (Kind::Sequence, Tag::Seq),
        };
        let style = if is_flow { Style::FLOW } else { Style::PLAIN };
        let node = Node { kind, tag, style, ..Node::default() };
        let id = self.add(node, 0, (at.start.line, at.end.line));
        self.stack.push(id);
        Ok(())
    }

    fn close(&mut self, _: Option<Mark>) -> Result<(), Unusual> {
        self.stack.pop();
        Ok(())
    }

    fn comment(&mut self, text: &'t str, placement: usual::Placement, at: Stretch) -> Result<(), Unusual> {
        match placement {
            usual::Placement::Right => {
                let line = self.line(at.start.line);
                self.comment_right(text, line);
            }
            usual::Placement::Above => self.comment_above(text),
            usual::Placement::Free | usual::Placement::Last => {}
        }
        Ok(())
    }
}

/// Returns the short form of an explicit tag; the bare `!` is none.
fn tag_of(tag: &granit_parser::Tag) -> Option<Tag> {
    if tag.is_yaml_core_schema() {
        return Some(match tag.suffix() {
            "str" => Tag::Str,
            "int" => Tag::Int,
            "float" => Tag::Float,
            "bool" => Tag::Bool,
            "null" => Tag::Null,
            "map" => Tag::Map,
            "seq" => Tag::Seq,
            "timestamp" => Tag::Timestamp,
            "binary" => Tag::Binary,
            "merge" => Tag::Merge,
            other => Tag::Other(format!("!!{other}").into()),
        });
    }
    let text = format!("{}{}", tag.handle(), tag.suffix());
    if text.is_empty() || text == "!" { None } else { Some(Tag::Other(text.into())) }
}

#[cfg(test)]
mod tests {
    use super::go_words;

    #[test]
    fn an_open_bracket_is_told_in_the_words_of_go() {
        let check = |bracket: char, text: &str, want: &str| {
            assert_eq!(go_words(format!("unclosed bracket '{bracket}'"), text), want, "{text}");
        };
        check('[', "x: [\n", "did not find expected node content");
        check('[', "x: [a,\n", "did not find expected node content");
        check('[', "x: [a\n", "did not find expected ',' or ']'");
        check('{', "x: {a: 1", "did not find expected ',' or '}'");
        assert_eq!(go_words("unclosed quote".to_owned(), "\"["), "unclosed quote");
    }
}
