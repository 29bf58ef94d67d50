//! Flux's sources, `source.toolkit.fluxcd.io/v1`.

mod git_repository;

pub use git_repository::{
    GitProvider, GitRepository, GitRepositoryInclude, GitRepositoryRef, GitRepositorySpec,
    GitRepositoryStatus, GitRepositoryVerification, GitVerificationMode,
};

/// The API group of the sources.
pub const GROUP: &str = "source.toolkit.fluxcd.io";
