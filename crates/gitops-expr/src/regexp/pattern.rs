//! A compiled pattern and what it finds.

use std::fmt;
use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::error::RegexpError;
use super::template;
use super::translate::translate;

/// How large a pattern may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegexpLimits {
    /// The longest pattern, in bytes. Default 4 KiB.
    pub pattern_bytes: usize,
    /// The largest compiled pattern, in bytes; a search's own tables have the same limit. Default 2 MiB.
    pub compiled_bytes: usize,
}

impl Default for RegexpLimits {
    fn default() -> Self {
        Self { pattern_bytes: 4 << 10, compiled_bytes: 2 << 20 }
    }
}

impl RegexpLimits {
    /// Returns the limits with another longest pattern, in bytes.
    #[must_use]
    pub fn with_pattern_bytes(self, pattern_bytes: usize) -> Self {
        Self { pattern_bytes, ..self }
    }

    /// Returns the limits with another largest compiled pattern, in bytes.
    #[must_use]
    pub fn with_compiled_bytes(self, compiled_bytes: usize) -> Self {
        Self { compiled_bytes, ..self }
    }
}

/// A regular expression of Go, compiled. A search takes time linear in the text.
#[derive(Clone)]
pub struct Regexp {
    text: String,
    regex: Regex,
    /// The name of each group, the whole match being the first; empty for a group without a name.
    names: Vec<String>,
}

impl Regexp {
    /// Compiles a pattern under the default limits.
    ///
    /// # Errors
    /// [`RegexpError`] in Go's words where Go refuses the pattern, and where it is over a limit.
    pub fn new(pattern: &str) -> Result<Self, RegexpError> {
        Self::with_limits(pattern, RegexpLimits::default())
    }

    /// Compiles a pattern under limits.
    ///
    /// # Errors
    /// [`RegexpError`] in Go's words where Go refuses the pattern, and where it is over a limit.
    pub fn with_limits(pattern: &str, limits: RegexpLimits) -> Result<Self, RegexpError> {
        if pattern.len() > limits.pattern_bytes {
            return Err(RegexpError::TooLong { length: pattern.len(), limit: limits.pattern_bytes });
        }
        let translated = translate(pattern)?;
        // What the translation writes is always valid, so the only thing left to refuse is the size.
        let regex = RegexBuilder::new(&translated.pattern)
            .size_limit(limits.compiled_bytes)
            .dfa_size_limit(limits.compiled_bytes)
            .nest_limit(u32::MAX)
            .build()
            .map_err(|_| RegexpError::TooLarge { limit: limits.compiled_bytes })?;
        Ok(Self { text: pattern.to_owned(), regex, names: translated.names })
    }

    /// Returns the pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name of each group in order, the whole match being the first; empty for a group without a name.
    pub fn group_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Returns whether the pattern matches anywhere in the text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }

    /// Returns where in the text the leftmost match is.
    #[must_use]
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.captures(text)?.get(0)
    }

    /// Returns all parts of a text that match, from left to right, as Go's `FindAllString` does.
    pub fn find_all<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.regex.find_iter(text.as_bytes()).filter_map(|found| text.get(found.range()))
    }

    /// Returns the leftmost match with its groups.
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'_, 't>> {
        let mut start = 0;
        while start <= text.len() {
            let found = self.regex.captures_at(text.as_bytes(), start)?;
            let ranges: Vec<Option<Range<usize>>> =
                found.iter().map(|group| group.map(|group| group.range())).collect();
            // Go looks between characters only; `\B` also holds between the bytes of one.
            let aligned =
                |range: &Range<usize>| text.is_char_boundary(range.start) && text.is_char_boundary(range.end);
            if ranges.iter().flatten().all(aligned) {
                return Some(Captures { regexp: self, text, ranges });
            }
            start = (start + 1..=text.len()).find(|at| text.is_char_boundary(*at))?;
        }
        None
    }

    /// Returns a template with the groups of the leftmost match filled in, or none where the text does not match.
    ///
    /// The rules are those of Go's `Regexp.Expand`: `$name`, `${name}`, `$1`; the name is the longest run of letters,
    /// digits and `_` (`$1a` is the group "1a"); `$$` is a dollar; a group that does not exist or took no part is
    /// empty; a `$` that begins nothing stands for itself.
    #[must_use]
    pub fn expand(&self, template: &str, text: &str) -> Option<String> {
        Some(self.captures(text)?.expand(template))
    }
}

impl fmt::Debug for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regexp").field(&self.text).finish()
    }
}

impl fmt::Display for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Regexp {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Regexp {}

/// One match and its groups.
#[derive(Debug, Clone)]
pub struct Captures<'r, 't> {
    regexp: &'r Regexp,
    text: &'t str,
    ranges: Vec<Option<Range<usize>>>,
}

impl<'t> Captures<'_, 't> {
    /// Returns what a group matched, the whole match being group 0; none where it took no part.
    #[must_use]
    pub fn get(&self, group: usize) -> Option<&'t str> {
        let range = self.ranges.get(group)?.clone()?;
        self.text.get(range)
    }

    /// Returns what a named group matched; of several with one name the first that took part.
    #[must_use]
    pub fn name(&self, name: &str) -> Option<&'t str> {
        let mut groups = self.regexp.names.iter().enumerate().filter(|(_, known)| *known == name);
        groups.find_map(|(group, _)| self.get(group))
    }

    /// Returns where in the text a group matched, in bytes.
    #[must_use]
    pub fn range(&self, group: usize) -> Option<Range<usize>> {
        self.ranges.get(group)?.clone()
    }

    /// Returns a template with the groups filled in, by the rules of [`Regexp::expand`].
    #[must_use]
    pub fn expand(&self, template: &str) -> String {
        template::expand(template, self)
    }
}
