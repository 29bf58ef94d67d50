//! An origin becomes a verified, content-addressed artifact.
//!
//! - [`git`] finds the commit of a branch, a tag or a range of versions and fetches its tree.
//! - [`oci`] lists the tags of a repository of images and says which content a tag stands for.
//! - [`ignore`] says which files of a tree stay out.
//! - [`artifact`] packs a tree into an archive (the same tree gives the same bytes), stores it, serves it over HTTP,
//!   and gives it back verified and unpacked.
//!
//! Nothing here knows a Kubernetes client: credentials and options go in, values and [`SourceError`]s come out.

pub mod artifact;
pub mod git;
pub mod ignore;
pub mod oci;

mod connection;
mod error;
mod git_source;
mod network;

pub use error::{Cause, SourceError};
pub use git_source::{GitSource, SourceStore, StoredArtifact};
