//! Does a version meet a constraint, and if not, why.

use std::cmp::Ordering;
use std::fmt;

use super::parse::{Comparison, Constraint, Operator, Wildcard};
use super::version::Version;

/// Why a version does not meet a constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsatisfied {
    reasons: Vec<String>,
}

impl Unsatisfied {
    /// Returns the reasons: one for each comparison that failed, in the order of the text.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }
}

impl fmt::Display for Unsatisfied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons.join("; "))
    }
}

impl std::error::Error for Unsatisfied {}

impl Constraint {
    /// Returns whether the version meets one of the alternatives.
    #[must_use]
    pub fn check(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|alternative| {
            self.considers(alternative.names_prerelease, version)
                && alternative.comparisons.iter().all(|c| compare(c, version).is_ok())
        })
    }

    /// Checks the version and says why it does not meet the constraint.
    ///
    /// # Errors
    /// The reasons, when no alternative is met. That a prerelease was not looked for is said once.
    pub fn validate(&self, version: &Version) -> Result<(), Unsatisfied> {
        let mut reasons = Vec::new();
        let mut prerelease_told = false;
        for alternative in &self.alternatives {
            if !self.considers(alternative.names_prerelease, version) {
                if !prerelease_told {
                    reasons.push(format!(
                        "\"{version}\" is a prerelease version and the constraint is only looking for release versions"
                    ));
                    prerelease_told = true;
                }
                continue;
            }
            let before = reasons.len();
            for comparison in &alternative.comparisons {
                if let Err(refusal) = compare(comparison, version) {
                    reasons.push(refusal.describe(version, &comparison.text));
                }
            }
            if reasons.len() == before {
                return Ok(());
            }
        }
        Err(Unsatisfied { reasons })
    }

    fn considers(&self, names_prerelease: bool, version: &Version) -> bool {
        self.include_prereleases || names_prerelease || !version.is_prerelease()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    OtherMajor,
    OtherMajorOrMinor,
    OtherMinor,
    OtherMinorOfZero,
    OtherThanExact,
}

impl Refusal {
    fn describe(self, version: &Version, wanted: &str) -> String {
        let words = match self {
            Self::Equal => "is equal to",
            Self::NotEqual => "is not equal to",
            Self::Less => "is less than",
            Self::LessOrEqual => "is less than or equal to",
            Self::Greater => "is greater than",
            Self::GreaterOrEqual => "is greater than or equal to",
            Self::OtherMajor => "does not have same major version as",
            Self::OtherMajorOrMinor => "does not have same major and minor version as",
            Self::OtherMinor | Self::OtherMinorOfZero => "does not have same minor version as",
            Self::OtherThanExact => "does not equal",
        };
        let hint = match self {
            Self::OtherMinorOfZero => ". Expected minor versions to match when constraint major version is 0",
            Self::OtherThanExact => {
                ". Expect version and constraint to equal when major and minor versions are 0"
            }
            _ => "",
        };
        format!("\"{version}\" {words} \"{wanted}\"{hint}")
    }
}

fn demand(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn compare(comparison: &Comparison, version: &Version) -> Result<(), Refusal> {
    let wanted = &comparison.version;
    let order = version.cmp(wanted);
    match comparison.operator {
        Operator::Equal if comparison.wildcard == Wildcard::None => {
            demand(order == Ordering::Equal, Refusal::NotEqual)
        }
        Operator::Equal | Operator::Tilde => tilde(comparison, version),
        Operator::NotEqual => not_equal(comparison, version),
        Operator::Greater => greater(comparison, version),
        Operator::GreaterOrEqual => demand(order != Ordering::Less, Refusal::Less),
        Operator::Less => demand(order == Ordering::Less, Refusal::GreaterOrEqual),
        Operator::LessOrEqual => less_or_equal(comparison, version),
        Operator::Caret => caret(comparison, version),
    }
}

fn not_equal(comparison: &Comparison, version: &Version) -> Result<(), Refusal> {
    let wanted = &comparison.version;
    let differs = match comparison.wildcard {
        Wildcard::None | Wildcard::All => version != wanted,
        Wildcard::Minor => version.major() != wanted.major(),
        Wildcard::Patch => {
            (version.major(), version.minor(), version.prerelease())
                != (wanted.major(), wanted.minor(), wanted.prerelease())
        }
    };
    demand(differs, Refusal::Equal)
}

/// A version inside of the range that a wildcard spans is not greater than it: `>11` wants 12.
fn greater(comparison: &Comparison, version: &Version) -> Result<(), Refusal> {
    let wanted = &comparison.version;
    let is_greater = match comparison.wildcard {
        Wildcard::None | Wildcard::All => version > wanted,
        Wildcard::Minor => version.major() > wanted.major(),
        Wildcard::Patch => (version.major(), version.minor()) > (wanted.major(), wanted.minor()),
    };
    demand(is_greater, Refusal::LessOrEqual)
}

/// A version inside of the range that a wildcard spans is not greater than it: `<=11` takes 11.9.
fn less_or_equal(comparison: &Comparison, version: &Version) -> Result<(), Refusal> {
    let wanted = &comparison.version;
    let fits = match comparison.wildcard {
        Wildcard::None => version <= wanted,
        Wildcard::Minor => version.major() <= wanted.major(),
        // A lone wildcard stands for 0.0 here, with any patch.
        Wildcard::Patch | Wildcard::All => {
            (version.major(), version.minor()) <= (wanted.major(), wanted.minor())
        }
    };
    demand(fits, Refusal::Greater)
}

fn tilde(comparison: &Comparison, version: &Version) -> Result<(), Refusal> {
    let wanted = &comparison.version;
    demand(version >= wanted, Refusal::Less)?;
    let open = matches!(comparison.wildcard, Wildcard::None | Wildcard::All);
    if open && (wanted.major(), wanted.minor(), wanted.patch()) == (0, 0, 0) {
        return Ok(());
    }
    demand(version.major() == wanted.major(), Refusal::OtherMajor)?;
    let same_minor = comparison.wildcard == Wildcard::Minor || version.minor() == wanted.minor();
    demand(same_minor, Refusal::OtherMajorOrMinor)
}

fn caret(comparison: &Comparison, version: &Version) -> Result<(), Refusal> {
    let wanted = &comparison.version;
    demand(version >= wanted, Refusal::Less)?;
    demand(version.major() == wanted.major(), Refusal::OtherMajor)?;
    if wanted.major() > 0 || comparison.wildcard == Wildcard::Minor {
        return Ok(());
    }
    if wanted.minor() > 0 || comparison.wildcard == Wildcard::Patch {
        return demand(version.minor() == wanted.minor(), Refusal::OtherMinorOfZero);
    }
    demand(version.minor() == 0, Refusal::OtherMinor)?;
    demand(version.patch() == wanted.patch(), Refusal::OtherThanExact)
}
