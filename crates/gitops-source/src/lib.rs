//! An origin becomes a verified, content-addressed artifact.

pub mod artifact;
pub mod git;
pub mod ignore;

mod error;

pub use error::{Cause, SourceError};
