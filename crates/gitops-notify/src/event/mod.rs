//! Events in: what is posted, what of it counts, and how often.

pub(crate) mod endpoint;
mod limit;
pub(crate) mod metadata;
mod payload;

pub use endpoint::{EventEndpoint, EventOptions};
pub use limit::{RateLimiter, event_key};
pub use metadata::{KeyConflicts, MergedMetadata, clean_metadata, drop_token, merge_metadata};
pub use payload::{decode_event, encode_event};
