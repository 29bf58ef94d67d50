//! Reads Go's grammar and writes the same pattern for the `regex` crate.
//!
//! Nothing is copied through: each piece is read by Go's rules (`regexp/syntax` with its Perl flags, as
//! `regexp.Compile` sets them) and written in a form that means the same to the other engine, flags spelled out.

use super::class;
use super::error::{RegexpError, SyntaxFault};

/// How deep groups may nest.
pub const MAX_NESTING: usize = 200;
/// Go's bound on a repetition, and on the product of nested ones.
const MAX_REPEAT: u32 = 1000;
/// A class that nothing is in.
const NOTHING: &str = r"[^\x00-\x{10FFFF}]";

/// A pattern for the `regex` crate and the names of its groups.
pub(super) struct Translated {
    pub(super) pattern: String,
    pub(super) names: Vec<String>,
}

pub(super) fn translate(pattern: &str) -> Result<Translated, RegexpError> {
    let mut reader = Reader {
        whole: pattern,
        rest: pattern,
        flags: Flags::default(),
        names: vec![String::new()],
        open: Vec::new(),
        current: Group::new("", Flags::default()),
    };
    reader.read()?;
    Ok(Translated { pattern: reader.current.written(), names: reader.names })
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
    swap_greed: bool,
}

/// One piece that a repetition can follow.
struct Atom {
    written: String,
    /// The largest product of repetitions inside of it.
    repeats: u32,
}

/// A group that is being read.
struct Group {
    /// How it begins: `(`, `(?:`, or nothing for the whole pattern.
    begin: &'static str,
    /// The flags to return to when it ends.
    outer: Flags,
    /// The alternatives that have been read, each with its `|`.
    alternatives: String,
    repeats: u32,
    atoms: Vec<Atom>,
}

impl Group {
    fn new(begin: &'static str, outer: Flags) -> Self {
        Self { begin, outer, alternatives: String::new(), repeats: 1, atoms: Vec::new() }
    }

    fn flush(&mut self) {
        for atom in self.atoms.drain(..) {
            self.alternatives.push_str(&atom.written);
            self.repeats = self.repeats.max(atom.repeats);
        }
    }

    fn written(mut self) -> String {
        self.flush();
        self.alternatives
    }
}

struct Reader<'p> {
    whole: &'p str,
    rest: &'p str,
    flags: Flags,
    names: Vec<String>,
    open: Vec<Group>,
    current: Group,
}

type Step<T = ()> = Result<T, RegexpError>;

fn fault<T>(fault: SyntaxFault, part: &str) -> Step<T> {
    Err(RegexpError::Syntax { fault, part: part.to_owned(), hint: None })
}

fn hinted<T>(fault: SyntaxFault, part: &str, hint: Option<&'static str>) -> Step<T> {
    Err(RegexpError::Syntax { fault, part: part.to_owned(), hint })
}

/// Returns the part of `from` that has been read when `to` is left.
fn between<'p>(from: &'p str, to: &str) -> &'p str {
    &from[..from.len() - to.len()]
}

impl<'p> Reader<'p> {
    fn read(&mut self) -> Step {
        // What the last repetition began with, while nothing else has come since.
        let mut last_repeat: Option<&'p str> = None;
        while let Some(letter) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeat = None;
            match letter {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.take(1);
                    self.current.flush();
                    self.current.alternatives.push('|');
                }
                '^' => self.anchor(if self.flags.multi_line { "(?m:^)" } else { r"\A" }),
                '$' => self.anchor(if self.flags.multi_line { "(?m:$)" } else { r"\z" }),
                '.' => self.anchor(if self.flags.dot_newline { "(?s:.)" } else { r"[^\n]" }),
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.take(1);
                    let (min, max) = match letter {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(letter.to_string(), min, max, before, last_repeat, false)?;
                    repeat = Some(before);
                }
                '{' => match counted(self.rest) {
                    Some((min, max, after)) => {
                        self.rest = after;
                        let bounds = between(before, after);
                        if min.is_none_or(|min| min > MAX_REPEAT)
                            || max.is_some_and(|max| max > MAX_REPEAT || min.is_some_and(|min| min > max))
                        {
                            return fault(SyntaxFault::RepeatCount, bounds);
                        }
                        self.repeat(bounds.to_owned(), min.unwrap_or(0), max, before, last_repeat, true)?;
                        repeat = Some(before);
                    }
                    None => self.literal(),
                },
                '\\' => self.backslash()?,
                _ => self.literal(),
            }
            last_repeat = repeat;
        }
        if !self.open.is_empty() {
            return fault(SyntaxFault::MissingParenthesis, self.whole);
        }
        Ok(())
    }

    fn take(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn push(&mut self, written: impl Into<String>) {
        self.current.atoms.push(Atom { written: written.into(), repeats: 1 });
    }

    /// Reads one byte that has a meaning of its own.
    fn anchor(&mut self, written: &str) {
        self.take(1);
        self.push(written);
    }

    /// Reads one character that stands for itself.
    fn literal(&mut self) {
        if let Some(letter) = self.rest.chars().next() {
            self.take(letter.len_utf8());
            self.character(u32::from(letter));
        }
    }

    fn character(&mut self, code: u32) {
        let Some(letter) = char::from_u32(code) else { return self.push(NOTHING) };
        let mut plain = [0; 4];
        let written = regex::escape(letter.encode_utf8(&mut plain));
        self.push(if self.flags.fold { format!("(?i:{written})") } else { written });
    }

    fn open(&mut self) -> Step {
        let before = self.rest;
        let named = ["(?P<", "(?<"].iter().find_map(|begin| before.strip_prefix(begin));
        if let Some(after) = named.filter(|after| !after.is_empty()) {
            let lookbehind = after.starts_with(['=', '!']).then_some("RE2 has no look-behind");
            let Some((name, after)) = after.split_once('>') else {
                return hinted(SyntaxFault::NamedCapture, before, lookbehind);
            };
            let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(valid) {
                return hinted(SyntaxFault::NamedCapture, between(before, after), lookbehind);
            }
            self.rest = after;
            self.names.push(name.to_owned());
        } else if before.starts_with("(?") {
            let outer = self.flags;
            if !self.perl_flags()? {
                return Ok(());
            }
            return self.nest("(?:", outer);
        } else {
            self.take(1);
            self.names.push(String::new());
        }
        self.nest("(", self.flags)
    }

    fn nest(&mut self, begin: &'static str, outer: Flags) -> Step {
        if self.open.len() >= MAX_NESTING {
            return fault(SyntaxFault::Nesting, self.whole);
        }
        let group = std::mem::replace(&mut self.current, Group::new(begin, outer));
        self.open.push(group);
        Ok(())
    }

    /// Reads `(?flags)` or `(?flags:` and returns whether a group begins.
    fn perl_flags(&mut self) -> Step<bool> {
        let before = self.rest;
        let mut flags = self.flags;
        let (mut on, mut any) = (true, false);
        let mut letters = before.char_indices().skip(2);
        let end = loop {
            let Some((at, letter)) = letters.next() else { break before.len() };
            let end = at + letter.len_utf8();
            match letter {
                'i' => (flags.fold, any) = (on, true),
                'm' => (flags.multi_line, any) = (on, true),
                's' => (flags.dot_newline, any) = (on, true),
                'U' => (flags.swap_greed, any) = (on, true),
                '-' if on => (on, any) = (false, false),
                ':' | ')' if on || any => {
                    self.flags = flags;
                    self.take(end);
                    return Ok(letter == ':');
                }
                _ => break end,
            }
        };
        let hint = match before[2..].chars().next() {
            Some('=' | '!') => Some("RE2 has no look-ahead"),
            Some('x') => Some("RE2 has no free spacing"),
            Some('>') => Some("RE2 has no atomic groups"),
            Some('#') => Some("RE2 has no comments"),
            Some('P') => Some("a named group is (?P<name>...), and RE2 has no back references"),
            _ => None,
        };
        hinted(SyntaxFault::Perl, &before[..end], hint)
    }

    fn close(&mut self) -> Step {
        let Some(outer) = self.open.pop() else {
            return fault(SyntaxFault::UnexpectedParenthesis, self.whole);
        };
        self.take(1);
        let mut group = std::mem::replace(&mut self.current, outer);
        group.flush();
        self.flags = group.outer;
        self.current.atoms.push(Atom {
            written: format!("{}{})", group.begin, group.alternatives),
            repeats: group.repeats,
        });
        Ok(())
    }

    fn repeat(
        &mut self,
        operator: String,
        min: u32,
        max: Option<u32>,
        before: &'p str,
        last: Option<&'p str>,
        is_counted: bool,
    ) -> Step {
        let mut lazy = self.flags.swap_greed;
        if self.rest.starts_with('?') {
            self.take(1);
            lazy = !lazy;
        }
        if let Some(last) = last {
            let hint = before.starts_with('+').then_some("RE2 has no possessive repetitions");
            return hinted(SyntaxFault::NestedRepeat, between(last, self.rest), hint);
        }
        let Some(atom) = self.current.atoms.last_mut() else {
            return fault(SyntaxFault::MissingArgument, between(before, self.rest));
        };
        if is_counted {
            let factor = max.unwrap_or(min);
            let product = if max == Some(0) { 1 } else { factor.max(1).saturating_mul(atom.repeats) };
            if product > MAX_REPEAT && (min >= 2 || max.is_some_and(|max| max >= 2)) {
                return fault(SyntaxFault::RepeatCount, between(before, self.rest));
            }
            atom.repeats = product;
        }
        atom.written = format!("(?:{}){operator}{}", atom.written, if lazy { "?" } else { "" });
        Ok(())
    }

    fn backslash(&mut self) -> Step {
        let Some(letter) = self.rest[1..].chars().next() else {
            return fault(SyntaxFault::TrailingBackslash, "");
        };
        match letter {
            'A' => self.escape(r"\A"),
            'z' => self.escape(r"\z"),
            'b' => self.escape(r"(?-u:\b)"),
            'B' => self.escape(r"(?-u:\B)"),
            'Q' => {
                let (quoted, after) = self.rest[2..].split_once(r"\E").unwrap_or((&self.rest[2..], ""));
                quoted.chars().for_each(|letter| self.character(u32::from(letter)));
                self.rest = after;
            }
            'p' | 'P' => {
                let class = self.unicode_class()?;
                self.push(if self.flags.fold { format!("(?i:[{class}])") } else { format!("[{class}]") });
            }
            _ => match class::perl(letter) {
                Some(class) => {
                    self.take(2);
                    self.push(if self.flags.fold { format!("(?i:{class})") } else { class.to_owned() });
                }
                None => {
                    let code = self.escaped()?;
                    self.character(code);
                }
            },
        }
        Ok(())
    }

    fn escape(&mut self, written: &str) {
        self.take(2);
        self.push(written);
    }

    /// Reads `\pN`, `\p{Name}` or their negation.
    fn unicode_class(&mut self) -> Step<String> {
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
    fn escaped(&mut self) -> Step<u32> {
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

    fn class(&mut self) -> Step {
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

/// Reads `{2}`, `{2,}` or `{2,3}`: the bounds, none for one that is too large to count, and what follows.
///
/// Anything else is literal text.
#[allow(clippy::type_complexity)] // both bounds and the rest, used once
fn counted(text: &str) -> Option<(Option<u32>, Option<u32>, &str)> {
    let (min, rest) = integer(text.strip_prefix('{')?)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, min, rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = integer(rest)?;
    let rest = rest.strip_prefix('}')?;
    Some((min.and(max).and(min), max, rest))
}

/// Reads a number without leading zeros; none inside where it is too large.
fn integer(text: &str) -> Option<(Option<u32>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().ok(), rest))
}
