//! How a text is written in YAML: plain, quoted or as a block.

use crate::resolve;

/// The notation of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// What a text holds that some notations cannot show.
#[derive(Default)]
struct Traits {
    indicator: bool,
    special: bool,
    edge_space: bool,
    trailing_space: bool,
    space_then_break: bool,
}

impl Traits {
    fn fit_block(&self) -> bool {
        !self.trailing_space && !self.space_then_break && !self.special
    }
}

/// Returns whether go-yaml v3 prints a text as the block it was, and not in double quotes.
pub(crate) fn fits_block(text: &str) -> bool {
    // Version 3 takes tabs in blocks, which do not differ from letters in all that is asked here.
    analyse(&text.replace('\t', "x")).fit_block()
}

/// Returns the notation that go-yaml chooses for a text outside of flow collections.
///
/// Text with a line feed becomes a block where a block can show it; text that would be read as another type
/// is double quoted; text that plain notation cannot show is single quoted when single quotes can.
pub(super) fn style(text: &str, is_simple_key: bool) -> Style {
    let traits = analyse(text);
    if text.contains('\n') {
        return if !is_simple_key && traits.fit_block() { Style::Literal } else { Style::DoubleQuoted };
    }
    let reads_as_merge = is_simple_key && text == "<<";
    if resolve::is_ambiguous(text) || traits.special || reads_as_merge {
        return Style::DoubleQuoted;
    }
    if traits.indicator || traits.edge_space {
        return Style::SingleQuoted;
    }
    Style::Plain
}

fn analyse(text: &str) -> Traits {
    let mut it =
        Traits { indicator: text.starts_with("---") || text.starts_with("..."), ..Traits::default() };
    let mut chars = text.char_indices().peekable();
    let (mut after_space, mut after_blank) = (false, true);
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let before_blank = next.is_none_or(|next| matches!(next, ' ' | '\t'));
        it.indicator |= match c {
            '#' => at == 0 || after_blank,
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                at == 0
            }
            '?' | '-' => at == 0 && before_blank,
            ':' => before_blank,
            _ => false,
        };
        it.special |= !is_printable(c);
        match c {
            ' ' => {
                it.edge_space |= at == 0 || next.is_none();
                it.trailing_space |= next.is_none();
                after_space = true;
            }
            '\n' => {
                it.space_then_break |= after_space;
                after_space = false;
            }
            _ => after_space = false,
        }
        after_blank = matches!(c, ' ' | '\t' | '\n');
    }
    it
}

/// Returns whether go-yaml writes a character as it is. It does not for what lies beyond the basic plane,
/// so an emoji is `"\U0001F600"`.
///
/// # Difference from go-yaml
/// It takes U+2028 and U+2029 for line breaks and writes them bare; readers of YAML 1.2 do not read that back
/// as it was, so they are escaped here.
pub(super) fn is_printable(c: char) -> bool {
    match c {
        '\n' | ' '..='~' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        '\u{a0}'..='\u{ffff}' => true,
        _ => false,
    }
}
