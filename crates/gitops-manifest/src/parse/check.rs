//! What is checked before the text is parsed.

use super::text::Text;
use crate::error::ParseError;

/// Refuses the characters that YAML forbids everywhere, as go-yaml's reader does.
pub(super) fn characters(text: &Text<'_>) -> Result<(), ParseError> {
    let bytes = text.content.as_bytes();
    // One look at every byte finds the few that deserve a second one: controls, DEL, and the lead bytes of
    // U+0080 to U+00BF and of U+F000 to U+FFFF.
    let suspect =
        |b: &u8| (*b < 0x20 && !matches!(*b, b'\n' | b'\r' | b'\t')) || matches!(*b, 0x7f | 0xc2 | 0xef);
    let mut from = 0;
    while let Some(found) = bytes[from..].iter().position(suspect) {
        let at = from + found;
        let Some(c) = text.content[at..].chars().next() else { break };
        let allowed = match c {
            // The parser refuses a byte order mark unless a document begins with it.
            '\u{85}' | '\u{feff}' => true,
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => false,
            _ => true,
        };
        if !allowed {
            let reason = format!("the character U+{:04X} is not allowed in YAML", u32::from(c));
            return Err(ParseError::Character { at: text.position(at), reason });
        }
        from = at + c.len_utf8();
    }
    Ok(())
}
