//! Versions and version constraints as [Masterminds/semver] v3 reads them.
//!
//! ```
//! use gitops_expr::constraint::{Constraint, Version};
//!
//! let constraint = Constraint::parse(">=1.2 <2 || ^3.1.0-0")?;
//! assert!(constraint.check(&Version::parse("v1.4")?));
//! assert!(constraint.check(&Version::parse("3.2.0-rc.1")?));
//! assert!(!constraint.check(&Version::parse("2.0.0")?));
//! # Ok::<(), gitops_expr::Error>(())
//! ```
//!
//! # Grammar
//! Alternatives are separated by `||`, the comparisons of one alternative by white space or commas: all of them must
//! hold. A comparison is an operator and a version; parts of the version may be missing or a wildcard (`x`, `X`, `*`).
//!
//! | written | means |
//! |---|---|
//! | `1.2.3`, `=1.2.3` | equal; with a missing part the same as `~` |
//! | `!=1.2.3` | not equal; with a missing part outside of that range |
//! | `>`, `>=` (`=>`), `<`, `<=` (`=<`) | order; `>1.1` is not met by `1.1.5`, `<=1.1` is |
//! | `~1.2.3`, `~>1.2.3` | `>=1.2.3 <1.3.0`; `~1` is `>=1.0.0 <2.0.0`; `~0.0.0` and `~*` are met by every version |
//! | `^1.2.3` | `>=1.2.3 <2.0.0`; `^0.2.3` is `>=0.2.3 <0.3.0`; `^0.0.3` is `0.0.3` only |
//! | `1.2 - 2.3.4` | `>=1.2 <=2.3.4`; the spaces are needed, `1.1-3` is a version with a prerelease |
//!
//! A version with a prerelease meets an alternative only where one of its comparisons has a prerelease too, and then
//! the whole range is open for prereleases (npm opens one patch level only).
//!
//! [Masterminds/semver]: https://github.com/Masterminds/semver

mod check;
mod parse;
mod version;

pub use check::Unsatisfied;
pub use parse::{Constraint, MAX_CONSTRAINT_BYTES};
pub use version::Version;
