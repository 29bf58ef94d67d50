//! Kubernetes' structured merge and diff: field sets, ownership, server-side apply.

mod fields_v1;
mod guess;
mod managers;
mod path;
mod pattern;
pub mod schema;
mod set;
mod typed;
mod value;

pub use fields_v1::FieldsV1Error;
pub use managers::{
    Conflict, Conflicts, ConvertError, Force, Managers, Merged, OneVersion, Owned, UpdateError, Updater,
    Versions,
};
pub use path::{KeyFields, Path, PathElement};
pub use pattern::{Filter, Pattern, PatternElement};
pub use set::Set;
pub use typed::{Comparison, Duplicates, ListKeys, Problem, TypedError};
pub use value::{MAX_DEPTH, compare_values, equal_values};
