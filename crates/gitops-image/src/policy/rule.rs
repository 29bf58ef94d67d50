//! What a way of ordering tags must tell.

use std::borrow::Cow;
use std::fmt;

use crate::error::ImageError;

/// A tag that the filter let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'t> {
    /// What of the tag is ordered: the whole tag, or what the filter extracts.
    pub text: Cow<'t, str>,
    /// The tag.
    pub tag: &'t str,
}

impl Candidate<'_> {
    /// Returns whether this candidate stands for the other, which has the same text.
    pub(super) fn stands_for(&self, other: &Self) -> bool {
        self.text == other.text && self.tag < other.tag
    }
}

/// A way of ordering tags. Flux's are [`Semver`](super::Semver), [`Alphabetical`](super::Alphabetical) and
/// [`Numerical`](super::Numerical); your own can be given to [`Policy::with_rule`](super::Policy::with_rule).
///
/// A rule must not depend on the order in which candidates come. Its text is one line that says what it does.
pub trait Rule: fmt::Debug + fmt::Display + Send + Sync {
    /// Returns the latest of the candidates, or none when there is none that the rule wants.
    ///
    /// # Errors
    /// When a candidate cannot be ordered and the rule does not pass over such candidates.
    fn latest<'t>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'t>>,
    ) -> Result<Option<Candidate<'t>>, ImageError>;

    /// Returns why a text cannot be the latest whatever the others are, or none when it could be.
    fn refusal(&self, text: &str) -> Option<String>;

    /// Returns whether two texts that are not refused are equal to the rule.
    fn ties(&self, a: &str, b: &str) -> bool;
}
