//! Maps and lists by their indentation.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::{Collection, Mark, Sink, Stretch, Unusual};
use crate::span::ScalarStyle;

/// A key longer than this may be too long for the full parser.
pub(super) const MAX_KEY: usize = 1000;

impl<'t, S: Sink<'t>> Cursor<'t, '_, S> {
    pub(super) fn document(mut self) -> Result<(), Unusual> {
        if self.bytes.starts_with(b"---") && self.is_space(3) {
            self.at = 3;
            self.skip_spaces();
            // A comment there would be told before the document begins.
            if self.here() != b'\n' || self.is_at_end() {
                return Err(Unusual);
            }
            self.skip_line_feed();
            self.advance()?;
            if self.is_at_end() {
                return Err(Unusual);
            }
        } else {
            self.advance()?;
        }
        if self.is_at_end() {
            return self.tell_last_comments();
        }
        if self.is_dash() {
            self.list(self.indent, false)?;
        } else {
            let key = self.token()?;
            if !key.is_key {
                return Err(Unusual);
            }
            self.map(self.indent, key)?;
        }
        if self.is_at_end() { Ok(()) } else { Err(Unusual) }
    }

    fn is_dash(&self) -> bool {
        self.here() == b'-' && self.is_space(self.at + 1)
    }

    /// Reads the node at which the reader stands, in a collection of that indentation.
    fn node(&mut self, parent: usize) -> Result<(), Unusual> {
        if self.is_dash() {
            return self.list(self.indent, false);
        }
        match self.here() {
            b'[' | b'{' => return self.value_here(parent),
            // The full parser places a comment above the header beside the content.
            b'|' | b'>' if self.has_comments() => return Err(Unusual),
            b'|' | b'>' => return self.value_here(parent),
            _ => {}
        }
        let at = self.at;
        let found = self.token_or_open()?;
        match found {
            Some(key) if key.is_key => self.map(self.indent, key),
            _ => {
                self.at = at;
                self.value_here(parent)
            }
        }
    }

    /// Reads a map from behind its first key.
    fn map(&mut self, indent: usize, first: Token<'t>) -> Result<(), Unusual> {
        self.deeper()?;
        self.tell_comments()?;
        let start = first.at.start;
        self.sink.open(Collection::Map, false, Stretch { start, end: start })?;
        let mut key = first;
        loop {
            let end = key.at.end;
            self.tell_comments()?;
            self.sink.scalar(key.text, key.style, key.at)?;
            self.value(indent, end)?;
            if self.is_at_end() || self.indent < indent {
                break;
            }
            if self.indent > indent || self.is_dash() {
                return Err(Unusual);
            }
            key = self.token()?;
            if !key.is_key {
                return Err(Unusual);
            }
        }
        self.shallower();
        self.tell_comments()?;
        self.sink.close(None)
    }

    /// Reads what stands behind a key and its colon.
    fn value(&mut self, indent: usize, key_end: Mark) -> Result<(), Unusual> {
        let colon = self.at;
        self.skip_spaces();
        if !matches!(self.here(), b'\n' | b'#') {
            return self.value_here(indent);
        }
        self.at = colon;
        self.finish_line()?;
        if !self.is_at_end() {
            if self.indent > indent {
                return self.node(indent);
            }
            if self.indent == indent && self.is_dash() {
                return self.list(indent, true);
            }
        }
        self.nothing(key_end)
    }

    /// Tells of a value that is not written; comments that follow are told after it.
    fn nothing(&mut self, at: Mark) -> Result<(), Unusual> {
        self.sink.scalar(Cow::Borrowed("~"), ScalarStyle::Plain, Stretch { start: at, end: at })
    }

    /// Reads a list from its first dash. One without indentation of its own ends where its map goes on.
    fn list(&mut self, indent: usize, shares_indent: bool) -> Result<(), Unusual> {
        self.deeper()?;
        let mut is_first = true;
        loop {
            let dash = self.at;
            self.at += 1;
            self.skip_spaces();
            self.tell_comments()?;
            if is_first {
                let start = self.mark(if shares_indent { self.at } else { dash });
                self.sink.open(Collection::List, false, Stretch { start, end: start })?;
                is_first = false;
            }
            if self.here() == b'\n' {
                if self.at > dash + 1 {
                    return Err(Unusual);
                }
                let end = self.mark(self.at);
                self.finish_line()?;
                if !self.is_at_end() && self.indent > indent {
                    self.node(indent)?;
                } else {
                    self.nothing(end)?;
                }
            } else {
                self.indent = self.at - self.line_start;
                self.node(indent)?;
            }
            if self.is_at_end() || self.indent < indent {
                break;
            }
            if self.indent > indent {
                return Err(Unusual);
            }
            if !self.is_dash() {
                if shares_indent {
                    break;
                }
                return Err(Unusual);
            }
        }
        self.shallower();
        self.tell_comments()?;
        self.sink.close(None)
    }

    /// Reads a scalar or a flow collection, and to the end of its line.
    fn value_here(&mut self, parent: usize) -> Result<(), Unusual> {
        self.tell_comments()?;
        match self.here() {
            b'[' | b'{' => {
                self.check_width()?;
                self.flow()?;
                self.finish_line()
            }
            b'|' | b'>' => self.block_scalar(parent),
            b'"' | b'\'' => {
                self.quoted(parent)?;
                self.finish_line()
            }
            _ => self.plain(parent),
        }
    }

    /// Reads a word of one line, which may be a key.
    fn token(&mut self) -> Result<Token<'t>, Unusual> {
        self.token_or_open()?.ok_or(Unusual)
    }

    /// Reads as [`Cursor::token`]; none when a quoted text does not end on its line.
    fn token_or_open(&mut self) -> Result<Option<Token<'t>>, Unusual> {
        let start = self.at;
        let (text, style, end) = match self.here() {
            b'"' | b'\'' => {
                let Some((text, style)) = self.quoted_on_line()? else { return Ok(None) };
                (text, style, self.at)
            }
            _ => {
                self.check_first(false)?;
                let end = self.plain_end();
                let text = self.text[start..end].trim_end_matches(' ');
                self.at = end;
                (Cow::Borrowed(text), ScalarStyle::Plain, start + text.len())
            }
        };
        let is_key = self.here() == b':' && !self.is_at_end() && self.is_space(self.at + 1);
        if is_key {
            if end != self.at || end - start > MAX_KEY {
                return Err(Unusual);
            }
            self.at += 1;
        }
        Ok(Some(Token { text, style, at: self.stretch(start, end), is_key }))
    }
}

/// A word, and whether a colon makes it a key.
struct Token<'t> {
    text: Cow<'t, str>,
    style: ScalarStyle,
    at: Stretch,
    is_key: bool,
}
