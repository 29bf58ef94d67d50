//! Templates to texts.

use super::functions::call;
use super::template::{Part, parse};

/// The longest text that an expansion may make, in bytes.
const LONGEST: usize = 64 << 20;

/// Why a template cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// An expression that follows no form.
    #[error("bad substitution")]
    BadSubstitution,
    /// An expression without its end.
    #[error("missing closing brace")]
    Unclosed,
    /// An expression without a variable.
    #[error("unable to parse variable name")]
    Name,
    /// An operator without its argument.
    #[error("unable to parse substitution within function")]
    Argument,
    /// An operator of defaults that follows no form.
    #[error("unable to parse default function")]
    Default,
    /// A variable that is not set and has no default.
    #[error("variable not set (strict mode): {0:?}")]
    NotSet(String),
    /// Expressions within expressions without end.
    #[error("expressions nest deeper than 64 levels")]
    TooDeep,
    /// A text larger than an object can be.
    #[error("the expanded text is larger than 64 MiB")]
    TooLong,
    /// A value too long for a pattern to be cut from it.
    #[error("the value of {0:?} is too long to cut a pattern from")]
    Pattern(String),
}

/// Replaces the expressions of a template.
///
/// `lookup` gives a variable's value, `None` when it is not set; that is an error unless the operator is one of
/// defaults.
///
/// # Errors
/// An [`ExpandError`]; none holds a value.
///
/// # Examples
/// ```
/// use gitops_kustomize::expand;
///
/// let text = expand("${name^^}-${tag:-latest}", |name| (name == "name").then(|| "app".to_owned()))?;
/// assert_eq!(text, "APP-latest");
/// # Ok::<(), gitops_kustomize::ExpandError>(())
/// ```
pub fn expand(template: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, ExpandError> {
    let parts = parse(template)?;
    let mut out = String::with_capacity(template.len());
    for part in &parts {
        write(part, &lookup, &mut out)?;
    }
    Ok(out)
}

fn write(part: &Part, lookup: &dyn Fn(&str) -> Option<String>, out: &mut String) -> Result<(), ExpandError> {
    match part {
        Part::Text(text) => out.push_str(text),
        Part::Call { variable, function, arguments } => {
            let mut given = Vec::with_capacity(arguments.len());
            for argument in arguments {
                let mut text = String::new();
                write(argument, lookup, &mut text)?;
                given.push(text);
            }
            let value = lookup(variable);
            let has_default = matches!(function.as_str(), "-" | "+" | "=" | "?" | ":-" | ":+" | ":=" | ":?");
            if value.is_none() && !has_default {
                return Err(ExpandError::NotSet(variable.clone()));
            }
            let text = call(function, value.unwrap_or_default(), &given);
            out.push_str(&text.ok_or_else(|| ExpandError::Pattern(variable.clone()))?);
        }
    }
    if out.len() > LONGEST { Err(ExpandError::TooLong) } else { Ok(()) }
}
