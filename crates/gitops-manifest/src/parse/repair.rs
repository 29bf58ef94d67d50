//! Quoted texts whose later lines are not indented.

use granit_parser::{ErrorKind, ScanError};

use super::build::byte;
use super::split::{Chunk, Insertion};
use super::text::line_breaks;

/// A file of 10 kB may need 800 repairs.
const MAX_BYTES_PARSED_AGAIN: usize = 8 << 20;

/// Indents the lines of the quoted scalar at which the parser stopped, and returns whether it did.
///
/// YAML wants the later lines of a quoted scalar indented more than the collection it stands in, and so does
/// the parser. go-yaml does not care, so files in use break the rule. White space at the start of those lines
/// is no part of the scalar, hence it can be added.
///
/// The chunk is parsed once more after each repair, so what repairs may cost is bounded.
pub(super) fn quoted_lines(chunk: &mut Chunk<'_>, error: &ScanError, parsed_to: usize) -> bool {
    if !matches!(error.kind(), ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation) {
        return false;
    }
    if chunk.repairs.saturating_mul(chunk.content.len()) > MAX_BYTES_PARSED_AGAIN {
        return false;
    }
    let stopped_at = byte(*error.marker());
    let Some((open, close)) = open_scalar(&chunk.content, parsed_to, stopped_at) else { return false };
    let content = &chunk.content;
    let line_start = content[..open].rfind('\n').map_or(0, |at| at + 1);
    let width = content[line_start..open].chars().count() + 1;
    let first_line = line_breaks(&content[..open]) + 1;
    if chunk.is_repaired_from(first_line + 1) {
        return false;
    }
    let (mut line, mut counted) = (first_line, open);
    let insertions: Vec<_> = content[open..close]
        .match_indices('\n')
        .map(|(found, _)| {
            let at = open + found + 1;
            line += line_breaks(&content[counted..at]);
            counted = at;
            Insertion { at, line, width, before: 0 }
        })
        .collect();
    if insertions.is_empty() {
        return false;
    }
    chunk.insert(insertions);
    true
}

/// Returns the bytes of the quotes of the scalar that a place lies in. Everything up to `from` is parsed.
fn open_scalar(content: &str, from: usize, place: usize) -> Option<(usize, usize)> {
    let bytes = content.as_bytes();
    let mut at = from;
    while at < place {
        // A quote in the middle of a word quotes nothing, nor does # begin a comment there.
        let begins_token =
            at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b'\r' | b'[' | b'{' | b',');
        match bytes[at] {
            b'#' if begins_token => at += content[at..].find('\n')?,
            quote @ (b'"' | b'\'') if begins_token => {
                let close = closing_quote(bytes, at, quote)?;
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

fn closing_quote(bytes: &[u8], open: usize, quote: u8) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b if b == quote => return Some(at),
            _ => at += 1,
        }
    }
}
