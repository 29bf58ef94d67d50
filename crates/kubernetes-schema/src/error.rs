//! Why a document is no table.

/// Why a document could not be read as types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A schema contradicts itself or is nested too deep.
    #[error("schema is invalid at {at}: {message}")]
    Schema {
        /// Where.
        at: String,
        /// What is wrong.
        message: String,
    },
    /// A line of the text form cannot be read.
    #[error("line {line} of the table is malformed: {text:?}")]
    Line {
        /// Which, counted from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
}

impl TableError {
    pub(crate) fn schema(at: &str, message: impl Into<String>) -> Self {
        Self::Schema { at: at.to_owned(), message: message.into() }
    }
}
