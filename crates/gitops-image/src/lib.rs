//! Tags become a decision, and the decision an edit.
//!
//! - [`ScanReport`] is what a scan of a repository found: a [`TagSet`], the tags as one value with Flux's revision, which a
//!   [`TagStore`] keeps.
//! - [`Policy`] chooses the latest of them, and its [`Decision`] says why it is not another.
//! - [`Setters`] write the chosen images where markers ask for them: [`Edits`] change those bytes alone and print as a
//!   diff.
//!
//! Nothing here knows a Kubernetes client: specs and credentials go in, values and [`ImageError`]s come out.

pub mod policy;
pub mod setter;
pub mod tags;

mod error;
mod exclusion;
mod scan;

pub use error::ImageError;
pub use exclusion::{DEFAULT_EXCLUSION, ExclusionList};
pub use policy::{
    Alphabetical, Candidate, Decision, DigestAction, Fate, Filter, Numerical, Order, Policy, Rule, Semver,
    ready_message, reflect_digest,
};
pub use scan::ScanReport;
pub use setter::{Edit, Edits, Marker, Setters};
pub use tags::{DiskTagStore, MemoryTagStore, RepositoryKey, TagSet, TagStore, Written};
