//! Which tags count at all, and what of them is ordered.

use std::borrow::Cow;
use std::fmt;

use gitops_expr::regexp::Regexp;

use crate::error::ImageError;

/// The longest template, in bytes.
///
/// # Difference from Flux
/// Flux has no limit. Every group that a template names can repeat the whole tag, for each of all tags.
pub const MAX_EXTRACT_BYTES: usize = 1024;

/// A pattern that tags must match somewhere, and a template of what is ordered instead of the whole tag.
#[derive(Clone, Debug)]
pub struct Filter {
    pattern: String,
    regexp: Regexp,
    extract: String,
}

impl Filter {
    /// Returns the filter of a pattern in Go's grammar and of a template as Go's `Expand` reads it (`$1`, `$name`,
    /// `${name}`, `$$`). An empty template takes the whole tag.
    ///
    /// # Errors
    /// [`ImageError::Filter`] when the pattern cannot be read, [`ImageError::Policy`] when the template is longer than
    /// [`MAX_EXTRACT_BYTES`].
    pub fn new(pattern: &str, extract: &str) -> Result<Self, ImageError> {
        if extract.len() > MAX_EXTRACT_BYTES {
            let length = extract.len();
            let reason = format!("template of {length} bytes in extract is longer than {MAX_EXTRACT_BYTES}");
            return Err(ImageError::Policy { reason });
        }
        match Regexp::new(pattern) {
            Ok(regexp) => Ok(Self { pattern: pattern.to_owned(), regexp, extract: extract.to_owned() }),
            Err(fault) => Err(ImageError::Filter { pattern: pattern.to_owned(), fault }),
        }
    }

    /// Returns what of a tag is ordered, or none when the tag does not match.
    #[must_use]
    pub fn extract<'t>(&self, tag: &'t str) -> Option<Cow<'t, str>> {
        if self.extract.is_empty() {
            self.regexp.is_match(tag).then_some(Cow::Borrowed(tag))
        } else {
            self.regexp.expand(&self.extract, tag).map(Cow::Owned)
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.extract.is_empty() {
            write!(f, "{:?} in ", self.extract)?;
        }
        write!(f, "tags that match {:?}", self.pattern)
    }
}
