//! Tests of the crate.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod deep;
mod laws;
mod objects;
mod random;
