//! Tests of the counterparts themselves.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod control_plane;
mod event_sink;
mod killed;
mod layout;
mod pod_simulator;
