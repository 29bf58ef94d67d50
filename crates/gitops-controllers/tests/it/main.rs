//! The reconcilers on a real API server with real Git.
#![allow(clippy::unwrap_used, clippy::panic)] // a test ends where something is not as it must be

mod bad_input;
mod first_reconcile;
mod images;
mod notification;
mod outage;
mod rig;
