//! The scalars and comments that a caller asked to keep.

use granit_parser::{ScalarStyle, Span};

use super::build::byte;
use super::scalar::Scalar;
use super::split::Chunk;
use crate::span::{self, Comment, PathPart, ScalarSpan};

/// Collects the scalars and comments of a document; it does nothing unless it is on.
pub(super) struct Keeper {
    is_on: bool,
    scalars: Vec<ScalarSpan>,
    comments: Vec<Comment>,
    /// The line on which the last scalar value ended, while nothing else has followed it.
    open_line: Option<usize>,
}

impl Keeper {
    pub(super) fn new(is_on: bool) -> Self {
        Self { is_on, scalars: Vec::new(), comments: Vec::new(), open_line: None }
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Notes that something else than a scalar value was read, to which a comment would belong.
    pub(super) fn other(&mut self) {
        self.open_line = None;
    }

    pub(super) fn scalar(
        &mut self,
        chunk: &Chunk<'_>,
        scalar: &Scalar<'_>,
        span: &Span,
        path: Vec<PathPart>,
    ) {
        self.open_line = Some(chunk.line(span.end.line()));
        self.scalars.push(ScalarSpan {
            span: chunk.byte(byte(span.start))..chunk.byte(byte(span.end)),
            line: chunk.line(span.start.line()),
            column: chunk.column(span.start.line(), span.start.col()),
            style: match scalar.style {
                ScalarStyle::Plain => span::ScalarStyle::Plain,
                ScalarStyle::SingleQuoted => span::ScalarStyle::SingleQuoted,
                ScalarStyle::DoubleQuoted => span::ScalarStyle::DoubleQuoted,
                ScalarStyle::Literal => span::ScalarStyle::Literal,
                ScalarStyle::Folded => span::ScalarStyle::Folded,
            },
            // The parser writes null for what is not there.
            text: if scalar.is_written { scalar.text.clone().into_owned() } else { String::new() },
            path,
            comment: None,
        });
    }

    pub(super) fn comment(&mut self, chunk: &Chunk<'_>, text: &str, span: &Span) {
        let line = chunk.line(span.start.line());
        if self.open_line == Some(line)
            && let Some(scalar) = self.scalars.last_mut()
        {
            scalar.comment = Some(text.to_owned());
            self.open_line = None;
        }
        self.comments.push(Comment {
            span: chunk.byte(byte(span.start))..chunk.byte(byte(span.end)),
            line,
            text: text.to_owned(),
        });
    }

    /// Forgets everything since the last call of [`Keeper::take`].
    pub(super) fn reset(&mut self) {
        self.take();
    }

    /// Returns what was kept since the last call.
    pub(super) fn take(&mut self) -> (Vec<ScalarSpan>, Vec<Comment>) {
        self.open_line = None;
        (std::mem::take(&mut self.scalars), std::mem::take(&mut self.comments))
    }
}
