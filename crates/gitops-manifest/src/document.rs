//! One document of a text.

use std::ops::Range;

use serde_json::Value;

use crate::span::{Comment, ScalarSpan};

/// One YAML document: its value, where it stands, and on request its scalars and comments.
#[derive(Clone, PartialEq)]
pub struct Document {
    pub(crate) value: Value,
    pub(crate) line: usize,
    pub(crate) span: Range<usize>,
    pub(crate) scalars: Vec<ScalarSpan>,
    pub(crate) comments: Vec<Comment>,
}

impl Document {
    /// Returns the value; an empty document is null.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the value; an empty document is null.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Returns the line of the first token, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the bytes from the first token to the end of the last.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns the scalar values in the order of the text, when
    /// [`ParseOptions::keep_spans`](crate::ParseOptions::keep_spans) asked for them.
    pub fn scalars(&self) -> &[ScalarSpan] {
        &self.scalars
    }

    /// Returns the comments in the order of the text, when
    /// [`ParseOptions::keep_spans`](crate::ParseOptions::keep_spans) asked for them. A comment between two
    /// documents belongs to the second.
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }
}

/// Shows the place without the content: what a document holds may be secret.
impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("line", &self.line).field("span", &self.span).finish_non_exhaustive()
    }
}
