//! The Flux-compatible reconcilers: one a kind, each a short composition of the other crates, embeddable in any binary.
//!
//! A commit's way through them, in the order of the table in `ARCHITECTURE.md`: [`git_repository`] resolves, fetches, packs
//! and stores; [`kustomization`] pulls, builds, plans, claims, executes, checks health, prunes and commits. Both end in one
//! report: conditions, events, and when to come again. [`image_repository`] scans, [`image_policy`] decides; [`alert`],
//! [`provider`] and [`receiver`] are the notification part. [`Controllers`] runs them.

pub mod alert;
mod context;
pub mod git_repository;
pub mod image_policy;
pub mod image_repository;
pub mod kustomization;
mod notification;
pub mod provider;
pub mod receiver;
mod record;
mod report;
mod secrets;
mod serve;

pub use context::{ControllerOptions, Shared};
pub use serve::{Controllers, Kind};
