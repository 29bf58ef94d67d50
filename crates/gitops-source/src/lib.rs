//! An origin becomes a verified, content-addressed artifact.

pub mod git;

mod error;

pub use error::{Cause, SourceError};
