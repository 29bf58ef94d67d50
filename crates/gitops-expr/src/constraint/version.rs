//! Semantic versions, read strictly or with the coercions that tags in the wild need.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::error::{Error, VersionFault};

/// A semantic version that remembers the text it was read from.
///
/// Order and equality are precedence: build metadata and the original text do not count, so `1.2+a`, `v1.2.0` and
/// `1.2.0` are equal. Prerelease parts that are numbers compare as numbers while they fit into 64 bits, as in
/// Masterminds/semver.
#[derive(Debug, Clone)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: String,
    metadata: String,
    original: String,
}

impl Version {
    /// Returns the version made of its parts; `prerelease` and `metadata` may be empty.
    ///
    /// # Errors
    /// When the prerelease or the metadata is not valid.
    pub fn new(major: u64, minor: u64, patch: u64, prerelease: &str, metadata: &str) -> Result<Self, Error> {
        let plain = Self {
            major,
            minor,
            patch,
            prerelease: String::new(),
            metadata: String::new(),
            original: format!("{major}.{minor}.{patch}"),
        };
        plain.with_prerelease(prerelease)?.with_metadata(metadata)
    }

    /// Returns the version of a text, coerced where it is version-like: a leading `v`, missing minor or patch and
    /// leading zeros of the three numbers are taken (Masterminds' `NewVersion`).
    ///
    /// # Errors
    /// When the text is no version even so.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse_loose(text).map_err(|fault| refused(text, fault))
    }

    /// Returns the version of a text that may be short or start with `v` but has no leading zeros (Masterminds'
    /// `NewVersion` with its coercion off).
    ///
    /// # Errors
    /// When the text is no such version.
    pub fn parse_short(text: &str) -> Result<Self, Error> {
        let version = Self::parse(text)?;
        let numbers = split(text).map(|parts| parts.numbers).unwrap_or_default();
        if numbers.into_iter().flatten().any(starts_with_zero) {
            return Err(refused(text, VersionFault::LeadingZero));
        }
        Ok(version)
    }

    /// Returns the version of a text that follows semver.org to the letter: three numbers, no `v`, no leading zeros
    /// (Masterminds' `StrictNewVersion`).
    ///
    /// # Errors
    /// When the text is no strict version.
    pub fn parse_strict(text: &str) -> Result<Self, Error> {
        parse_strict(text).map_err(|fault| refused(text, fault))
    }

    /// Returns the version of a tag as Flux reads it: strict, but one leading `v` is allowed, so that `v1.2.3` is a
    /// version while `v1.2` and `1` are not (fluxcd/pkg `version/version.go`).
    ///
    /// # Errors
    /// When the text without its `v` is no strict version.
    pub fn parse_strict_flux(text: &str) -> Result<Self, Error> {
        let mut version =
            parse_strict(text.strip_prefix('v').unwrap_or(text)).map_err(|fault| refused(text, fault))?;
        version.original = text.to_owned();
        Ok(version)
    }

    /// Returns the first number.
    #[must_use]
    pub fn major(&self) -> u64 {
        self.major
    }

    /// Returns the second number.
    #[must_use]
    pub fn minor(&self) -> u64 {
        self.minor
    }

    /// Returns the third number.
    #[must_use]
    pub fn patch(&self) -> u64 {
        self.patch
    }

    /// Returns the prerelease without its hyphen; empty for a release.
    #[must_use]
    pub fn prerelease(&self) -> &str {
        &self.prerelease
    }

    /// Returns the build metadata without its plus sign; empty where there is none.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// Returns the text that was parsed, with its `v` and its short form.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Returns whether the version has a prerelease.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }

    /// Returns the next major version, or none where the number would overflow.
    #[must_use]
    pub fn next_major(&self) -> Option<Self> {
        Some(self.numbered(self.major.checked_add(1)?, 0, 0))
    }

    /// Returns the next minor version, or none where the number would overflow.
    #[must_use]
    pub fn next_minor(&self) -> Option<Self> {
        Some(self.numbered(self.major, self.minor.checked_add(1)?, 0))
    }

    /// Returns the next patch version, or none where the number would overflow. The next patch version of a
    /// prerelease is its release.
    #[must_use]
    pub fn next_patch(&self) -> Option<Self> {
        let step = u64::from(!self.is_prerelease());
        Some(self.numbered(self.major, self.minor, self.patch.checked_add(step)?))
    }

    /// Returns the version with another prerelease; an empty one makes it a release.
    ///
    /// # Errors
    /// When a part of the prerelease is empty, a number with a leading zero, or has a character outside of
    /// `[0-9A-Za-z-]`.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Self, Error> {
        if !prerelease.is_empty() {
            validate_prerelease(prerelease).map_err(|fault| refused(prerelease, fault))?;
        }
        let changed = Self { prerelease: prerelease.to_owned(), ..self.clone() };
        Ok(changed.rewritten())
    }

    /// Returns the version with other build metadata; empty removes it.
    ///
    /// # Errors
    /// When a part of the metadata is empty or has a character outside of `[0-9A-Za-z-]`.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, Error> {
        if !metadata.is_empty() {
            validate_metadata(metadata).map_err(|fault| refused(metadata, fault))?;
        }
        let changed = Self { metadata: metadata.to_owned(), ..self.clone() };
        Ok(changed.rewritten())
    }

    fn numbered(&self, major: u64, minor: u64, patch: u64) -> Self {
        let changed = Self {
            major,
            minor,
            patch,
            prerelease: String::new(),
            metadata: String::new(),
            original: self.original.clone(),
        };
        changed.rewritten()
    }

    /// Sets the original text anew, keeping its `v`.
    fn rewritten(mut self) -> Self {
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        self.original = format!("{prefix}{self}");
        self
    }
}

impl fmt::Display for Version {
    /// Writes the normalised text: three numbers, no `v`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prerelease(&self.prerelease, &other.prerelease))
    }
}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.major, self.minor, self.patch, &self.prerelease).hash(state);
    }
}

fn compare_prerelease(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(l), Some(r)) => match (l.parse::<u64>(), r.parse::<u64>()) {
                (Ok(l), Ok(r)) => l.cmp(&r),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => l.cmp(r),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn refused(text: &str, fault: VersionFault) -> Error {
    Error::Version { text: text.to_owned(), fault }
}

/// The pieces of a version text: up to three numbers, then what follows `-` and `+`.
struct Parts<'a> {
    numbers: [Option<&'a str>; 3],
    prerelease: Option<&'a str>,
    metadata: Option<&'a str>,
}

/// Cuts a text at its first `+`, then at the first `-`, then at dots: neither sign can occur further left.
fn split(text: &str) -> Option<Parts<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (rest, metadata) = cut(text, '+');
    let (rest, prerelease) = cut(rest, '-');
    let mut numbers = [None; 3];
    for (at, number) in rest.split('.').enumerate() {
        *numbers.get_mut(at)? = Some(number);
    }
    Some(Parts { numbers, prerelease, metadata })
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn parse_loose(text: &str) -> Result<Version, VersionFault> {
    let parts = split(text).ok_or(VersionFault::Shape)?;
    let shaped = |tail: Option<&str>| tail.is_none_or(|t| t.split('.').all(is_identifier));
    let numeric = |n: &str| !n.is_empty() && all_digits(n);
    if !parts.numbers.into_iter().flatten().all(numeric)
        || !shaped(parts.prerelease)
        || !shaped(parts.metadata)
    {
        return Err(VersionFault::Shape);
    }
    let [major, minor, patch] = parts.numbers.map(|n| n.map_or(Ok(0), number));
    let (major, minor, patch) = (major?, minor?, patch?);
    if let Some(prerelease) = parts.prerelease {
        validate_prerelease(prerelease)?;
    }
    Ok(Version {
        major,
        minor,
        patch,
        prerelease: parts.prerelease.unwrap_or_default().to_owned(),
        metadata: parts.metadata.unwrap_or_default().to_owned(),
        original: text.to_owned(),
    })
}

fn parse_strict(text: &str) -> Result<Version, VersionFault> {
    if text.is_empty() {
        return Err(VersionFault::Empty);
    }
    let mut parts = text.splitn(3, '.');
    let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(VersionFault::Shape);
    };
    let (rest, metadata) = cut(rest, '+');
    let (patch, prerelease) = cut(rest, '-');
    metadata.map_or(Ok(()), validate_metadata)?;
    prerelease.map_or(Ok(()), validate_prerelease)?;
    for n in [major, minor, patch] {
        if !all_digits(n) {
            return Err(VersionFault::Characters);
        }
        if starts_with_zero(n) {
            return Err(VersionFault::LeadingZero);
        }
        if n.is_empty() {
            return Err(VersionFault::Shape);
        }
    }
    Ok(Version {
        major: number(major)?,
        minor: number(minor)?,
        patch: number(patch)?,
        prerelease: prerelease.unwrap_or_default().to_owned(),
        metadata: metadata.unwrap_or_default().to_owned(),
        original: text.to_owned(),
    })
}

fn number(digits: &str) -> Result<u64, VersionFault> {
    digits.parse().map_err(|_| VersionFault::TooLarge { number: digits.to_owned() })
}

fn starts_with_zero(number: &str) -> bool {
    number.len() > 1 && number.starts_with('0')
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Returns whether the text is a part of a prerelease or of metadata: not empty, letters, digits and hyphens.
pub(super) fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn validate_prerelease(text: &str) -> Result<(), VersionFault> {
    for part in text.split('.') {
        if !is_identifier(part) {
            return Err(VersionFault::Prerelease);
        }
        if all_digits(part) && starts_with_zero(part) {
            return Err(VersionFault::LeadingZero);
        }
    }
    Ok(())
}

fn validate_metadata(text: &str) -> Result<(), VersionFault> {
    if text.split('.').all(is_identifier) { Ok(()) } else { Err(VersionFault::Metadata) }
}
