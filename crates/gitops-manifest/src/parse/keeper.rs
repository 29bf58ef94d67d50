//! The scalars and comments that a caller asked to keep.

use granit_parser::ScalarStyle;

use super::scalar::Scalar;
use super::split::Chunk;
use crate::span::{self, Comment, PathPart, ScalarSpan};
use crate::usual::Stretch;

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
        at: &Stretch,
        path: Vec<PathPart>,
    ) {
        // A block ends where the next line begins, and what stands there belongs to something else.
        let is_block = matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded);
        self.open_line = (!is_block).then(|| chunk.line(at.end.line));
        self.scalars.push(ScalarSpan {
            span: chunk.byte(at.start.byte)..chunk.byte(at.end.byte),
            line: chunk.line(at.start.line),
            column: chunk.column(at.start.line, at.start.column),
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

    pub(super) fn comment(&mut self, chunk: &Chunk<'_>, text: &str, at: &Stretch) {
        let line = chunk.line(at.start.line);
        if self.open_line == Some(line)
            && let Some(scalar) = self.scalars.last_mut()
        {
            scalar.comment = Some(text.to_owned());
            self.open_line = None;
        }
        self.comments.push(Comment {
            span: chunk.byte(at.start.byte)..chunk.byte(at.end.byte),
            line,
            text: text.to_owned(),
        });
    }

    /// Returns how many scalars and comments are kept, for [`Keeper::truncate`].
    pub(super) fn len(&self) -> (usize, usize) {
        (self.scalars.len(), self.comments.len())
    }

    /// Forgets what has been kept since then.
    pub(super) fn truncate(&mut self, (scalars, comments): (usize, usize)) {
        self.scalars.truncate(scalars);
        self.comments.truncate(comments);
        self.open_line = None;
    }

    /// Returns what was kept since the last call.
    pub(super) fn take(&mut self) -> (Vec<ScalarSpan>, Vec<Comment>) {
        self.open_line = None;
        (std::mem::take(&mut self.scalars), std::mem::take(&mut self.comments))
    }
}
