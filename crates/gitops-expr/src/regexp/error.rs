//! Why a pattern was refused, in Go's words.

use thiserror::Error;

/// Why a pattern was refused.
///
/// The wording of [`Syntax`](Self::Syntax) is that of Go's `regexp/syntax`, since it ends in the condition messages that
/// users of Flux know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegexpError {
    /// The text does not follow Go's grammar.
    #[error("error parsing regexp: {fault}: `{part}`{}", hint.map(|hint| format!(" ({hint})")).unwrap_or_default())]
    Syntax {
        /// What is wrong.
        fault: SyntaxFault,
        /// The part of the pattern that is wrong.
        part: String,
        /// What to write instead, for what other engines accept.
        hint: Option<&'static str>,
    },
    /// The pattern is longer than [`RegexpLimits::pattern_bytes`](super::RegexpLimits::pattern_bytes).
    #[error("regular expression of {length} bytes is longer than {limit}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The compiled pattern is larger than
    /// [`RegexpLimits::compiled_bytes`](super::RegexpLimits::compiled_bytes).
    #[error(
        "regular expression needs more than {limit} bytes when compiled; repeat less, or smaller classes"
    )]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SyntaxFault {
    /// A range that runs backwards, or a class that does not exist.
    #[error("invalid character class range")]
    ClassRange,
    /// A backslash before a letter or digit that means nothing.
    #[error("invalid escape sequence")]
    Escape,
    /// A group's name is empty, not of letters, digits and `_`, or not closed.
    #[error("invalid named capture")]
    NamedCapture,
    /// `(?` and something that Go does not know.
    #[error("invalid or unsupported Perl syntax")]
    Perl,
    /// A repetition of a repetition without a group between.
    #[error("invalid nested repetition operator")]
    NestedRepeat,
    /// A repetition of more than 1,000, also by nesting, or one whose bounds run backwards.
    #[error("invalid repeat count")]
    RepeatCount,
    /// A class is not closed.
    #[error("missing closing ]")]
    MissingBracket,
    /// A group is not closed.
    #[error("missing closing )")]
    MissingParenthesis,
    /// Nothing stands before a repetition.
    #[error("missing argument to repetition operator")]
    MissingArgument,
    /// The pattern ends with a backslash.
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    /// A group is closed that was not opened.
    #[error("unexpected )")]
    UnexpectedParenthesis,
    /// Groups nest deeper than [`MAX_NESTING`](super::MAX_NESTING).
    #[error("expression nests too deeply")]
    Nesting,
}
