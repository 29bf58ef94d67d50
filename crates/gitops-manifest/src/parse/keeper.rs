//! The scalars and comments that a caller asked to keep.

use granit_parser::{ScalarStyle, Span};

use super::build::byte;
use crate::span::{self, Comment, PathPart, ScalarSpan};

/// Collects the scalars and comments of a document; it does nothing unless it is on.
pub(super) struct Keeper {
    is_on: bool,
    /// Bytes before the text that the parser sees.
    skipped: usize,
    scalars: Vec<ScalarSpan>,
    comments: Vec<Comment>,
    /// The line on which the last scalar value ended, while nothing else has followed it.
    open_line: Option<usize>,
}

impl Keeper {
    pub(super) fn new(is_on: bool, skipped: usize) -> Self {
        Self { is_on, skipped, scalars: Vec::new(), comments: Vec::new(), open_line: None }
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Notes that something else than a scalar value was read, to which a comment would belong.
    pub(super) fn other(&mut self) {
        self.open_line = None;
    }

    pub(super) fn scalar(&mut self, text: &str, style: ScalarStyle, span: &Span, path: Vec<PathPart>) {
        let (start, end) = (byte(span.start), byte(span.end));
        self.open_line = Some(span.end.line());
        self.scalars.push(ScalarSpan {
            span: start + self.skipped..end + self.skipped,
            line: span.start.line(),
            column: span.start.col() + 1,
            style: match style {
                ScalarStyle::Plain => span::ScalarStyle::Plain,
                ScalarStyle::SingleQuoted => span::ScalarStyle::SingleQuoted,
                ScalarStyle::DoubleQuoted => span::ScalarStyle::DoubleQuoted,
                ScalarStyle::Literal => span::ScalarStyle::Literal,
                ScalarStyle::Folded => span::ScalarStyle::Folded,
            },
            // The parser writes null for what is not there.
            text: if end > start { text.to_owned() } else { String::new() },
            path,
            comment: None,
        });
    }

    pub(super) fn comment(&mut self, text: &str, span: &Span) {
        if self.open_line == Some(span.start.line())
            && let Some(scalar) = self.scalars.last_mut()
        {
            scalar.comment = Some(text.to_owned());
            self.open_line = None;
        }
        self.comments.push(Comment {
            span: byte(span.start) + self.skipped..byte(span.end) + self.skipped,
            line: span.start.line(),
            text: text.to_owned(),
        });
    }

    /// Returns what was kept since the last call.
    pub(super) fn take(&mut self) -> (Vec<ScalarSpan>, Vec<Comment>) {
        self.open_line = None;
        (std::mem::take(&mut self.scalars), std::mem::take(&mut self.comments))
    }
}
