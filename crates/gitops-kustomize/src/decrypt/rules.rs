//! Which values of a file are encrypted, by the rule in its metadata.

use regex::Regex;

/// The one rule of a file.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// Everything, but what is below a key with this end.
    UnencryptedSuffix(String),
    /// Only what is below a key with this end.
    EncryptedSuffix(String),
    /// Everything, but what is below a key that matches.
    UnencryptedKeys(Pattern),
    /// Only what is below a key that matches.
    EncryptedKeys(Pattern),
    /// Everything, but what is below a comment that matches.
    UnencryptedComments(Pattern),
    /// Only what is below a comment that matches.
    EncryptedComments(Pattern),
}

/// An expression that is searched for; one that cannot be read matches nothing.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Option<Regex>);

impl Pattern {
    pub(super) fn new(pattern: &str) -> Self {
        Self(crate::regex::compile(pattern).ok())
    }

    fn matches(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// The comments above a value and above everything that it is in, outermost first.
pub(super) type CommentStack = Vec<Vec<String>>;

impl Rule {
    /// The rule of a file that names none.
    pub(super) fn default_rule() -> Self {
        Self::UnencryptedSuffix("_unencrypted".to_owned())
    }

    /// Tells whether the value at a path is encrypted. A comment is itself the last one on the stack.
    pub(super) fn encrypts(&self, path: &[String], comments: &CommentStack, is_comment: bool) -> bool {
        let ends = |suffix: &str| path.iter().any(|key| key.ends_with(suffix));
        let keys = |pattern: &Pattern| path.iter().any(|key| pattern.matches(key));
        match self {
            Self::UnencryptedSuffix(suffix) => !ends(suffix),
            Self::EncryptedSuffix(suffix) => ends(suffix),
            Self::UnencryptedKeys(pattern) => !keys(pattern),
            Self::EncryptedKeys(pattern) => keys(pattern),
            Self::UnencryptedComments(pattern) => {
                !comments.iter().flatten().any(|comment| pattern.matches(comment))
            }
            Self::EncryptedComments(pattern) => {
                let mut all: Vec<&String> = comments.iter().flatten().collect();
                if is_comment {
                    // The comment that says so is not encrypted itself.
                    all.pop();
                }
                all.iter().any(|comment| pattern.matches(comment))
            }
        }
    }
}
