//! Go's regular expressions, as far as kustomize uses them: linear in time, with a bound on their size.

use regex::{Regex, RegexBuilder};

/// Compiles an expression as Go does.
///
/// # Errors
/// In Go's words, when it is no expression, or one too large.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    // Go's `$` without flags is the end of the text, as it is here; `\z` is known to both, `\Z` to neither.
    RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 21)
        .build()
        .map_err(|_| format!("error parsing regexp: invalid expression: `{pattern}`"))
}

/// Compiles an expression that must match the whole text; an empty one matches nothing but is never asked.
pub(crate) fn compile_anchored(pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() { compile("") } else { compile(&format!("^(?:{pattern})$")) }
}
