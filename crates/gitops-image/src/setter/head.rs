//! Which comment is a scalar's, by the rules of the YAML library that Flux uses.
//!
//! The comment behind a scalar comes first, also behind the comma that follows, and behind the `|` or `>` of a block.
//! A scalar without one has the comment before it: above an item of a list, above the dash or behind it, and between a
//! key and its value on a later line. A comment above `key: value` belongs to the key, and so does one behind
//! `key:`.

use std::ops::Range;

use gitops_manifest::{Comment, Document, ScalarSpan, ScalarStyle};

/// A document's text and comments.
pub(super) struct Comments<'d> {
    text: &'d str,
    comments: &'d [Comment],
}

/// What stands above a line.
struct Above<'d> {
    /// The comments on lines of their own, from below, with none for a blank line.
    comments: Vec<Option<&'d Comment>>,
    /// The first line with something else: what it holds, the comment behind that, and where it begins.
    code: &'d str,
    behind: Option<&'d Comment>,
    line_start: usize,
}

impl<'d> Above<'d> {
    /// Returns the comments without those that belong to what is on the line: they follow it at once, and a blank line
    /// follows them.
    fn head(&self) -> Vec<&'d Comment> {
        let downwards: Vec<Option<&Comment>> = self.comments.iter().rev().copied().collect();
        let first_blank = downwards.iter().position(Option::is_none).unwrap_or(0);
        downwards.into_iter().skip(first_blank).flatten().collect()
    }

    /// Returns the comments of what the dash at the end of the line begins: with the one behind it, all of them.
    fn head_of_item(&self) -> Vec<&'d Comment> {
        match self.behind {
            Some(behind) => self.comments.iter().copied().flatten().chain([behind]).collect(),
            None => self.head(),
        }
    }

    /// Returns the column, from 0, at which the key of the line begins, behind the dashes of lists.
    fn key_column(&self) -> usize {
        self.code.len() - self.code.trim_start_matches([' ', '-']).len()
    }
}

/// The header of a block scalar.
pub(super) struct BlockHeader {
    /// From `|` or `>` to before the white space that ends it.
    pub(super) indicator: Range<usize>,
    /// Where its line ends, the line break left out.
    pub(super) line_end: usize,
}

impl<'d> Comments<'d> {
    pub(super) fn new(text: &'d str, document: &'d Document) -> Self {
        Self { text, comments: document.comments() }
    }

    /// Returns the text of the scalar's comment, or none when it has none or several lines of it.
    pub(super) fn of(&self, scalar: &'d ScalarSpan) -> Option<&'d str> {
        if let Some(comment) = &scalar.comment {
            return Some(comment);
        }
        let mut start = scalar.span.start;
        if is_block(scalar.style) {
            let header = self.block_header(scalar)?;
            if let Some(comment) =
                self.on_line(start_of_line(self.text, header.indicator.start)..header.line_end)
            {
                return Some(&comment.text);
            }
            start = header.indicator.start;
        }
        self.before(start)
    }

    /// Returns where a block scalar's header is.
    pub(super) fn block_header(&self, scalar: &ScalarSpan) -> Option<BlockHeader> {
        // The scalar begins after the indentation of its first line; the header is the last line before with a text.
        let mut line_end = end_of_previous_line(self.text, scalar.span.start)?;
        loop {
            let line = start_of_line(self.text, line_end)..line_end;
            let code_end = self.on_line(line.clone()).map_or(line_end, |comment| comment.span.start);
            let code = self.text.get(line.start..code_end)?.trim_end();
            if code.is_empty() {
                line_end = end_of_previous_line(self.text, line.start)?;
                continue;
            }
            let is_modifier = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-');
            let header = code.trim_end_matches(is_modifier).strip_suffix(['|', '>'])?;
            let indicator = line.start + header.len()..line.start + code.len();
            return Some(BlockHeader { indicator, line_end });
        }
    }

    /// Returns the one comment before the node that begins at `start`.
    fn before(&self, start: usize) -> Option<&'d str> {
        let mut line_start = start_of_line(self.text, start);
        let lead = without_properties(self.text.get(line_start..start)?);
        let mut dash = lead.strip_suffix('-').filter(|indent| indent.trim().is_empty()).map(str::len);
        if dash.is_none() && !lead.is_empty() {
            return None;
        }
        let mut found: Vec<&Comment> = Vec::new();
        let mut above = self.climb(line_start)?;
        if let (None, Some(indent)) = (dash, above.code.strip_suffix('-').filter(|c| c.trim().is_empty())) {
            // The item stands below its dash: what is above the dash belongs to it too.
            found.extend(above.head_of_item());
            dash = Some(indent.len());
            line_start = above.line_start;
            above = self.climb(line_start)?;
        }
        match above.code.chars().last()? {
            '-' => found.extend(above.head_of_item()),
            ':' if dash.is_none_or(|dash| above.key_column() <= dash) => {
                found.extend(above.comments.iter().copied().flatten());
            }
            '[' | '{' | ',' => found.extend(above.head()),
            _ if dash.is_some() => found.extend(above.head()),
            _ => return None,
        }
        match found.as_slice() {
            [only] => Some(&only.text),
            _ => None,
        }
    }

    /// Walks from a line upwards, over comments and blank lines, to a line that holds something else.
    fn climb(&self, mut line_start: usize) -> Option<Above<'d>> {
        let mut comments = Vec::new();
        loop {
            let line_end = end_of_previous_line(self.text, line_start)?;
            line_start = start_of_line(self.text, line_end);
            let comment = self.on_line(line_start..line_end);
            let code_end = comment.map_or(line_end, |comment| comment.span.start);
            let code = self.text.get(line_start..code_end)?.trim_end();
            if !code.is_empty() {
                return Some(Above { comments, code: without_properties(code), behind: comment, line_start });
            }
            comments.push(comment);
        }
    }

    /// Returns the comment that begins in a stretch of the text.
    fn on_line(&self, line: Range<usize>) -> Option<&'d Comment> {
        let at = self.comments.partition_point(|comment| comment.span.start < line.start);
        self.comments.get(at).filter(|comment| comment.span.start < line.end)
    }
}

pub(super) fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

/// Returns the text without the anchor and tag at its end, and without the white space before them.
fn without_properties(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some(word) = text.rsplit([' ', '\t']).next()
        && word.starts_with(['&', '!'])
    {
        text = text.get(..text.len() - word.len()).unwrap_or_default().trim_end();
    }
    text
}

fn start_of_line(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |end| end + 1)
}

/// Returns where the line before the one of `at` ends, without its line break.
fn end_of_previous_line(text: &str, at: usize) -> Option<usize> {
    let end = start_of_line(text, at).checked_sub(1)?;
    let is_pair = text.get(..=end).is_some_and(|before| before.ends_with("\r\n"));
    Some(if is_pair { end - 1 } else { end })
}
