//! Which end of an order is the latest.

use std::cmp::Ordering;
use std::fmt;

use crate::error::ImageError;

/// Which end of an order is the latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The greatest.
    #[default]
    Ascending,
    /// The smallest.
    Descending,
}

impl Order {
    /// Returns the order that a word names: `asc` or `desc` in upper or lower case; nothing means `asc`.
    ///
    /// # Errors
    /// [`ImageError::Policy`] for any other word.
    pub fn parse(word: &str) -> Result<Self, ImageError> {
        match word.to_uppercase().as_str() {
            "" | "ASC" => Ok(Self::Ascending),
            "DESC" => Ok(Self::Descending),
            other => Err(ImageError::Policy {
                reason: format!("invalid order argument provided: '{other}', must be one of: ASC, DESC"),
            }),
        }
    }

    /// Returns how the latest compares with what it beats.
    pub(super) fn of_latest(self) -> Ordering {
        match self {
            Self::Ascending => Ordering::Greater,
            Self::Descending => Ordering::Less,
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
        })
    }
}
