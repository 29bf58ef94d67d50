//! CEL, the Common Expression Language, as Flux offers it, bounded in cost.
//!
//! ```
//! use gitops_expr::cel::{Environment, Expression, OutputType};
//! use serde_json::json;
//!
//! let environment = Environment::new().checked().with_variables(["self", "dep"]).with_output(OutputType::Bool);
//! let same = "self.metadata.labels['version'] == dep.metadata.labels['version']";
//! let same = Expression::compile(same, &environment)?;
//! let object = json!({"metadata": {"labels": {"version": "v1"}}});
//! let variables = json!({"self": object, "dep": object});
//! assert!(same.evaluate_bool(variables.as_object().expect("a map"))?);
//! # Ok::<(), gitops_expr::cel::CelError>(())
//! ```
//!
//! # Language
//! The [language] with its macros and standard functions, and of cel-go's extensions `strings`, `sets`, `encoders` and
//! optional values (`a.?b`, `a[?b]`, `optional.of`, `first()`, `last()`, …). Numbers of different types are compared by value.
//! Objects come as JSON: whole numbers are `int`, all others `double`.
//!
//! # Limits
//! A text is refused that is too long, or nested too deeply. An evaluation pays for each step and for what it reads and
//! makes, and ends with an error when its budget is used up; neither a clock nor a thread is needed for that, and the same
//! evaluation always ends in the same way. See [`Limits`].
//!
//! # Difference from Flux
//! Flux breaks evaluations off after the reconciliation's timeout only. There are no messages of protocol buffers
//! (`Type{field: value}`), and regular expressions are those of Go without what linear time does not allow there either.
//!
//! [language]: https://github.com/google/cel-spec/blob/master/doc/langdef.md

mod ast;
mod declared;
mod error;
mod eval;
mod expression;
mod functions;
mod health;
mod lex;
mod list;
mod meter;
mod parse;
mod read;
mod typed;
mod value;

pub use declared::{Declared, ListIdentity};
pub use error::CelError;
pub use expression::{Environment, Expression, Limits, OutputType};
pub use health::{Health, HealthCatalog, HealthExpressions};
