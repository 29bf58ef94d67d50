//! The choice of one tag, and why it is not another.

use std::borrow::Cow;
use std::fmt;

use super::{Candidate, Policy};
use crate::error::ImageError;
use crate::tags::TagSet;

/// Which tag a policy chose, or why it chose none, and why of each tag.
///
/// The choice is made when the decision is made; the reasons are found when they are asked for. A decision prints as
/// the choice and the reasons of the first tags:
///
/// ```
/// use gitops_image::{Policy, Semver, TagSet};
///
/// let policy = Policy::with_rule(Semver::new("1.x")?);
/// let tags = TagSet::new(["latest", "2.0.0", "1.1.0", "1.0.0"])?;
/// assert_eq!(policy.decide(&tags).to_string(), "\
/// 1.1.0 is the latest of 4 tags by semver range \"1.x\" (1 beaten, 2 refused)
///   latest: refused, it is no version of three numbers
///   2.0.0: refused, \"2.0.0\" does not have same major version as \"1.x\"
///   1.1.0: the latest
///   1.0.0: beaten
/// ");
/// # Ok::<(), gitops_image::ImageError>(())
/// ```
#[derive(Debug)]
pub struct Decision<'a> {
    policy: &'a Policy,
    tags: &'a TagSet,
    choice: Result<Candidate<'a>, ImageError>,
}

/// What became of one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// The policy chose it.
    Latest,
    /// The filter's pattern does not match it.
    Filtered,
    /// The rule does not want it, for this reason.
    Refused(String),
    /// The rule wants it, and puts another one after it.
    Beaten,
    /// The rule wants it and it is equal to the latest, which is taken by the rule for ties.
    Tied,
    /// It could be the latest, but there is none, because of another tag.
    Undecided,
}

/// How many tags had which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Tags that the filter left out.
    pub filtered: usize,
    /// Tags that the rule does not want.
    pub refused: usize,
    /// Tags that another one beats.
    pub beaten: usize,
    /// Tags that are equal to the latest.
    pub tied: usize,
    /// Tags that could be the latest, when there is none.
    pub undecided: usize,
}

/// The tags of a decision with their fates, printed up to a number of them.
#[derive(Debug)]
pub struct Listing<'d> {
    decision: &'d Decision<'d>,
    limit: usize,
}

impl<'a> Decision<'a> {
    /// How many tags a decision lists when it is printed.
    pub const LISTED: usize = 20;

    pub(super) fn new(policy: &'a Policy, tags: &'a TagSet) -> Self {
        let mut filtered_out = 0;
        let mut candidates = tags.iter().filter_map(|tag| {
            let candidate = policy.candidate(tag);
            filtered_out += usize::from(candidate.is_none());
            candidate
        });
        let latest = policy.rule.latest(&mut candidates);
        let choice = match latest {
            Ok(Some(candidate)) => Ok(candidate),
            Ok(None) if filtered_out == tags.len() => Err(ImageError::NoTags),
            Ok(None) => Err(ImageError::NoMatch),
            Err(error) => Err(error),
        };
        Self { policy, tags, choice }
    }

    /// Returns the tag that was chosen.
    ///
    /// # Errors
    /// [`ImageError::NoTags`] when there is no tag or the filter left none, [`ImageError::NoMatch`] when the rule wants
    /// none, [`ImageError::Number`] when a tag is no number and should be.
    pub fn latest(&self) -> Result<&'a str, &ImageError> {
        self.choice.as_ref().map(|candidate| candidate.tag)
    }

    /// Returns the tag that was chosen, or the error by itself.
    ///
    /// # Errors
    /// As [`Decision::latest`].
    pub fn into_latest(self) -> Result<&'a str, ImageError> {
        self.choice.map(|candidate| candidate.tag)
    }

    /// Returns each tag, in descending order of their bytes, with what became of it.
    pub fn fates(&self) -> impl Iterator<Item = (&'a str, Fate)> + '_ {
        let mut chosen = false;
        self.tags.iter().map(move |tag| {
            let is_chosen = !chosen && self.choice.as_ref().is_ok_and(|choice| choice.tag == tag);
            chosen |= is_chosen;
            (tag, if is_chosen { Fate::Latest } else { self.fate(tag) })
        })
    }

    /// Counts the fates of all tags.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for (_, fate) in self.fates() {
            match fate {
                Fate::Latest => {}
                Fate::Filtered => summary.filtered += 1,
                Fate::Refused(_) => summary.refused += 1,
                Fate::Beaten => summary.beaten += 1,
                Fate::Tied => summary.tied += 1,
                Fate::Undecided => summary.undecided += 1,
            }
        }
        summary
    }

    /// Returns the decision's text with up to `limit` tags.
    #[must_use]
    pub fn listing(&self, limit: usize) -> Listing<'_> {
        Listing { decision: self, limit }
    }

    fn fate(&self, tag: &str) -> Fate {
        let Some(candidate) = self.policy.candidate(tag) else { return Fate::Filtered };
        if let Some(reason) = self.policy.rule.refusal(&candidate.text) {
            return Fate::Refused(reason);
        }
        match &self.choice {
            Err(_) => Fate::Undecided,
            Ok(choice) if self.policy.rule.ties(&candidate.text, &choice.text) => Fate::Tied,
            Ok(_) => Fate::Beaten,
        }
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listing(Self::LISTED).fmt(f)
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decision { policy, tags, choice } = self.decision;
        let count = tags.len();
        match choice {
            Ok(choice) => writeln!(
                f,
                "{} is the latest of {count} tags by {policy}{}",
                Shown(choice.tag),
                self.decision.summary()
            )?,
            Err(error) => {
                writeln!(f, "none of {count} tags by {policy}{}: {error}", self.decision.summary())?;
            }
        }
        for (tag, fate) in self.decision.fates().take(self.limit) {
            writeln!(f, "  {}: {}", Shown(tag), cut(&fate.to_string()))?;
        }
        match count.saturating_sub(self.limit) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.tied, "tied"),
            (self.beaten, "beaten"),
            (self.refused, "refused"),
            (self.filtered, "filtered out"),
            (self.undecided, "undecided"),
        ];
        let told: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if told.is_empty() { Ok(()) } else { write!(f, " ({})", told.join(", ")) }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("the latest"),
            Self::Filtered => f.write_str("filtered out, the pattern does not match"),
            Self::Refused(reason) => write!(f, "refused, {reason}"),
            Self::Beaten => f.write_str("beaten"),
            Self::Tied => f.write_str("tied with the latest"),
            Self::Undecided => f.write_str("could be the latest"),
        }
    }
}

/// A tag as it is printed: a registry may hold tags that are long or not printable.
struct Shown<'t>(&'t str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", cut(self.0).escape_debug())
    }
}

/// Returns a text that may repeat what a stranger wrote, without what goes beyond a line.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        None => text.into(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()).into(),
    }
}
