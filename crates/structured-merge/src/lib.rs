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
    Applied, ApplyError, Conflict, Conflicts, ConvertError, EntryError, Force, ManagedFields,
    ManagedFieldsEntry, Manager, Managers, Merged, ObjectUpdater, OneVersion, Operation, Owned, Request,
    ResetFields, ScaleFields, UpdateError, Updater, Versions,
};
pub use path::{KeyFields, Path, PathElement};
pub use pattern::{Filter, Pattern, PatternElement};
pub use set::Set;
pub use typed::{Comparison, Duplicates, ListKeys, Problem, TypedError};
pub use value::{MAX_DEPTH, compare_values, equal_values};
