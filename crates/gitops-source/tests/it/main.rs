//! Sources: artifacts, ignore rules, Git, registries.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod artifact;
mod git;
mod git_source;
mod ignore_rules;
mod oci;
