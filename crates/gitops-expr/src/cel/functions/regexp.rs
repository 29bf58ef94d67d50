//! `matches`: Go's regular expressions, in linear time.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::Answer;
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;

/// What compiling a pattern costs beside its length.
const COMPILE_STEPS: u64 = 10_000;
/// The largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 17;

/// The patterns that were compiled during one evaluation.
#[derive(Debug, Default)]
pub(in crate::cel) struct Patterns(HashMap<String, Regex>);

impl Patterns {
    fn get(&mut self, pattern: &str, meter: &mut Meter) -> Result<&Regex, Fault> {
        if !self.0.contains_key(pattern) {
            meter.pay(COMPILE_STEPS + 20 * pattern.len() as u64)?;
            let built = RegexBuilder::new(&from_go(pattern))
                .size_limit(MAX_COMPILED)
                .dfa_size_limit(MAX_COMPILED)
                .build();
            let built = built.map_err(|_| Fault::text(format!("error parsing regexp: `{pattern}`")))?;
            self.0.insert(pattern.to_owned(), built);
        }
        self.0.get(pattern).ok_or_else(Fault::overload)
    }
}

pub(super) fn call(name: &str, values: &[Value], meter: &mut Meter, patterns: &mut Patterns) -> Answer {
    let ("matches", [Value::String(text), Value::String(pattern)]) = (name, values) else { return None };
    // The time is at worst the product of text and pattern.
    let product = (text.len() as u64 / 32).saturating_mul(1 + pattern.len() as u64 / 8);
    Some(meter.pay(1 + product).and_then(|()| {
        let pattern = patterns.get(pattern, meter)?;
        Ok(Value::Bool(pattern.is_match(text)))
    }))
}

/// Writes Go's classes, which are ASCII only, and its quoting for an engine that reads them otherwise.
fn from_go(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str(r"[\t\n\f\r ]"),
                Some('S') => out.push_str(r"[^\t\n\f\r ]"),
                Some('b') if !in_class => out.push_str(r"(?-u:\b)"),
                Some('Q') if !in_class => {
                    let rest: String = chars.by_ref().collect();
                    let (quoted, after) = rest.split_once(r"\E").unwrap_or((&rest, ""));
                    out.push_str(&regex::escape(quoted));
                    out.push_str(&from_go(after));
                    return out;
                }
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            '[' if chars.peek() != Some(&':') => out.push_str(r"\["),
            '[' => {
                // A named class such as `[:alpha:]`, up to its own end.
                out.push('[');
                for named in chars.by_ref() {
                    out.push(named);
                    if named == ']' {
                        break;
                    }
                }
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}
