//! Tags ordered as numbers.

use std::cmp::Ordering;
use std::fmt;

use super::decision::cut;
use super::go_float::parse_float;
use super::order::Order;
use super::rule::{Candidate, Rule};
use crate::error::ImageError;

/// Tags ordered as 64-bit floating-point numbers, in every notation that Go's `strconv.ParseFloat` reads. One tag that
/// is no number fails the whole policy.
///
/// # Difference from Flux
/// Flux takes `NaN` for a number, though it is neither smaller nor greater than any other.
#[derive(Clone, Debug, Default)]
pub struct Numerical {
    order: Order,
}

impl Numerical {
    /// Returns the rule of an order.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self { order }
    }
}

impl fmt::Display for Numerical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "numerical order, {}", self.order)
    }
}

impl Rule for Numerical {
    fn latest<'t>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'t>>,
    ) -> Result<Option<Candidate<'t>>, ImageError> {
        let wins = self.order.of_latest();
        let mut best: Option<(f64, Candidate<'t>)> = None;
        for next in candidates {
            let Some(number) = parse_float(&next.text) else {
                return Err(ImageError::Number { text: cut(&next.text).into_owned() });
            };
            let is_better =
                best.as_ref().is_none_or(|(best_number, best)| match number.partial_cmp(best_number) {
                    Some(Ordering::Equal) => next.text < best.text || next.stands_for(best),
                    order => order == Some(wins),
                });
            if is_better {
                best = Some((number, next));
            }
        }
        Ok(best.map(|(_, best)| best))
    }

    fn refusal(&self, text: &str) -> Option<String> {
        parse_float(text).is_none().then(|| "it is no number, which fails the whole policy".to_owned())
    }

    fn ties(&self, a: &str, b: &str) -> bool {
        parse_float(a) == parse_float(b)
    }
}
