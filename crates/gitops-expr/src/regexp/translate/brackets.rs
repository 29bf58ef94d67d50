//! Classes in brackets.

use super::{NOTHING, Reader, Step, between, fault};
use crate::regexp::class;
use crate::regexp::error::SyntaxFault;

impl Reader<'_> {
    pub(super) fn class(&mut self) -> Step {
        let before = self.rest;
        self.take(1);
        let mut written = String::from("[");
        if self.rest.starts_with('^') {
            self.take(1);
            written.push('^');
        }
        // A class may be left empty by what no text holds; `[]` itself would not be valid.
        written.push_str(NOTHING);
        let mut first = true;
        loop {
            if self.rest.is_empty() {
                return fault(SyntaxFault::MissingBracket, before);
            }
            if self.rest.starts_with(']') && !first {
                break;
            }
            first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest[2..].find(":]")
            {
                let named = &self.rest[..end + 4];
                match class::posix(&named[2..end + 2]) {
                    Some(class) => written.push_str(&class),
                    None => return fault(SyntaxFault::ClassRange, named),
                }
                self.take(named.len());
                continue;
            }
            let mut letters = self.rest.chars();
            if letters.next() == Some('\\') {
                match letters.next() {
                    Some('p' | 'P') => {
                        written.push_str(&self.unicode_class()?);
                        continue;
                    }
                    Some(letter) => {
                        if let Some(class) = class::perl(letter) {
                            written.push_str(class);
                            self.take(2);
                            continue;
                        }
                    }
                    None => {}
                }
            }
            let range = self.rest;
            let low = self.class_character(before)?;
            let mut high = low;
            if self.rest.starts_with('-') && !self.rest[1..].starts_with(']') && self.rest.len() > 1 {
                self.take(1);
                high = self.class_character(before)?;
                if high < low {
                    return fault(SyntaxFault::ClassRange, between(range, self.rest));
                }
            }
            push_range(&mut written, low, high);
        }
        self.take(1);
        written.push(']');
        self.push(if self.flags.fold { format!("(?i:{written})") } else { written });
        Ok(())
    }

    fn class_character(&mut self, class: &str) -> Step<u32> {
        match self.rest.chars().next() {
            None => fault(SyntaxFault::MissingBracket, class),
            Some('\\') => self.escaped(),
            Some(letter) => {
                self.take(letter.len_utf8());
                Ok(u32::from(letter))
            }
        }
    }
}

/// Writes a range without the surrogates, which are in no text.
fn push_range(written: &mut String, low: u32, high: u32) {
    const SURROGATES: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;
    let mut push = |low: u32, high: u32| {
        if low <= high {
            written.push_str(&format!(r"\x{{{low:X}}}-\x{{{high:X}}}"));
        }
    };
    push(low, high.min(SURROGATES.start() - 1));
    push(low.max(SURROGATES.end() + 1), high);
}
