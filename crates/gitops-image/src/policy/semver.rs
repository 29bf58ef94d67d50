//! Tags ordered as versions.

use std::cmp::Ordering;
use std::fmt;

use gitops_expr::Error;
use gitops_expr::constraint::{Constraint, Version};

use super::rule::{Candidate, Rule};
use crate::error::ImageError;

/// Tags ordered as versions, of which a range is wanted. What is no version is passed over.
///
/// A version has three numbers; a leading `v` and leading zeros are allowed (fluxcd/pkg `version.ParseVersion`). The
/// range is in the grammar of Masterminds/semver.
#[derive(Clone, Debug)]
pub struct Semver {
    range: String,
    constraint: Constraint,
}

impl Semver {
    /// Returns the rule of a range.
    ///
    /// # Errors
    /// [`ImageError::Policy`] when the range cannot be read.
    pub fn new(range: &str) -> Result<Self, ImageError> {
        match Constraint::parse(range) {
            Ok(constraint) => Ok(Self { range: range.to_owned(), constraint }),
            Err(Error::Constraint { part }) => {
                Err(ImageError::Policy { reason: format!("improper constraint: {part:?}") })
            }
            Err(error) => Err(ImageError::Policy { reason: error.to_string() }),
        }
    }
}

impl fmt::Display for Semver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "semver range {:?}", self.range)
    }
}

impl Rule for Semver {
    fn latest<'t>(
        &self,
        candidates: &mut dyn Iterator<Item = Candidate<'t>>,
    ) -> Result<Option<Candidate<'t>>, ImageError> {
        let mut best: Option<(Version, Candidate<'t>)> = None;
        for next in candidates {
            let Some(version) = version_of(&next.text) else { continue };
            let is_better =
                best.as_ref().is_none_or(|(best_version, best)| match version.cmp(best_version) {
                    Ordering::Equal => next.text > best.text || next.stands_for(best),
                    order => order == Ordering::Greater,
                });
            // The range is looked at last: few tags are better than the best one so far.
            if is_better && self.constraint.check(&version) {
                best = Some((version, next));
            }
        }
        Ok(best.map(|(_, best)| best))
    }

    fn refusal(&self, text: &str) -> Option<String> {
        match version_of(text) {
            None => Some("it is no version of three numbers".to_owned()),
            Some(version) => self.constraint.validate(&version).err().map(|why| why.to_string()),
        }
    }

    fn ties(&self, a: &str, b: &str) -> bool {
        version_of(a) == version_of(b)
    }
}

fn version_of(text: &str) -> Option<Version> {
    // Dots of a prerelease count too: `1.2-a.b` is taken.
    if text.bytes().filter(|b| *b == b'.').count() < 2 {
        return None;
    }
    Version::parse(text).ok()
}
