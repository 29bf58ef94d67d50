//! Go's regular expressions, in linear time and under limits.
//!
//! Flux's users write patterns for Go's `regexp` package: tag filters of image policies, exclusion lists, alerts.
//! [`Regexp`] reads exactly that grammar and runs it on the `regex` crate, which has the same semantics (leftmost,
//! first alternative) and the same guarantee of linear time.
//!
//! ```
//! use gitops_expr::regexp::Regexp;
//!
//! let pattern = Regexp::new(r"^main-[a-f0-9]+-(?P<ts>\d+)$")?;
//! assert_eq!(pattern.expand("$ts", "main-0c1f-1606364286").as_deref(), Some("1606364286"));
//! assert_eq!(pattern.expand("$ts", "dev-0c1f-1606364286"), None);
//! # Ok::<(), gitops_expr::regexp::RegexpError>(())
//! ```
//!
//! # Where the grammars differ
//! | written | in Go, and so here | in the `regex` crate |
//! |---|---|---|
//! | `\d` `\w` `\s` `\b` | ASCII | Unicode |
//! | `x{`, `x{,3}`, `{` | literal text | an error |
//! | `\Q..\E`, `\07`, `\123` | literal text, octal numbers | errors |
//! | `(?P<n>a)\|(?P<n>b)` | two groups of one name | an error |
//! | `[[a]`, `[a&&b]`, `[a--b]`, `[a~~b]` | plain characters | set operations |
//! | `a**`, `a{2}{3}`, `a{1001}` | errors | repetitions |
//! | `\Z`, `\<`, `(?x)`, `(?R)`, `\u0041` | errors (but `\<` is a plain `<`) | anchors, flags, characters |
//!
//! # Difference from Flux
//! A pattern is at most [`RegexpLimits::pattern_bytes`] long and [`RegexpLimits::compiled_bytes`] large when compiled;
//! Go has bounds too, but far higher ones. Groups nest at most [`MAX_NESTING`] deep (Go: 1,000).

mod class;
mod error;
mod pattern;
mod template;
mod translate;

pub use error::{RegexpError, SyntaxFault};
pub use pattern::{Captures, Regexp, RegexpLimits};
pub use translate::MAX_NESTING;
