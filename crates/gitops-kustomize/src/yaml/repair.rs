//! Quoted texts whose later lines are not indented: go-yaml takes them, and so files in use have them, but YAML and
//! the parser do not.

use granit_parser::{ErrorKind, ScanError};

/// How much may be parsed again in all, in bytes; each repair parses a document once more.
const PARSED_AGAIN: usize = 8 << 20;

/// The repairs of one document.
#[derive(Default)]
pub(super) struct Repairs(usize);

impl Repairs {
    /// Returns the text with the lines indented of the quoted scalar at which the parser stopped; `None` when that is
    /// not what is wrong. Everything up to `from` was parsed.
    ///
    /// White space at the start of those lines is no part of the scalar, hence it can be added.
    pub(super) fn indent(&mut self, text: &str, error: &ScanError, from: usize) -> Option<String> {
        let is_indent =
            matches!(error.kind(), ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation);
        self.0 += text.len();
        if !is_indent || self.0 > PARSED_AGAIN {
            return None;
        }
        let stopped = error.marker().byte_offset()?;
        let (open, close) = scalar_around(text, from, stopped)?;
        let line = text[..open].rfind('\n').map_or(0, |at| at + 1);
        let indent = " ".repeat(text[line..open].chars().count() + 1);
        let inner = text.get(open..close)?;
        if inner.split('\n').skip(1).all(|line| line.starts_with(&indent)) {
            return None;
        }
        Some(format!("{}{}{}", &text[..open], inner.replace('\n', &format!("\n{indent}")), &text[close..]))
    }
}

/// Returns where the quoted scalar begins and ends that a place lies in.
fn scalar_around(text: &str, from: usize, place: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < place {
        // A quote in the middle of a word quotes nothing, nor does # begin a comment there.
        let begins = at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b'[' | b'{' | b',');
        match bytes[at] {
            b'#' if begins => at += text[at..].find('\n')?,
            quote @ (b'"' | b'\'') if begins => {
                let close = closing(bytes, at, quote)?;
                if close >= place {
                    return Some((at, close));
                }
                at = close + 1;
            }
            _ => at += 1,
        }
    }
    None
}

fn closing(bytes: &[u8], open: usize, quote: u8) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
}
