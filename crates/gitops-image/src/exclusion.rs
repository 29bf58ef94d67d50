//! Which tags of a repository are not kept at all.

use gitops_expr::regexp::Regexp;

use crate::error::ImageError;

/// The pattern that stands for an exclusion list that is not given: cosign's signatures (image-reflector-controller
/// `api/v1/imagerepository_types.go`).
pub const DEFAULT_EXCLUSION: &str = r"^.*\.sig$";

/// Patterns in Go's grammar; a tag that one of them matches anywhere is left out.
#[derive(Clone, Debug, Default)]
pub struct ExclusionList {
    patterns: Vec<Regexp>,
}

impl ExclusionList {
    /// Returns the list of some patterns. A list that is given replaces [`DEFAULT_EXCLUSION`], also when it is empty.
    ///
    /// # Errors
    /// [`ImageError::Exclusion`] when a pattern cannot be read.
    pub fn new<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, ImageError> {
        let compile = |pattern: P| {
            let pattern = pattern.as_ref();
            Regexp::new(pattern).map_err(|fault| ImageError::Exclusion { pattern: pattern.to_owned(), fault })
        };
        Ok(Self { patterns: patterns.into_iter().map(compile).collect::<Result<_, _>>()? })
    }

    /// Returns the list of an ImageRepository's spec: the default one when there is none.
    ///
    /// # Errors
    /// As [`ExclusionList::new`].
    pub fn of(spec: Option<&[String]>) -> Result<Self, ImageError> {
        match spec {
            Some(patterns) => Self::new(patterns),
            None => Self::new([DEFAULT_EXCLUSION]),
        }
    }

    /// Returns whether a tag is left out.
    #[must_use]
    pub fn excludes(&self, tag: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_match(tag))
    }

    /// Returns the patterns as they were given.
    pub fn patterns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.patterns.iter().map(Regexp::as_str)
    }
}
