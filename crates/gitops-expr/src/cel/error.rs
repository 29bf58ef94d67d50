//! What can be wrong with an expression, in Flux's words.

use thiserror::Error;

/// Why an expression was refused or has no value.
///
/// The wording up to the last part is that of fluxcd/pkg `runtime/cel`, since it ends in the condition messages that users of
/// Flux know; the last part, about the expression itself, is ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CelError {
    /// The text is not an expression, or what it says cannot be.
    #[error("failed to parse the CEL expression '{expression}': {why}")]
    Parse {
        /// The text.
        expression: String,
        /// What is wrong and where, with the line that it is in.
        why: String,
    },
    /// Variables or an output type were given for an expression that is not checked.
    #[error("output type and variables can only be set when compiling the expression")]
    Options,
    /// The expression yields something else than is asked for.
    #[error("CEL expression output type mismatch: expected {wanted}, got {found}")]
    OutputType {
        /// The type that is asked for.
        wanted: String,
        /// The type of the expression.
        found: String,
    },
    /// The expression has no value for these variables.
    #[error("failed to evaluate the CEL expression '{expression}': {why}")]
    Evaluate {
        /// The text.
        expression: String,
        /// Why.
        why: String,
    },
    /// The expression would take more steps than it is given.
    #[error(
        "failed to evaluate the CEL expression '{expression}': it takes more than {steps} steps, ask for less"
    )]
    Budget {
        /// The text.
        expression: String,
        /// The steps that it was given.
        steps: u64,
    },
    /// The value is of another type than was asked for.
    #[error("failed to evaluate CEL expression {}", wrong_result(.expression, .wanted, .found))]
    ResultType {
        /// The text.
        expression: String,
        /// The type that was asked for: `boolean`, `string` or `[]string`.
        wanted: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// A health check says nothing about when an object is as asked for.
    #[error("expression Current not specified")]
    NoCurrent,
    /// One of the expressions of a health check was refused.
    #[error("failed to parse the expression {name}: {error}")]
    Named {
        /// Which one: `Current`, `InProgress` or `Failed`.
        name: &'static str,
        /// Why.
        error: Box<CelError>,
    },
    /// One of several health checks was refused.
    #[error("failed to create custom status evaluator for healthchecks[{index}]: {error}")]
    HealthCheck {
        /// Its place among them.
        index: usize,
        /// Why.
        error: Box<CelError>,
    },
    /// Two health checks are about the same kind.
    #[error("duplicate custom health check for GroupKind {group_kind} at healthchecks[{index}]")]
    Duplicate {
        /// The place of the second one.
        index: usize,
        /// The kind, as `Kind.group`.
        group_kind: String,
    },
    /// No health check is about the kind of an object.
    #[error("the GroupKind {group_kind} is not supported")]
    Unsupported {
        /// The kind, as `Kind.group`.
        group_kind: String,
    },
}

fn wrong_result(expression: &str, wanted: &str, found: &str) -> String {
    match wanted {
        "[]string" => {
            format!("'{expression}' as []string: unsupported native conversion from {found} to '[]string'")
        }
        _ => format!("as {wanted}: '{expression}'"),
    }
}
