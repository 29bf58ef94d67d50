//! The chosen images written into files: markers, edits, diffs.
//!
//! A marker is a comment behind a scalar, or the one comment before it, that is a JSON object of texts with the key
//! `$imagepolicy`:
//!
//! ```yaml
//! image: ghcr.io/org/app:1.0.0 # {"$imagepolicy": "flux-system:app"}
//! tag: 1.0.0 # {"$imagepolicy": "flux-system:app:tag"}
//! ```
//!
//! # Flow
//! [`marked_files`] walks a tree for files that may hold markers, [`Setters::edit`] reads them and collects what is to
//! change, and [`Edits`] are the result: they print as a unified diff and hold the new content of each file. Nothing is
//! written.
//!
//! # Guarantees
//! - Only the bytes of marked scalars change: comments, blank lines, quoting, line ends and everything else stay.
//! - After an edit the file reads as before, but for the marked values; where that would not be so, the file is left
//!   alone and named among [`Edits::skipped`].
//! - Edits are idempotent: files to which they were applied need none.
//!
//! # Difference from Flux
//! Flux prints a changed file anew, which loses blank lines and line ends, and moves comments. It says nothing of files
//! that it could not read, writes items of a `kind: List` into new files, and leaves dates as tags unquoted.

mod diff;
mod edit;
mod files;
mod head;
mod marker;
mod object;
mod policies;
mod record;
mod scalar;

pub use edit::{Edit, Edits, FileEdit, Skipped, UnknownMarker};
pub use files::{EditLimits, MARKER_TOKEN, marked_files};
pub use marker::{Marker, Part};
pub use object::ObjectName;
pub use policies::Setters;
pub use record::{Change, Record, changes_by_object, distinct_changes};
