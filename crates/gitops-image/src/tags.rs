//! The tags of one image repository, and where they are kept.

mod adler32;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod disk_store;
mod memory_store;
mod store;
mod tag_set;

pub use disk_store::DiskTagStore;
pub use memory_store::MemoryTagStore;
pub use store::{RepositoryKey, TagStore, Written};
pub use tag_set::{LATEST_TAGS, TagSet};
