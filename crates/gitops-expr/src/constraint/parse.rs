//! The text of a constraint → alternatives of comparisons.
//!
//! A comparison cannot hold white space or a comma inside of its version, so the grammar needs no search: after an
//! operator the version ends at the next separator. Only hyphen ranges are looked for, before anything else, as a
//! rewriting of the text; that is what Masterminds does, and its oddities (`1||2 - 3` is `>=1 || 2 <=3`) are kept.

use std::fmt;

use super::version::{Version, is_identifier};
use crate::error::Error;

/// The longest constraint text that is read, in bytes.
///
/// # Difference from Flux
/// Masterminds/semver has no limit. Finding hyphen ranges takes time that grows with the square of the longest word.
pub const MAX_CONSTRAINT_BYTES: usize = 4096;

/// A version constraint: alternatives, each of one or more comparisons that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    pub(super) alternatives: Vec<Alternative>,
    pub(super) include_prereleases: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alternative {
    pub(super) comparisons: Vec<Comparison>,
    /// Whether one of the comparisons has a prerelease, which opens all of them for prereleases.
    pub(super) names_prerelease: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) operator: Operator,
    /// The operator as it was written (`=>` stays `=>`).
    pub(super) operator_text: &'static str,
    /// The version as it was written.
    pub(super) text: String,
    pub(super) version: Version,
    pub(super) wildcard: Wildcard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// Which parts of the version are missing or a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wildcard {
    None,
    Patch,
    Minor,
    All,
}

/// The operators, longer ones before their prefixes.
const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
    ("", Operator::Equal),
];

impl Constraint {
    /// Returns the constraint of a text.
    ///
    /// # Errors
    /// When the text does not follow the grammar, holds something that is no version, is empty, or is longer than
    /// [`MAX_CONSTRAINT_BYTES`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_CONSTRAINT_BYTES {
            return Err(Error::ConstraintTooLong { length: text.len(), limit: MAX_CONSTRAINT_BYTES });
        }
        let rewritten = rewrite_ranges(text);
        let alternatives = rewritten.split("||").map(parse_alternative).collect::<Result<_, _>>()?;
        Ok(Self { alternatives, include_prereleases: false })
    }

    /// Makes every version with a prerelease a candidate, as `helm --devel` does.
    #[must_use]
    pub fn include_prereleases(mut self) -> Self {
        self.include_prereleases = true;
        self
    }
}

impl std::str::FromStr for Constraint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Constraint {
    /// Writes the comparisons of an alternative separated by spaces and the alternatives by ` || `; ranges appear as
    /// the two comparisons that they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, alternative) in self.alternatives.iter().enumerate() {
            if at > 0 {
                f.write_str(" || ")?;
            }
            for (at, comparison) in alternative.comparisons.iter().enumerate() {
                if at > 0 {
                    f.write_str(" ")?;
                }
                write!(f, "{}{}", comparison.operator_text, comparison.text)?;
            }
        }
        Ok(())
    }
}

/// White space of the grammar.
fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches(|c: char| u8::try_from(c).is_ok_and(is_space))
}

fn parse_alternative(text: &str) -> Result<Alternative, Error> {
    let improper = || Error::Constraint { part: text.to_owned() };
    let mut comparisons = Vec::new();
    let mut rest = trim_start(text);
    loop {
        let (operator_text, operator) =
            *OPERATORS.iter().find(|(written, _)| rest.starts_with(written)).ok_or_else(improper)?;
        rest = trim_start(rest.get(operator_text.len()..).unwrap_or_default());
        let end = rest.bytes().position(|b| b == b',' || is_space(b)).unwrap_or(rest.len());
        let (version, after) = rest.split_at(end);
        let pieces = Pieces::of_prefix(version).filter(|p| p.len == version.len()).ok_or_else(improper)?;
        comparisons.push((operator_text, operator, pieces, version));
        rest = trim_start(after);
        let separated = rest.len() < after.len();
        match rest.strip_prefix(',') {
            Some(next) => rest = trim_start(next),
            None if rest.is_empty() => break,
            None if separated => {}
            None => return Err(improper()),
        }
    }
    let comparisons = comparisons
        .into_iter()
        .map(|(operator_text, operator, pieces, version)| {
            comparison(operator_text, operator, &pieces, version)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let names_prerelease = comparisons.iter().any(|c| c.version.is_prerelease());
    Ok(Alternative { comparisons, names_prerelease })
}

fn comparison(
    operator_text: &'static str,
    operator: Operator,
    pieces: &Pieces<'_>,
    text: &str,
) -> Result<Comparison, Error> {
    let is_wild = |part: Option<&str>| matches!(part, None | Some("x" | "X" | "*"));
    let prerelease = pieces.prerelease;
    let (wildcard, version) = match pieces.numbers {
        [major, _, _] if is_wild(major) => (Wildcard::All, format!("0.0.0{prerelease}")),
        [Some(major), minor, _] if is_wild(minor) => (Wildcard::Minor, format!("{major}.0.0{prerelease}")),
        [Some(major), Some(minor), patch] if is_wild(patch) => {
            (Wildcard::Patch, format!("{major}.{minor}.0{prerelease}"))
        }
        _ => (Wildcard::None, text.to_owned()),
    };
    let version = Version::parse(&version)
        .map_err(|_| Error::ConstraintVersion { part: format!("{operator_text}{text}") })?;
    Ok(Comparison { operator, operator_text, text: text.to_owned(), version, wildcard })
}

/// The pieces of a version inside of a constraint, which may have wildcards. A lone `|` is taken for a digit here and
/// refused later: the grammar of Masterminds has it so, and `1.0||2 - 3` means something because of it.
struct Pieces<'a> {
    numbers: [Option<&'a str>; 3],
    /// The prerelease with its hyphen; empty where there is none.
    prerelease: &'a str,
    /// How many bytes of the text belong to the version.
    len: usize,
}

impl<'a> Pieces<'a> {
    /// Returns the longest version that the text starts with.
    fn of_prefix(text: &'a str) -> Option<Self> {
        let mut at = usize::from(text.starts_with('v'));
        let mut numbers = [None; 3];
        for (n, slot) in numbers.iter_mut().enumerate() {
            let start = if n == 0 { at } else { at + 1 };
            if n > 0 && text.as_bytes().get(at) != Some(&b'.') {
                break;
            }
            let number = run(text, start, |b| matches!(b, b'0'..=b'9' | b'x' | b'X' | b'*' | b'|'));
            if number.is_empty() {
                break;
            }
            *slot = Some(number);
            at = start + number.len();
        }
        numbers[0]?;
        let prerelease = tail(text, at, b'-');
        at += prerelease.len();
        at += tail(text, at, b'+').len();
        Some(Self { numbers, prerelease, len: at })
    }
}

/// Returns the bytes from `start` on for which the predicate holds.
fn run(text: &str, start: usize, holds: impl Fn(u8) -> bool) -> &str {
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.bytes().position(|b| !holds(b)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// Returns a prerelease or metadata with its leading sign, or nothing: identifiers separated by dots.
fn tail(text: &str, start: usize, sign: u8) -> &str {
    if text.as_bytes().get(start) != Some(&sign) {
        return "";
    }
    let mut end = start;
    loop {
        let identifier = run(text, end + 1, |b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_identifier(identifier) {
            break;
        }
        end += 1 + identifier.len();
        if text.as_bytes().get(end) != Some(&b'.') {
            break;
        }
    }
    text.get(start..end).unwrap_or_default()
}

/// Rewrites each `a - b` into `>= a, <= b`.
fn rewrite_ranges(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some((start, end, low, high)) = find_range(rest) {
        out.push_str(rest.get(..start).unwrap_or_default());
        out.push_str(&format!(">= {low}, <= {high} "));
        rest = rest.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Returns the first range with the white space around it: where it starts and ends, its low and its high version.
fn find_range(text: &str) -> Option<(usize, usize, &str, &str)> {
    // Without a hyphen between spaces there is none; nearly all constraints end here.
    text.as_bytes().windows(3).position(|w| is_space(w[0]) && w[1] == b'-' && is_space(w[2]))?;
    (0..text.len()).find_map(|start| {
        let low_at = start + run(text, start, is_space).len();
        let low = text.get(low_at..)?;
        let low = low.get(..Pieces::of_prefix(low)?.len)?;
        let dash = gap(text, low_at + low.len())?;
        if text.as_bytes().get(dash) != Some(&b'-') {
            return None;
        }
        let high_at = gap(text, dash + 1)?;
        let high = text.get(high_at..)?;
        let high = high.get(..Pieces::of_prefix(high)?.len)?;
        let end = high_at + high.len();
        Some((start, end + run(text, end, is_space).len(), low, high))
    })
}

/// Returns where the white space at `at` ends, or none where there is no white space.
fn gap(text: &str, at: usize) -> Option<usize> {
    let spaces = run(text, at, is_space).len();
    (spaces > 0).then_some(at + spaces)
}
