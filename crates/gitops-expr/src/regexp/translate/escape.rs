//! What stands behind a backslash.

use super::{Reader, Step, between, fault, hinted};
use crate::regexp::class;
use crate::regexp::error::SyntaxFault;

impl Reader<'_> {
    /// Reads `\pN`, `\p{Name}` or their negation.
    pub(super) fn unicode_class(&mut self) -> Step<String> {
        let before = self.rest;
        let negated = before.starts_with(r"\P");
        let name = match before[2..].chars().next() {
            Some('{') => match before.find('}') {
                Some(end) => {
                    self.take(end + 1);
                    &before[3..end]
                }
                None => return fault(SyntaxFault::ClassRange, before),
            },
            Some(letter) => {
                self.take(2 + letter.len_utf8());
                &before[2..2 + letter.len_utf8()]
            }
            None => {
                self.take(2);
                ""
            }
        };
        class::unicode(name, negated).map_or_else(
            || {
                hinted(
                    SyntaxFault::ClassRange,
                    between(before, self.rest),
                    Some("a category or script is wanted"),
                )
            },
            Ok,
        )
    }

    /// Reads an escape that stands for one character.
    pub(super) fn escaped(&mut self) -> Step<u32> {
        let before = self.rest;
        let mut letters = before[1..].chars();
        let Some(letter) = letters.next() else { return fault(SyntaxFault::TrailingBackslash, "") };
        let code = match letter {
            '0'..='7' if letter == '0' || letters.as_str().starts_with(|c: char| c.is_digit(8)) => {
                let digits = before[1..].chars().take(3).take_while(|c| c.is_digit(8)).count();
                letters = before[1 + digits..].chars();
                u32::from_str_radix(&before[1..=digits], 8).unwrap_or(0)
            }
            'x' => return self.hexadecimal(),
            'a' => 0x07,
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'v' => 0x0B,
            _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => u32::from(letter),
            _ => {
                let hint = match letter {
                    'Z' => Some(r"the end of the text is \z"),
                    'u' | 'U' => Some(r"a character by its number is \x{...}"),
                    '1'..='9' | 'k' => Some("RE2 has no back references"),
                    'h' | 'R' | 'X' | 'N' | 'K' | 'G' => Some("RE2 does not have it"),
                    _ => None,
                };
                return hinted(SyntaxFault::Escape, &before[..1 + letter.len_utf8()], hint);
            }
        };
        self.rest = letters.as_str();
        Ok(code)
    }

    /// Reads `\x7F` or `\x{10FFFF}`.
    fn hexadecimal(&mut self) -> Step<u32> {
        let before = self.rest;
        let digits = &before[2..];
        let (mut code, mut count) = (0_u32, 0);
        let braced = digits.starts_with('{');
        for (at, letter) in digits.char_indices().skip(usize::from(braced)) {
            let end = 2 + at + letter.len_utf8();
            if braced && letter == '}' && count > 0 {
                self.take(end);
                return Ok(code);
            }
            let Some(digit) = letter.to_digit(16) else {
                // Go always reads both digits of the short form.
                let second = digits[end - 2..].chars().next().filter(|_| !braced && count == 0);
                return fault(SyntaxFault::Escape, &before[..end + second.map_or(0, char::len_utf8)]);
            };
            code = code * 16 + digit;
            count += 1;
            if code > 0x10_FFFF {
                return fault(SyntaxFault::Escape, &before[..end]);
            }
            if !braced && count == 2 {
                self.take(end);
                return Ok(code);
            }
        }
        fault(SyntaxFault::Escape, before)
    }
}
