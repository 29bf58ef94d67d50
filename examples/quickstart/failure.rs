//! Why the play ended before its time.

use std::error::Error;
use std::fmt;

use gitops_examples::explain::explain;

/// A false statement about the cluster, or something that broke.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The API says something else than it should.
    Unexpected { what: String, expected: String, found: String },
    /// Something could not be done.
    Broken(Box<dyn Error + Send + Sync>),
    /// The user asked for the end.
    Interrupted,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { what, expected, found } => {
                write!(f, "{what}\n  expected: {expected}\n  found:    {found}")
            }
            Self::Broken(cause) => f.write_str(&explain(&**cause)),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(cause: E) -> Self {
        Self::Broken(Box::new(cause))
    }
}
