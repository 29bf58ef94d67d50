//! The text as it was given, and the way from a byte to a line.

use std::sync::Arc;

use super::{ParseOptions, check};
use crate::error::{ParseError, Position};

/// A checked text. Offsets in it are offsets in the bytes that were given.
pub(super) struct Text<'a> {
    pub(super) file: Arc<str>,
    pub(super) content: &'a str,
    /// Bytes of the byte order mark before [`Text::content`].
    pub(super) skipped: usize,
}

impl<'a> Text<'a> {
    pub(super) fn new(name: &str, bytes: &'a [u8], options: &ParseOptions) -> Result<Self, ParseError> {
        let file: Arc<str> = name.into();
        let start = Position { file: file.clone(), line: 1, column: 1 };
        if bytes.len() > options.limits.bytes {
            return Err(ParseError::Limit { at: start, limit: options.limits.bytes, what: "bytes" });
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            let reason = "the text is UTF-16; save it as UTF-8".to_owned();
            return Err(ParseError::Character { at: start, reason });
        }
        let (bytes, skipped) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => (rest, 3),
            None => (bytes, 0),
        };
        let content = match std::str::from_utf8(bytes) {
            Ok(content) => content,
            Err(error) => {
                let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let at = position(&file, &valid, valid.len());
                return Err(ParseError::Character { at, reason: "the text is not UTF-8".to_owned() });
            }
        };
        let text = Self { file, content, skipped };
        check::characters(&text)?;
        Ok(text)
    }

    /// Returns the line and the column of a byte of the content.
    pub(super) fn position(&self, byte: usize) -> Position {
        position(&self.file, self.content, byte)
    }

    pub(super) fn at(&self, line: usize, column: usize) -> Position {
        Position { file: self.file.clone(), line, column }
    }
}

fn position(file: &Arc<str>, content: &str, byte: usize) -> Position {
    let before = &content[..byte];
    let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    Position {
        file: file.clone(),
        line: line_breaks(before) + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// Returns how many lines end in a text. A carriage return ends one unless a line feed does.
pub(super) fn line_breaks(text: &str) -> usize {
    let line_feeds = text.bytes().filter(|b| *b == b'\n').count();
    if !text.contains('\r') {
        return line_feeds;
    }
    let alone = text.as_bytes().windows(2).filter(|pair| pair[0] == b'\r' && pair[1] != b'\n').count();
    line_feeds + alone + usize::from(text.ends_with('\r'))
}
