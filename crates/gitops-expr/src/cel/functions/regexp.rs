//! `matches`: Go's regular expressions, in linear time.

use std::collections::HashMap;

use super::Answer;
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;
use crate::regexp::{Regexp, RegexpLimits};

/// What compiling a pattern costs beside its length.
const COMPILE_STEPS: u64 = 10_000;
/// The largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 17;

/// The patterns that were compiled during one evaluation.
#[derive(Debug, Default)]
pub(in crate::cel) struct Patterns(HashMap<String, Regexp>);

impl Patterns {
    fn get(&mut self, pattern: &str, meter: &mut Meter) -> Result<&Regexp, Fault> {
        if !self.0.contains_key(pattern) {
            meter.pay(COMPILE_STEPS + 20 * pattern.len() as u64)?;
            // The meter has the say on the pattern's length.
            let limits =
                RegexpLimits::default().with_pattern_bytes(usize::MAX).with_compiled_bytes(MAX_COMPILED);
            let built = Regexp::with_limits(pattern, limits);
            let built = built.map_err(|_| Fault::text(format!("error parsing regexp: `{pattern}`")))?;
            self.0.insert(pattern.to_owned(), built);
        }
        self.0.get(pattern).ok_or_else(Fault::overload)
    }
}

impl Patterns {
    /// Returns the parts of a text that match, from left to right; at most so many, or all.
    pub(super) fn find(
        &mut self,
        text: &str,
        pattern: &str,
        limit: i64,
        meter: &mut Meter,
    ) -> Result<Vec<Value>, Fault> {
        meter.pay(1 + (text.len() as u64 / 32).saturating_mul(1 + pattern.len() as u64 / 8))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let found: Vec<Value> =
            self.get(pattern, meter)?.find_all(text).take(limit).map(Value::text).collect();
        meter.pay(found.len() as u64)?;
        Ok(found)
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
