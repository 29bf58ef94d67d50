//! A text into documents, before YAML is parsed.

use std::borrow::Cow;

use super::ParseOptions;
use super::text::{Text, line_breaks};
use crate::error::{ParseError, Position};
use crate::resolve::Resolver;

/// A part of the text that is parsed by itself, and the way from places in it to places in the text.
pub(super) struct Chunk<'t> {
    text: &'t Text<'t>,
    /// What the parser sees.
    pub(super) content: Cow<'t, str>,
    /// The byte of the text at which the chunk begins, and how many lines are before it.
    start: usize,
    lines_before: usize,
    insertions: Vec<Insertion>,
    /// How often something was inserted.
    pub(super) repairs: usize,
}

/// Spaces that were put at the start of a line for the parser's sake.
#[derive(Clone, Copy)]
pub(super) struct Insertion {
    /// The byte of the content at which they stand.
    pub(super) at: usize,
    /// The line of the content, from 1.
    pub(super) line: usize,
    pub(super) width: usize,
    /// The sum of the widths of all insertions before.
    pub(super) before: usize,
}

impl Chunk<'_> {
    /// Returns the place in the bytes that were given for a byte of the content.
    pub(super) fn byte(&self, byte: usize) -> usize {
        self.unrepaired(byte) + self.start + self.text.skipped
    }

    /// Returns the byte of the content before anything was inserted.
    fn unrepaired(&self, byte: usize) -> usize {
        let passed = &self.insertions[..self.insertions.partition_point(|insertion| insertion.at < byte)];
        let Some(last) = passed.last() else { return byte };
        byte - last.before - last.width.min(byte - last.at)
    }

    /// Returns the line in the text for a line of the content; both count from 1.
    pub(super) fn line(&self, line: usize) -> usize {
        line + self.lines_before
    }

    /// Returns the place of a line (from 1) and a column (from 0) of the content.
    pub(super) fn position(&self, line: usize, column: usize) -> Position {
        self.text.at(self.line(line), self.column(line, column))
    }

    /// Returns the column in the text, from 1, for a line (from 1) and a column (from 0) of the content.
    pub(super) fn column(&self, line: usize, column: usize) -> usize {
        let found = self.insertions.binary_search_by_key(&line, |insertion| insertion.line);
        let width = found.map_or(0, |index| self.insertions[index].width);
        column.saturating_sub(width) + 1
    }

    /// Puts spaces before lines; the lines of one call follow all that were given before.
    pub(super) fn insert(&mut self, insertions: Vec<Insertion>) {
        let mut content = String::with_capacity(self.content.len() + insertions.len() * 16);
        let mut copied = 0;
        for mut insertion in insertions {
            content.push_str(&self.content[copied..insertion.at]);
            copied = insertion.at;
            insertion.at = content.len();
            insertion.before = self.insertions.last().map_or(0, |last| last.before + last.width);
            content.extend(std::iter::repeat_n(' ', insertion.width));
            self.insertions.push(insertion);
        }
        content.push_str(&self.content[copied..]);
        self.content = Cow::Owned(content);
        self.repairs += 1;
    }

    /// Returns whether something is inserted at or after a line of the content.
    pub(super) fn is_repaired_from(&self, line: usize) -> bool {
        self.insertions.last().is_some_and(|last| last.line >= line)
    }

    /// Returns whether the chunk ends the text, and the text ends in the middle of a line that is not blank.
    pub(super) fn ends_mid_line(&self) -> bool {
        let last_line = &self.content[self.content.rfind('\n').map_or(0, |at| at + 1)..];
        !last_line.trim().is_empty()
            && self.unrepaired(self.content.len()) + self.start == self.text.content.len()
    }
}

/// Parts the text at the lines that begin with `---`, and refuses content on such lines.
///
/// kubectl parts at every such line. kustomize leaves the first line and an unfinished last line to its
/// parser.
pub(super) fn split<'t>(text: &'t Text<'t>, options: &ParseOptions) -> Result<Vec<Chunk<'t>>, ParseError> {
    let content = text.content;
    let is_kubectl = options.resolver == Resolver::Kubectl;
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut lines_before = 0;
    let first = (is_kubectl && content.starts_with("---")).then_some(0);
    let later = content.match_indices("\n---").map(|(at, _)| at + 1);
    for at in first.into_iter().chain(later) {
        let line_len = content[at..].find('\n').map(|len| len + 1);
        if line_len.is_none() && !is_kubectl {
            break;
        }
        let line_len = line_len.unwrap_or(content.len() - at);
        let rest = content[at + 3..at + line_len].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            let reason = "only a comment may follow --- on its line".to_owned();
            return Err(ParseError::Syntax { at: text.position(at), reason });
        }
        lines_before = push(&mut chunks, text, start..at, lines_before) + 1;
        if chunks.len() > options.limits.documents {
            let limit = options.limits.documents;
            return Err(ParseError::Limit { at: text.position(at), limit, what: "documents" });
        }
        start = at + line_len;
    }
    push(&mut chunks, text, start..content.len(), lines_before);
    Ok(chunks)
}

/// Adds a chunk unless it is empty and returns the number of lines before its end.
fn push<'t>(
    chunks: &mut Vec<Chunk<'t>>,
    text: &'t Text<'t>,
    range: std::ops::Range<usize>,
    lines_before: usize,
) -> usize {
    let content = &text.content[range.clone()];
    let unmarked = content.strip_prefix('\u{feff}').unwrap_or(content);
    let start = range.start + content.len() - unmarked.len();
    let content = unmarked;
    let lines = line_breaks(content);
    if !content.is_empty() {
        let content = Cow::Borrowed(content);
        chunks.push(Chunk { text, content, start, lines_before, insertions: Vec::new(), repairs: 0 });
    }
    lines_before + lines
}
