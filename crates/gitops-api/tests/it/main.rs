//! Tests of the crate's public face.
#![allow(clippy::unwrap_used, clippy::panic)]

mod durations;
mod history;
mod identity;
mod lenient;
mod printed_definitions;
mod real_server;
