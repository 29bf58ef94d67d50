//! Nodes to text, as Go's yaml.v3 prints them for kustomize: two spaces, lists not indented in maps, lines not folded.

use std::fmt::Write as _;

use super::legacy::{is_base_60, is_old_bool};
use super::{Id, Kind, Node, Nodes, Style, Tag, resolve};

impl Nodes {
    /// Returns the node as kustomize prints it, with a line break at the end.
    pub(crate) fn print(&self, id: Id) -> String {
        let mut printer = Printer { nodes: self, out: String::new() };
        printer.head(id, 0);
        printer.node(id, Place { indent: 0, within: Within::Root, flow: false });
        if !printer.out.ends_with('\n') {
            printer.out.push('\n');
        }
        printer.out
    }
}

/// Returns the documents one after the other.
pub(crate) fn print_documents(nodes: &Nodes, roots: &[Id]) -> String {
    roots.iter().map(|root| nodes.print(*root)).collect::<Vec<_>>().join("---\n")
}

/// Tells whether the text may stand unquoted in a block.
pub(super) fn plain_allowed(text: &str) -> bool {
    Traits::of(text).block_plain
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextStyle {
    Plain,
    Single,
    Double,
    Literal,
}

/// Returns how yaml.v3 writes a text in a block, `ambiguous` telling that it would be read as something else.
pub(crate) fn text_style(text: &str, key: bool, ambiguous: bool) -> TextStyle {
    let traits = Traits::of(text);
    let many_lines = text.contains('\n');
    if many_lines && !key && traits.block {
        TextStyle::Literal
    } else if many_lines || key && traits.multiline || ambiguous || is_old_bool(text) || is_base_60(text) {
        TextStyle::Double
    } else if traits.block_plain && !text.is_empty() {
        TextStyle::Plain
    } else if traits.single_quoted {
        TextStyle::Single
    } else {
        TextStyle::Double
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Root,
    Map,
    List,
}

#[derive(Clone, Copy)]
struct Place {
    /// The column of the collection that the node is in.
    indent: usize,
    within: Within,
    flow: bool,
}

struct Printer<'a> {
    nodes: &'a Nodes,
    out: String,
}

impl Printer<'_> {
    fn node(&mut self, id: Id, place: Place) {
        let nodes = self.nodes;
        let node = &nodes[id];
        match node.kind {
            Kind::Empty => self.value("null"),
            Kind::Scalar => self.scalar(node, place, false),
            Kind::Alias => self.node(node.content[0], place),
            Kind::Mapping if node.content.is_empty() => self.value("{}"),
            Kind::Sequence if node.content.is_empty() => self.value("[]"),
            Kind::Mapping | Kind::Sequence if place.flow || node.style.has(Style::FLOW) => {
                self.flow(node, place)
            }
            Kind::Mapping => self.mapping(node, id, place),
            Kind::Sequence => self.sequence(node, place),
        }
        if matches!(node.kind, Kind::Scalar) && !place.flow {
            self.line_comment(node);
        }
    }

    /// Writes a value after its key or dash.
    fn value(&mut self, text: &str) {
        self.space();
        self.out.push_str(text);
    }

    fn space(&mut self) {
        if self.out.ends_with([':', '-', '?']) {
            self.out.push(' ');
        }
    }

    fn mapping(&mut self, node: &Node, id: Id, place: Place) {
        let indent = match place.within {
            Within::Root => 0,
            Within::Map | Within::List => place.indent + 2,
        };
        let mut first = place.within == Within::List || place.within == Within::Root;
        if place.within == Within::Map {
            self.line_comment(node);
        }
        let nodes = self.nodes;
        for (key, value) in nodes.pairs(id) {
            if first {
                if place.within == Within::List {
                    self.out.push(' ');
                }
            } else {
                self.line(indent);
            }
            // The comment above the first key of a document may already stand above the document.
            if place.within != Within::Root || !first || nodes[id].comments.is_none() {
                self.head(key, indent);
            }
            first = false;
            self.scalar(&nodes[key], Place { indent, within: Within::Map, flow: false }, true);
            self.out.push(':');
            self.node(value, Place { indent, within: Within::Map, flow: false });
        }
    }

    fn sequence(&mut self, node: &Node, place: Place) {
        let indent = match place.within {
            Within::Root => 0,
            Within::Map => place.indent,
            Within::List => place.indent + 2,
        };
        let mut first = place.within != Within::Map;
        if place.within == Within::Map {
            self.line_comment(node);
        }
        for child in &node.content {
            if first && place.within == Within::List {
                self.out.push(' ');
            }
            if !first {
                self.line(indent);
            }
            first = false;
            self.head(*child, indent);
            self.out.push('-');
            self.node(*child, Place { indent, within: Within::List, flow: false });
        }
    }

    fn flow(&mut self, node: &Node, place: Place) {
        self.space();
        let inner = Place { flow: true, ..place };
        let nodes = self.nodes;
        if node.kind == Kind::Sequence {
            self.out.push('[');
            for (index, child) in node.content.iter().enumerate() {
                if index > 0 {
                    self.out.push_str(", ");
                }
                self.node(*child, inner);
            }
            self.out.push(']');
        } else {
            self.out.push('{');
            for (index, [key, value]) in node.content.as_chunks::<2>().0.iter().enumerate() {
                if index > 0 {
                    self.out.push_str(", ");
                }
                self.scalar(&nodes[*key], inner, true);
                self.out.push(':');
                self.node(*value, inner);
            }
            self.out.push('}');
        }
    }

    fn scalar(&mut self, node: &Node, place: Place, key: bool) {
        let text = &*node.value;
        let traits = Traits::of(text);
        let (tag, force) = explicit_tag(node);
        let mut style = if node.style.has(Style::DOUBLE) {
            Style::DOUBLE
        } else if node.style.has(Style::SINGLE) {
            Style::SINGLE
        } else if node.style.has(Style::LITERAL) {
            Style::LITERAL
        } else if node.style.has(Style::FOLDED) {
            Style::FOLDED
        } else if text.contains('\n') {
            Style::LITERAL
        } else if force {
            Style::DOUBLE
        } else {
            Style::PLAIN
        };
        if key && traits.multiline {
            style = Style::DOUBLE;
        }
        let allowed = if place.flow { traits.flow_plain } else { traits.block_plain };
        if style == Style::PLAIN && (!allowed || text.is_empty() && (place.flow || key)) {
            style = Style::SINGLE;
        }
        if style == Style::SINGLE && !traits.single_quoted {
            style = Style::DOUBLE;
        }
        let block = style == Style::LITERAL || style == Style::FOLDED;
        if block && (!traits.block || place.flow || key) {
            style = Style::DOUBLE;
        }
        let nothing = style == Style::PLAIN && text.is_empty() && tag.is_none();
        if !key && !nothing {
            self.space();
        }
        if let Some(tag) = tag {
            self.out.push_str(&tag);
            if !text.is_empty() {
                self.out.push(' ');
            }
        }
        let indent = if place.within == Within::Root { 2 } else { place.indent + 2 };
        match style {
            Style::SINGLE => {
                let _ = write!(self.out, "'{}'", text.replace('\'', "''"));
            }
            Style::DOUBLE => double_quoted(text, &mut self.out),
            Style::LITERAL => self.literal(text, indent),
            Style::FOLDED => self.folded(text, indent),
            _ => self.out.push_str(text),
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push('|');
        self.hints(text);
        let body = text.strip_suffix('\n').unwrap_or(text);
        for line in body.split('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.out.extend(std::iter::repeat_n(' ', indent));
                self.out.push_str(line);
            }
        }
    }

    fn folded(&mut self, text: &str, indent: usize) {
        self.out.push('>');
        self.hints(text);
        let body = text.strip_suffix('\n').unwrap_or(text);
        let mut spaced = true;
        for (index, line) in body.split('\n').enumerate() {
            self.out.push('\n');
            if index > 0 && !spaced && !line.is_empty() && !line.starts_with(' ') {
                self.out.push('\n');
            }
            if !line.is_empty() {
                self.out.extend(std::iter::repeat_n(' ', indent));
                self.out.push_str(line);
            }
            spaced = line.is_empty() || line.starts_with(' ');
        }
    }

    /// The indentation and chomping marks of a block scalar.
    fn hints(&mut self, text: &str) {
        if text.starts_with([' ', '\n']) {
            self.out.push('2');
        }
        match text.strip_suffix('\n') {
            None => self.out.push('-'),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.out.push('+'),
            Some(_) => {}
        }
    }

    fn line(&mut self, indent: usize) {
        if !self.out.ends_with('\n') && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn head(&mut self, id: Id, indent: usize) {
        let Some(comments) = &self.nodes[id].comments else { return };
        for line in comments.head.lines() {
            self.out.push_str(line);
            self.line(indent);
        }
    }

    fn line_comment(&mut self, node: &Node) {
        if let Some(comments) = &node.comments
            && !comments.line.is_empty()
        {
            self.out.push(' ');
            self.out.push_str(&comments.line);
        }
    }
}

/// Returns the tag that has to be written, and whether quotes stand in for one.
fn explicit_tag(node: &Node) -> (Option<String>, bool) {
    let name = match &node.tag {
        Tag::None | Tag::Map | Tag::Seq => return (None, false),
        Tag::Str => "!!str",
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        Tag::Bool => "!!bool",
        Tag::Null => "!!null",
        Tag::Timestamp => "!!timestamp",
        Tag::Binary => "!!binary",
        Tag::Merge => "!!merge",
        Tag::Other(name) => name,
    };
    if node.style.has(Style::TAGGED) {
        return (Some(name.to_owned()), false);
    }
    if node.tag == Tag::Str && node.style.is_quoted() {
        return (None, false);
    }
    if resolve(&node.value).tag() == node.tag {
        return (None, false);
    }
    if node.tag == Tag::Str { (None, true) } else { (Some(name.to_owned()), false) }
}

/// Where a text may stand, by yaml.v3's `yaml_emitter_analyze_scalar`.
struct Traits {
    multiline: bool,
    flow_plain: bool,
    block_plain: bool,
    single_quoted: bool,
    block: bool,
}

impl Traits {
    fn of(text: &str) -> Self {
        let Some(first) = text.chars().next() else {
            return Self {
                multiline: false,
                flow_plain: false,
                block_plain: true,
                single_quoted: true,
                block: false,
            };
        };
        let (mut block, mut flow) = (false, false);
        if text.starts_with("---") || text.starts_with("...") {
            (block, flow) = (true, true);
        }
        let (mut breaks, mut special, mut tabs) = (false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let mut before = ' ';
        let mut chars = text.chars().peekable();
        let mut at_start = true;
        while let Some(c) = chars.next() {
            let then_blank = chars.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
            if at_start {
                match c {
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                    | '@' | '`' => {
                        (block, flow) = (true, true);
                    }
                    '?' | ':' => {
                        flow = true;
                        block |= then_blank;
                    }
                    '-' if then_blank => (block, flow) = (true, true),
                    _ => {}
                }
            } else {
                match c {
                    ',' | '?' | '[' | ']' | '{' | '}' => flow = true,
                    ':' => {
                        flow = true;
                        block |= then_blank;
                    }
                    '#' if before == ' ' || before == '\t' || is_break(before) => {
                        (block, flow) = (true, true)
                    }
                    _ => {}
                }
            }
            if c == '\t' {
                tabs = true;
            } else if !is_printable(c) {
                special = true;
            }
            if c == ' ' {
                break_space |= !at_start && is_break(before);
            } else if is_break(c) {
                breaks = true;
                space_break |= !at_start && before == ' ';
            }
            before = c;
            at_start = false;
        }
        let leading = first == ' ' || is_break(first);
        let trailing = before == ' ' || is_break(before);
        let complex = break_space || space_break || tabs || special;
        Self {
            multiline: breaks,
            flow_plain: !(leading || trailing || complex || breaks || flow),
            block_plain: !(leading || trailing || complex || breaks || block),
            single_quoted: !complex,
            block: !(before == ' ' || space_break || special),
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// Writes a text in double quotes.
pub(crate) fn double_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let _ = if code <= 0xff {
                    write!(out, "\\x{code:02X}")
                } else if code <= 0xffff {
                    write!(out, "\\u{code:04X}")
                } else {
                    write!(out, "\\U{code:08X}")
                };
            }
        }
    }
    out.push('"');
}
