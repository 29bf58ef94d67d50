//! Which tag is the latest: pure, from a policy and a set of tags to a decision that explains itself.

mod alphabetical;
mod decision;
mod filter;
mod go_float;
mod numerical;
mod order;
mod ready;
mod reflect;
mod rule;
mod semver;

pub use self::semver::Semver;
pub use alphabetical::Alphabetical;
pub use decision::{Decision, Fate, Listing, Summary};
pub use filter::{Filter, MAX_EXTRACT_BYTES};
pub use numerical::Numerical;
pub use order::Order;
pub use ready::ready_message;
pub use reflect::{DigestAction, reflect_digest};
pub use rule::{Candidate, Rule};

use std::fmt;

use gitops_api::image_v1::{ImagePolicyChoice, ImagePolicySpec, TagFilter};

use crate::error::ImageError;
use crate::tags::TagSet;

/// How the latest of a repository's tags is found.
///
/// The filter leaves tags out and says what of the others is ordered; the rule orders that and takes the last. The
/// decision names the original tag.
///
/// ```
/// use gitops_api::image_v1::ImagePolicySpec;
/// use gitops_image::{Policy, TagSet};
///
/// let spec: ImagePolicySpec = serde_json::from_str(r#"{
///     "imageRepositoryRef": {"name": "app"},
///     "filterTags": {"pattern": "^main-[a-fA-F0-9]+-(?P<ts>.*)", "extract": "$ts"},
///     "policy": {"numerical": {"order": "asc"}}
/// }"#)?;
/// let tags = TagSet::new(["main-0c1f-1606364286", "main-ffff-1606334201", "dev-0c1f-1606999999"])?;
/// let policy = Policy::new(&spec)?;
/// assert_eq!(policy.decide(&tags).into_latest()?, "main-0c1f-1606364286");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Ties
/// The order in which tags are given does not matter. Of tags that are equal to the rule
/// - semver takes the one whose ordered text is greatest byte by byte (`v1.0.0` before `1.0.0`),
/// - numerical takes the one whose ordered text is smallest byte by byte (`1.0` before `1.00`),
///
/// and of several tags with the same ordered text the smallest tag stands for all of them. Without a filter this is
/// what Flux does with the descending order in which it stores tags.
///
/// # Difference from Flux
/// With a filter, Flux walks a map in Go's random order, and ties come out differently from run to run.
#[derive(Debug)]
pub struct Policy {
    filter: Option<Filter>,
    rule: Box<dyn Rule>,
}

impl Policy {
    /// Returns the policy of an ImagePolicy's spec.
    ///
    /// # Errors
    /// [`ImageError::Policy`] when the spec names no rule or one that cannot be followed, and
    /// [`ImageError::Filter`] when the filter's pattern cannot be read.
    pub fn new(spec: &ImagePolicySpec) -> Result<Self, ImageError> {
        Self::of(&spec.policy, spec.filter_tags.as_ref())
    }

    /// Returns the policy of the two fields of a spec that decide.
    ///
    /// # Errors
    /// As [`Policy::new`].
    pub fn of(choice: &ImagePolicyChoice, filter: Option<&TagFilter>) -> Result<Self, ImageError> {
        // The first one counts when several are given, in Flux's order.
        let rule: Box<dyn Rule> = if let Some(semver) = &choice.semver {
            Box::new(Semver::new(&semver.range)?)
        } else if let Some(alphabetical) = &choice.alphabetical {
            Box::new(Alphabetical::new(Order::parse(alphabetical.order.as_str())?))
        } else if let Some(numerical) = &choice.numerical {
            Box::new(Numerical::new(Order::parse(numerical.order.as_str())?))
        } else {
            return Err(ImageError::Policy {
                reason: "given ImagePolicyChoice object is invalid: it names no policy; set semver, alphabetical or \
                         numerical"
                    .to_owned(),
            });
        };
        let filter = match filter {
            None => None,
            Some(filter) => Some(Filter::new(
                filter.pattern.as_deref().unwrap_or_default(),
                filter.extract.as_deref().unwrap_or_default(),
            )?),
        };
        Ok(Self { filter, rule })
    }

    /// Returns the policy of a rule, which may be one of your own, without a filter.
    pub fn with_rule(rule: impl Rule + 'static) -> Self {
        Self { filter: None, rule: Box::new(rule) }
    }

    /// Returns the policy with a filter.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Chooses the latest of some tags.
    #[must_use]
    pub fn decide<'a>(&'a self, tags: &'a TagSet) -> Decision<'a> {
        Decision::new(self, tags)
    }

    /// Returns what of a tag is ordered, or none when the filter leaves the tag out.
    fn candidate<'t>(&self, tag: &'t str) -> Option<Candidate<'t>> {
        match &self.filter {
            None => Some(Candidate { text: tag.into(), tag }),
            Some(filter) => filter.extract(tag).map(|text| Candidate { text, tag }),
        }
    }
}

/// Prints the policy as one line, for example `semver range "1.x" of tags that match "^v"`.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule)?;
        self.filter.as_ref().map_or(Ok(()), |filter| write!(f, " of {filter}"))
    }
}
