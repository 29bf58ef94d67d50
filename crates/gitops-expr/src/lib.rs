//! The small languages inside manifests, each bounded in cost.
//!
//! - [`cel`]: the Common Expression Language as Flux offers it, in health checks and readiness of dependencies.
//! - [`constraint`]: versions and version constraints as Masterminds/semver reads them, the grammar behind every
//!   `semver:` field of Flux and every chart version of Helm.
//! - [`names`] and [`Quantity`]: names, label values and numbers of resources as Kubernetes writes them.
//! - [`regexp`]: Go's regular expressions, in which tags are filtered and events chosen.

pub mod cel;
pub mod constraint;
mod error;
pub mod names;
mod quantity;
pub mod regexp;

pub use error::{Error, VersionFault};
pub use quantity::Quantity;
