//! Where scalars and comments stand in the text.

use std::ops::Range;

/// A scalar value (not a key) and its place in the text.
///
/// Replacing the bytes of [`ScalarSpan::span`] by another scalar in the same notation changes the value and
/// nothing else of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScalarSpan {
    /// The bytes of the scalar in the text that was parsed, with its quotes, without tag and anchor. Empty,
    /// where the key ends, when nothing is written, as in `key:`. Of a block they begin after the header line and its
    /// indentation, and include the empty lines that follow.
    pub span: Range<usize>,
    /// The line of the first byte, counted from 1.
    pub line: usize,
    /// The column of the first byte in characters, counted from 1.
    pub column: usize,
    /// The notation.
    pub style: ScalarStyle,
    /// The text, quotes and escapes resolved, before it becomes a number, a boolean or null.
    pub text: String,
    /// The keys and indices that lead to the value inside its document.
    pub path: Vec<PathPart>,
    /// The comment that follows on the same line, without `#`, exactly as written.
    pub comment: Option<String>,
}

/// One step from a collection to a value in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathPart {
    /// The key of a map.
    Key(String),
    /// The index of a list, from 0.
    Index(usize),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// In single quotes.
    SingleQuoted,
    /// In double quotes.
    DoubleQuoted,
    /// A block after `|`.
    Literal,
    /// A block after `>`.
    Folded,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comment {
    /// The bytes from `#` to the end of the line.
    pub span: Range<usize>,
    /// The line, counted from 1.
    pub line: usize,
    /// What follows `#`, exactly as written.
    pub text: String,
}
