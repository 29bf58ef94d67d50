//! Tags ordered as texts.

use std::fmt;

use super::order::Order;
use super::rule::{Candidate, Rule};
use crate::error::ImageError;

/// Tags ordered byte by byte.
#[derive(Clone, Debug, Default)]
pub struct Alphabetical {
    order: Order,
}

impl Alphabetical {
    /// Returns the rule of an order.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self { order }
    }
}

impl fmt::Display for Alphabetical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alphabetical order, {}", self.order)
    }
}

impl Rule for Alphabetical {
    fn latest<'t>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'t>>,
    ) -> Result<Option<Candidate<'t>>, ImageError> {
        let wins = self.order.of_latest();
        Ok(candidates.reduce(|best, next| match next.text.cmp(&best.text) {
            order if order == wins || next.stands_for(&best) => next,
            _ => best,
        }))
    }

    fn refusal(&self, _: &str) -> Option<String> {
        None
    }

    fn ties(&self, a: &str, b: &str) -> bool {
        a == b
    }
}
