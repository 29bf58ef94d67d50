//! The engine against a real API server.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod bad_input;
mod faults;
mod flux_form;
mod ground;
mod health;
mod inventory;
mod lost_calls;
mod ownership;
mod plan;
mod prune;
mod random;
mod stages;
