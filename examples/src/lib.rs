//! The programs stand beside this file, one folder each. What they share is here: [`cluster`] is where
//! they work, [`ending`] when they stop, [`explain`] how they tell what went wrong, [`kinds`] what they serve.
//!
//! - `quickstart`: one commit's way from Git into a cluster, shown in eight acts.
//! - `embed`: GitOps inside a program of your own.
//! - `image-update`: which newer images a registry has for the manifests of a folder, and the diff that brings them.
//! - `build`: renders a directory or an archive, offline.
//! - `controllers`: the reconcilers as one binary, with Flux's flags; `crds` prints the definitions of their kinds.
//! - `sandbox`: a Kubernetes API server in the process, for kubectl, flux and every other client.
//!
//! What follows is the README, so that its code is compiled by the tests.
#![doc = include_str!("../../README.md")]

pub mod cluster;
pub mod ending;
pub mod explain;
pub mod kinds;
