//! Tags become a decision, and the decision an edit.
//!
//! - [`Scanner`] lists a repository's tags; [`TagSet`] is them as one value with Flux's revision, and a [`TagStore`]
//!   keeps it.
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
mod summary;

pub use error::ImageError;
pub use exclusion::{DEFAULT_EXCLUSION, ExclusionList};
pub use policy::{
    Alphabetical, Candidate, Decision, DigestAction, Fate, Filter, Numerical, Order, Policy, Rule, Semver,
    ready_message, reflect_digest,
};
pub use scan::{ScanReport, Scanner};
pub use setter::{Edit, Edits, Marker, Setters};
pub use summary::push_summary;
pub use tags::{DiskTagStore, MemoryTagStore, RepositoryKey, TagSet, TagStore, Written};
