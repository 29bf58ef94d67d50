//! What is wrong with a value.

use std::fmt;

/// What is wrong with a value of a type.
///
/// The text is the one that the API server gives in `failed to create typed patch object`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedError(Vec<Problem>);

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    path: String,
    message: String,
}

impl TypedError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(vec![Problem { path: String::new(), message: message.into() }])
    }

    /// Returns the problems.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }

    pub(crate) fn prefixed(mut self, prefix: impl fmt::Display) -> Self {
        for problem in &mut self.0 {
            problem.path = format!("{prefix}{}", problem.path);
        }
        self
    }
}

impl Problem {
    /// Returns where the problem is (`.spec.containers[name="app"].image`); empty at the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns what the problem is.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl fmt::Display for TypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => only.fmt(f),
            several => {
                f.write_str("errors:")?;
                several.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for TypedError {}

/// Problems that are collected while the work goes on.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, error: TypedError) {
        self.0.extend(error.0);
    }

    pub(super) fn finish(self) -> Result<(), TypedError> {
        if self.0.is_empty() { Ok(()) } else { Err(TypedError(self.0)) }
    }
}
