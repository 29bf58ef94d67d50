//! Block scalars.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::{Mark, Sink, Stretch, Unusual};
use crate::span::ScalarStyle;

/// What becomes of the line feeds at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    /// One stays.
    Clip,
    /// None stays.
    Strip,
    /// All stay.
    Keep,
}

impl<'t, S: Sink<'t>> Cursor<'t, '_, S> {
    /// Reads a block scalar in a collection of that indentation, and to the next line that holds something else.
    pub(super) fn block_scalar(&mut self, parent: usize) -> Result<(), Unusual> {
        let folds = self.here() == b'>';
        self.at += 1;
        let chomp = match self.here() {
            b'-' => Chomp::Strip,
            b'+' => Chomp::Keep,
            _ => Chomp::Clip,
        };
        if chomp != Chomp::Clip {
            self.at += 1;
        }
        self.skip_spaces();
        if self.here() != b'\n' || self.is_at_end() {
            return Err(Unusual);
        }
        self.skip_line_feed();
        let Some((indent, mut blank)) = self.first_line()? else { return Err(Unusual) };
        if indent <= parent || folds && blank > 0 {
            return Err(Unusual);
        }
        let start = Mark { byte: self.at, line: self.line, column: indent };
        let mut text = String::new();
        text.extend(std::iter::repeat_n('\n', blank));
        let mut is_first = true;
        loop {
            // At the first character of a line of the block.
            let end = self.line_end(self.at);
            if end == self.bytes.len() {
                return Err(Unusual);
            }
            let line = &self.text[self.at..end];
            if folds {
                if line.starts_with([' ', '\t']) {
                    return Err(Unusual);
                }
                if !is_first && blank == 0 {
                    text.push(' ');
                }
                text.extend(std::iter::repeat_n('\n', blank));
            } else if !is_first {
                text.extend(std::iter::repeat_n('\n', blank + 1));
            }
            is_first = false;
            text.push_str(line);
            self.at = end;
            self.skip_line_feed();
            match self.next_line(indent)? {
                Next::Line(more) => blank = more,
                Next::End(more) => {
                    blank = more;
                    break;
                }
            }
        }
        match chomp {
            Chomp::Strip => {}
            Chomp::Clip => text.push('\n'),
            Chomp::Keep => text.extend(std::iter::repeat_n('\n', blank + 1)),
        }
        // The block ends where what follows begins, at most as far right as the block.
        let end = self.mark(self.at);
        if self.at - self.line_start > parent && !self.is_at_end() {
            return Err(Unusual);
        }
        let style = if folds { ScalarStyle::Folded } else { ScalarStyle::Literal };
        self.sink.scalar(Cow::Owned(text), style, Stretch { start, end })?;
        self.at = self.line_start;
        self.advance()
    }

    /// Goes to the first character of the block; returns its column, and how many lines are blank before it.
    fn first_line(&mut self) -> Result<Option<(usize, usize)>, Unusual> {
        let (mut blank, mut widest) = (0, 0);
        loop {
            self.skip_spaces();
            let column = self.at - self.line_start;
            match self.bytes.get(self.at) {
                None => return Ok(None),
                Some(b'\t') => return Err(Unusual),
                Some(b'\n') => {
                    widest = widest.max(column);
                    blank += 1;
                }
                Some(_) if widest > column => return Err(Unusual),
                Some(_) => return Ok(Some((column, blank))),
            }
            self.skip_line_feed();
        }
    }

    /// Goes to the next line of the block, or to what follows it.
    fn next_line(&mut self, indent: usize) -> Result<Next, Unusual> {
        let mut blank = 0;
        loop {
            let most = self.line_start + indent;
            while self.at < most && self.bytes.get(self.at) == Some(&b' ') {
                self.at += 1;
            }
            match self.bytes.get(self.at) {
                None if self.at > self.line_start => return Err(Unusual),
                None => return Ok(Next::End(blank)),
                Some(b'\n') => blank += 1,
                Some(_) if self.at == most => return Ok(Next::Line(blank)),
                Some(b'\t') => return Err(Unusual),
                Some(_) => return Ok(Next::End(blank)),
            }
            self.skip_line_feed();
        }
    }
}

/// What follows a line of a block, and how many blank lines are between.
enum Next {
    Line(usize),
    End(usize),
}
