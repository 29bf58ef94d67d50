//! Reads Go's grammar and writes the same pattern for the `regex` crate.
//!
//! Nothing is copied through: each piece is read by Go's rules (`regexp/syntax` with its Perl flags, as
//! `regexp.Compile` sets them) and written in a form that means the same to the other engine, flags spelled out.

mod bounds;
mod brackets;
mod escape;

use self::bounds::counted;
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
}
