//! Tests of the counterparts themselves.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod cluster;
mod control_plane;
mod event_sink;
mod killed;
mod layout;
mod one_suite;
mod pod_simulator;
