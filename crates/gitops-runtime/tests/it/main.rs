//! The conventions of a controller on a real API server.
#![allow(clippy::unwrap_used, clippy::panic)] // a test ends where something is not as it must be

mod events;
mod informer;
mod lease;
mod status;
