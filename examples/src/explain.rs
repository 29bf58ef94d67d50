//! Telling a human what went wrong.

use std::error::Error;

/// Returns an error with everything that led to it, in one line.
///
/// ```
/// use gitops_examples::explain::explain;
///
/// let cause = std::io::Error::other("the disk is full");
/// assert_eq!(explain(&cause), "the disk is full");
/// ```
#[must_use]
pub fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        // Some errors say already what their sources say.
        let said = source.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = source.source();
    }
    text
}
