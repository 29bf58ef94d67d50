//! Where the reader stands: lines, indentation and comments.

use super::{Mark, Placement, Sink, Stretch, Unusual};

/// How deep collections may nest here.
const MAX_DEPTH: usize = 64;

/// The longest line with other characters than ASCII in which columns are counted again and again.
const MAX_WIDE_LINE: usize = 4096;

/// A reader in the middle of a document.
///
/// Between two nodes it stands at the first character of a line that is neither blank nor a comment, or at the end.
pub(super) struct Cursor<'t, 's, S> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    pub(super) line: usize,
    pub(super) line_start: usize,
    /// The column of the first character of the line, when the reader stands there.
    pub(super) indent: usize,
    pub(super) sink: &'s mut S,
    depth: usize,
    is_ascii: bool,
    /// Comments that have been passed and not been told.
    comments: Vec<(Stretch, Placement)>,
}

impl<'t, 's, S: Sink<'t>> Cursor<'t, 's, S> {
    pub(super) fn new(text: &'t str, sink: &'s mut S) -> Result<Self, Unusual> {
        let bytes = text.as_bytes();
        let (mut odd, mut all) = (false, 0);
        for byte in bytes {
            // Controls, and the first bytes of the characters among which are more line breaks, byte order marks
            // and what YAML forbids. Tabs are looked at where they stand.
            odd |= (*byte < b' ') & (*byte != b'\n') & (*byte != b'\t');
            odd |= (*byte == 0x7f) | (*byte == 0xc2) | (*byte == 0xef);
            all |= byte;
        }
        if odd {
            return Err(Unusual);
        }
        let is_ascii = all < 0x80;
        Ok(Self {
            text,
            bytes,
            at: 0,
            line: 1,
            line_start: 0,
            indent: 0,
            sink,
            depth: 0,
            is_ascii,
            comments: Vec::new(),
        })
    }

    /// Returns the byte at a place; a line feed behind the end, where everything ends that a line ends.
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    pub(super) fn here(&self) -> u8 {
        self.byte(self.at)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Returns whether what stands at a place ends a word in front of it.
    pub(super) fn is_space(&self, at: usize) -> bool {
        matches!(self.byte(at), b' ' | b'\n')
    }

    /// Returns the place of a byte of this line.
    pub(super) fn mark(&self, byte: usize) -> Mark {
        let column = if self.is_ascii {
            byte - self.line_start
        } else {
            self.text[self.line_start..byte].chars().count()
        };
        Mark { byte, line: self.line, column }
    }

    /// Returns the places of two bytes of this line.
    pub(super) fn stretch(&self, start: usize, end: usize) -> Stretch {
        Stretch { start: self.mark(start), end: self.mark(end) }
    }

    /// Refuses a line in which counting columns would take too long.
    pub(super) fn check_width(&self) -> Result<(), Unusual> {
        let is_fine = self.is_ascii
            || self.bytes[self.line_start..].iter().take(MAX_WIDE_LINE).any(|byte| *byte == b'\n')
            || self.bytes.len() - self.line_start < MAX_WIDE_LINE;
        if is_fine { Ok(()) } else { Err(Unusual) }
    }

    pub(super) fn deeper(&mut self) -> Result<(), Unusual> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Unusual) } else { Ok(()) }
    }

    pub(super) fn shallower(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn skip_spaces(&mut self) {
        while self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    /// Passes the line feed at which the reader stands; nothing at the end.
    pub(super) fn skip_line_feed(&mut self) {
        if !self.is_at_end() {
            self.at += 1;
            self.line += 1;
            self.line_start = self.at;
        }
    }

    /// Passes what may follow a value on its line, and goes on to the next.
    pub(super) fn finish_line(&mut self) -> Result<(), Unusual> {
        let from = self.at;
        self.skip_spaces();
        match self.here() {
            b'\n' => {}
            b'#' if self.at > from => self.pass_comment(Placement::Right),
            _ => return Err(Unusual),
        }
        if self.is_at_end() {
            return Ok(());
        }
        self.skip_line_feed();
        self.advance()
    }

    /// Goes from the start of a line to the first that holds something.
    pub(super) fn advance(&mut self) -> Result<(), Unusual> {
        // The comment whose place is not known before what follows it.
        let mut open = None;
        loop {
            self.skip_spaces();
            let is_next = self.bytes.get(self.at).is_some_and(|byte| *byte != b'\n') || self.is_at_end();
            if is_next && let Some((comment, line)) = open.take() {
                let placement = if line + 1 == self.line { Placement::Above } else { Placement::Free };
                let comment: &mut (Stretch, Placement) = &mut self.comments[comment];
                comment.1 = placement;
            }
            match self.bytes.get(self.at) {
                None if self.at > self.line_start => return Err(Unusual),
                None => return Ok(()),
                Some(b'\n') => {}
                Some(b'#') => {
                    open = Some((self.comments.len(), self.line));
                    self.pass_comment(Placement::Free);
                    if self.is_at_end() {
                        return Ok(());
                    }
                }
                Some(b'\t') => return Err(Unusual),
                Some(_) => break,
            }
            self.skip_line_feed();
        }
        self.indent = self.at - self.line_start;
        // The line that begins or ends a document.
        let rest = &self.bytes[self.at..];
        let is_marker = self.indent == 0
            && (rest.starts_with(b"---") || rest.starts_with(b"..."))
            && self.is_space(self.at + 3);
        if is_marker { Err(Unusual) } else { Ok(()) }
    }

    /// Passes a comment and keeps it until what comes before it has been told.
    fn pass_comment(&mut self, placement: Placement) {
        let start = self.at;
        self.at = self.line_end(start);
        let at = self.stretch(start, self.at);
        self.comments.push((at, placement));
    }

    /// Returns where the line ends in which a byte is.
    pub(super) fn line_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from..];
        from + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
    }

    /// Returns whether comments have been passed and not been told.
    pub(super) fn has_comments(&self) -> bool {
        !self.comments.is_empty()
    }

    /// Tells the sink of the comments that have been passed.
    pub(super) fn tell_comments(&mut self) -> Result<(), Unusual> {
        for (at, placement) in self.comments.drain(..) {
            let text = &self.text[at.start.byte + 1..at.end.byte];
            self.sink.comment(text, placement, at)?;
        }
        Ok(())
    }

    /// Tells the sink of comments that have no document.
    pub(super) fn tell_last_comments(&mut self) -> Result<(), Unusual> {
        if let Some((_, placement)) = self.comments.last_mut() {
            *placement = Placement::Last;
        }
        self.tell_comments()
    }
}
