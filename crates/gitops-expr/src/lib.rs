//! The small languages inside manifests, each bounded in cost.
//!
//! - [`constraint`]: versions and version constraints as Masterminds/semver reads them, the grammar behind every
//!   `semver:` field of Flux and every chart version of Helm.

pub mod constraint;
mod error;

pub use error::{Error, VersionFault};
