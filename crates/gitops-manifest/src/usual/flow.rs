//! Collections in brackets, on one line.

use std::borrow::Cow;

use super::block::MAX_KEY;
use super::cursor::Cursor;
use super::scalar::table;
use super::{Collection, Sink, Unusual};
use crate::span::ScalarStyle;

impl<'t, S: Sink<'t>> Cursor<'t, '_, S> {
    /// Reads a collection from its bracket to behind the other one.
    pub(super) fn flow(&mut self) -> Result<(), Unusual> {
        self.deeper()?;
        let is_map = self.here() == b'{';
        let (collection, close) = if is_map { (Collection::Map, b'}') } else { (Collection::List, b']') };
        self.sink.open(collection, true, self.stretch(self.at, self.at + 1))?;
        self.at += 1;
        self.skip_spaces();
        if self.here() != close {
            loop {
                if is_map {
                    self.flow_key()?;
                }
                self.flow_value()?;
                self.skip_spaces();
                match self.here() {
                    b',' => self.at += 1,
                    here if here == close => break,
                    _ => return Err(Unusual),
                }
                self.skip_spaces();
            }
        }
        self.at += 1;
        self.shallower();
        self.sink.close(Some(self.mark(self.at)))
    }

    fn flow_key(&mut self) -> Result<(), Unusual> {
        let start = self.at;
        self.flow_scalar()?;
        if self.here() != b':' || self.byte(self.at + 1) != b' ' || self.at - start > MAX_KEY {
            return Err(Unusual);
        }
        self.at += 1;
        self.skip_spaces();
        Ok(())
    }

    fn flow_value(&mut self) -> Result<(), Unusual> {
        if matches!(self.here(), b'[' | b'{') { self.flow() } else { self.flow_scalar() }
    }

    fn flow_scalar(&mut self) -> Result<(), Unusual> {
        let start = self.at;
        if matches!(self.here(), b'"' | b'\'') {
            let (text, style) = self.quoted_on_line()?.ok_or(Unusual)?;
            return self.sink.scalar(text, style, self.stretch(start, self.at));
        }
        self.check_first(true)?;
        loop {
            let rest = &self.bytes[self.at..];
            self.at += rest.iter().position(|byte| ENDS_PLAIN[usize::from(*byte)]).ok_or(Unusual)?;
            match self.here() {
                b':' if !matches!(
                    self.byte(self.at + 1),
                    b' ' | b'\n' | b',' | b'[' | b']' | b'{' | b'}'
                ) => {}
                b'#' if self.bytes[self.at - 1] != b' ' => {}
                b':' | b',' | b']' | b'}' => break,
                _ => return Err(Unusual),
            }
            self.at += 1;
        }
        let text = self.text[start..self.at].trim_end_matches(' ');
        let end = start + text.len();
        if end != self.at && self.here() == b':' {
            return Err(Unusual);
        }
        self.sink.scalar(Cow::Borrowed(text), ScalarStyle::Plain, self.stretch(start, end))
    }
}

const ENDS_PLAIN: [bool; 256] = table(b"\n\t:#,[]{}");
