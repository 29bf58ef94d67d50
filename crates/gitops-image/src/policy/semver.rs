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
            // What is lower than the best one so far counts as little as what is no version, so it is not read whole.
            if let (Some(numbers), Some((best, _))) = (leading_numbers(&next.text), &best)
                && numbers < (best.major(), best.minor(), best.patch())
            {
                continue;
            }
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

/// Returns the three numbers that a text begins with, if it is a version at all.
fn leading_numbers(text: &str) -> Option<(u64, u64, u64)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (major, rest) = text.split_once('.')?;
    let (minor, rest) = rest.split_once('.')?;
    let patch = rest.split(['-', '+']).next().unwrap_or_default();
    // A sign before the digits makes no version.
    let number = |digits: &str| digits.as_bytes().first()?.is_ascii_digit().then(|| digits.parse().ok())?;
    Some((number(major)?, number(minor)?, number(patch)?))
}

#[cfg(test)]
mod tests {
    use super::{leading_numbers, version_of};

    #[test]
    fn leading_numbers_are_those_of_the_version() {
        for text in [
            "1.2.3",
            "v1.2.3",
            "01.02.03",
            "1.2.3-rc.1",
            "1.2.3+a.b",
            "1.2-a.b",
            "1.2.3.4",
            "v1",
            "1.2",
            "+1.2.3",
            "1.+2.3",
            "18446744073709551616.0.0",
            "a.b.c",
            "",
            "1.2.3-",
            "1..3",
            "1.2-3.4",
        ] {
            if let (Some(version), Some(numbers)) = (version_of(text), leading_numbers(text)) {
                assert_eq!((version.major(), version.minor(), version.patch()), numbers, "{text:?}");
            }
        }
        assert_eq!(leading_numbers("v1.2.3-rc.1"), Some((1, 2, 3)));
        assert_eq!(leading_numbers("1.+2.3"), None);
    }
}
