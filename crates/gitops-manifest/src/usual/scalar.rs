//! Plain and quoted scalars.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::{Mark, Sink, Stretch, Unusual};
use crate::span::ScalarStyle;

impl<'t, S: Sink<'t>> Cursor<'t, '_, S> {
    /// Refuses what cannot begin a plain scalar, or means something else.
    pub(super) fn check_first(&self, in_flow: bool) -> Result<(), Unusual> {
        let next_ends = self.is_space(self.at + 1)
            || in_flow && matches!(self.byte(self.at + 1), b',' | b'[' | b']' | b'{' | b'}');
        let is_fine = match self.here() {
            b'-' | b'?' | b':' => !next_ends,
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"'
            | b'%' | b'@' | b'`' | b'\t' | b' ' | b'\n' => false,
            _ => true,
        };
        if is_fine { Ok(()) } else { Err(Unusual) }
    }

    /// Returns where a plain scalar ends on this line: before a colon or a comment or at the end, spaces included.
    pub(super) fn plain_end(&self) -> usize {
        let mut at = self.at;
        loop {
            let rest = &self.bytes[at..];
            at += rest.iter().position(|byte| ENDS_PLAIN[usize::from(*byte)]).unwrap_or(rest.len());
            match self.byte(at) {
                b':' if !self.is_space(at + 1) => at += 1,
                b'#' if self.bytes[at - 1] != b' ' => at += 1,
                _ => return at,
            }
        }
    }

    /// Reads a plain scalar that may go on in lines indented more than that, and to the end of its line.
    pub(super) fn plain(&mut self, parent: usize) -> Result<(), Unusual> {
        self.check_first(false)?;
        let start = self.mark(self.at);
        let (mut text, mut end) = self.plain_line()?;
        while self.here() == b'\n' && !self.is_at_end() {
            let Some(breaks) = self.go_on(parent) else { break };
            let (line, line_end) = self.plain_line()?;
            fold(text.to_mut(), breaks, &line);
            end = line_end;
        }
        self.sink.scalar(text, ScalarStyle::Plain, Stretch { start, end })?;
        self.finish_line()
    }

    /// Reads the rest of a line as a part of a plain scalar, up to a comment.
    fn plain_line(&mut self) -> Result<(Cow<'t, str>, Mark), Unusual> {
        let end = self.plain_end();
        if matches!(self.byte(end), b':' | b'\t') && end < self.bytes.len() {
            return Err(Unusual);
        }
        let text = self.text[self.at..end].trim_end_matches(' ');
        let text_end = self.mark(self.at + text.len());
        // The space before a comment is for whoever finishes the line.
        self.at = if self.byte(end) == b'#' { text_end.byte } else { end };
        Ok((Cow::Borrowed(text), text_end))
    }

    /// Goes to the next line that is not blank when it belongs to a scalar in a collection of that indentation, and
    /// returns how many lines have ended on the way. Otherwise it goes nowhere.
    fn go_on(&mut self, parent: usize) -> Option<usize> {
        let (mut at, mut line_start, mut breaks) = (self.at, self.line_start, 0);
        loop {
            match self.bytes.get(at) {
                Some(b'\n') => {
                    at += 1;
                    breaks += 1;
                    line_start = at;
                }
                Some(b' ') => at += 1,
                None | Some(b'#') => return None,
                Some(_) if at - line_start <= parent => return None,
                Some(_) => break,
            }
        }
        (self.at, self.line_start) = (at, line_start);
        self.line += breaks;
        Some(breaks)
    }

    /// Reads a quoted scalar that may go on in lines indented more than that.
    pub(super) fn quoted(&mut self, parent: usize) -> Result<(), Unusual> {
        let start = self.mark(self.at);
        let quote = self.here();
        self.at += 1;
        let mut text = self.quoted_part(quote)?;
        while self.here() != quote {
            // White space at the end of a line is none of the text, unless it was escaped.
            let breaks = self.go_on_quoted(parent)?;
            let line = self.quoted_part(quote)?;
            fold(text.to_mut(), breaks, &line);
        }
        self.at += 1;
        let end = self.mark(self.at);
        self.sink.scalar(text, style_of(quote), Stretch { start, end })
    }

    fn go_on_quoted(&mut self, parent: usize) -> Result<usize, Unusual> {
        // A number sign inside of quotes is no comment, but rare at the start of a line.
        self.go_on(parent).ok_or(Unusual)
    }

    /// Reads a quoted scalar of one line; none when the line ends before it.
    pub(super) fn quoted_on_line(&mut self) -> Result<Option<(Cow<'t, str>, ScalarStyle)>, Unusual> {
        let quote = self.here();
        self.at += 1;
        let text = self.quoted_part(quote)?;
        if self.here() != quote {
            return Ok(None);
        }
        self.at += 1;
        Ok(Some((text, style_of(quote))))
    }

    /// Reads up to the quote that ends a scalar, or to the end of the line; then without the spaces there.
    fn quoted_part(&mut self, quote: u8) -> Result<Cow<'t, str>, Unusual> {
        let mut text = Cow::Borrowed("");
        // What is not copied yet.
        let mut from = self.at;
        let ends = if quote == b'"' { &ENDS_DOUBLE } else { &ENDS_SINGLE };
        loop {
            let rest = &self.bytes[self.at..];
            self.at += rest.iter().position(|byte| ends[usize::from(*byte)]).ok_or(Unusual)?;
            match self.bytes[self.at] {
                b'\n' => {
                    let line = self.text[from..self.at].trim_end_matches(' ');
                    return Ok(add(text, line));
                }
                b'\'' if self.byte(self.at + 1) == b'\'' => {
                    text = add(text, &self.text[from..=self.at]);
                    self.at += 2;
                }
                b'\\' => {
                    text = add(text, &self.text[from..self.at]);
                    text = add(text, unescaped(self.byte(self.at + 1))?);
                    self.at += 2;
                }
                b'\t' => return Err(Unusual),
                _ => return Ok(add(text, &self.text[from..self.at])),
            }
            from = self.at;
        }
    }
}

fn style_of(quote: u8) -> ScalarStyle {
    if quote == b'"' { ScalarStyle::DoubleQuoted } else { ScalarStyle::SingleQuoted }
}

/// Returns what the character behind a backslash stands for.
fn unescaped(byte: u8) -> Result<&'static str, Unusual> {
    Ok(match byte {
        b'"' => "\"",
        b'\\' => "\\",
        b'/' => "/",
        b'n' => "\n",
        b't' => "\t",
        b'r' => "\r",
        _ => return Err(Unusual),
    })
}

/// Puts a part behind a text, copying nothing when it is the first.
fn add<'t>(text: Cow<'t, str>, part: &'t str) -> Cow<'t, str> {
    if text.is_empty() {
        return Cow::Borrowed(part);
    }
    let mut text = text.into_owned();
    text.push_str(part);
    Cow::Owned(text)
}

/// Puts the next line behind a text: one end of a line is a space, of more the first counts for nothing.
fn fold(text: &mut String, breaks: usize, line: &str) {
    if breaks == 1 {
        text.push(' ');
    } else {
        text.extend(std::iter::repeat_n('\n', breaks - 1));
    }
    text.push_str(line);
}

const ENDS_PLAIN: [bool; 256] = table(b"\n:#\t");
const ENDS_DOUBLE: [bool; 256] = table(b"\n\"\\\t");
const ENDS_SINGLE: [bool; 256] = table(b"\n'\t");

/// Returns which bytes are among these.
pub(super) const fn table(of: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < of.len() {
        table[of[at] as usize] = true;
        at += 1;
    }
    table
}
