//! Why a text was not read.

use std::fmt;
use std::sync::Arc;

/// A place in a text. It prints as `file:line:column`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The name that was given to the parser, as a rule a path.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Why a text was not read as YAML, or not as Kubernetes objects.
///
/// No error repeats a value: it may be secret. Keys are named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The bytes are not UTF-8, or hold characters that YAML forbids.
    #[error("{at}: {reason}")]
    Character {
        /// Where.
        at: Position,
        /// What is wrong.
        reason: String,
    },
    /// The text is not YAML.
    #[error("{at}: {reason}")]
    Syntax {
        /// Where.
        at: Position,
        /// What is wrong.
        reason: String,
    },
    /// A key cannot be the key of a JSON map.
    #[error("{at}: {reason}")]
    Key {
        /// Where.
        at: Position,
        /// What is wrong.
        reason: String,
    },
    /// A map has a key twice.
    #[error("{at}: key {key:?} is already set on line {first_line}; remove one of the two")]
    DuplicateKey {
        /// Where the key stands the second time.
        at: Position,
        /// The key.
        key: String,
        /// The line on which it stands first.
        first_line: usize,
    },
    /// A value has no counterpart in JSON, or does not fit its tag.
    #[error("{at}: {reason}")]
    Value {
        /// Where.
        at: Position,
        /// What is wrong.
        reason: String,
    },
    /// An alias or a merge key refers to what it cannot.
    #[error("{at}: {reason}")]
    Alias {
        /// Where.
        at: Position,
        /// What is wrong.
        reason: String,
    },
    /// The text is larger, or makes more of itself, than [`Limits`](crate::Limits) allow.
    #[error("{at}: more than {limit} {what}; split the file or raise the limit")]
    Limit {
        /// Where the limit was passed.
        at: Position,
        /// The limit.
        limit: usize,
        /// What it counts.
        what: &'static str,
    },
    /// A document, or an item of a list, is not a Kubernetes object.
    #[error("{at}: {reason}")]
    Object {
        /// Where.
        at: Position,
        /// What is wrong.
        reason: String,
    },
}

impl ParseError {
    /// Returns where the error was found.
    pub fn position(&self) -> &Position {
        match self {
            Self::Character { at, .. }
            | Self::Syntax { at, .. }
            | Self::Key { at, .. }
            | Self::DuplicateKey { at, .. }
            | Self::Value { at, .. }
            | Self::Alias { at, .. }
            | Self::Limit { at, .. }
            | Self::Object { at, .. } => at,
        }
    }

    /// Returns the name of the text, as it was given to the parser.
    pub fn file(&self) -> &str {
        &self.position().file
    }

    /// Returns the line, counted from 1.
    pub fn line(&self) -> usize {
        self.position().line
    }

    /// Returns the column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.position().column
    }
}
