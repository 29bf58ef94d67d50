//! What the crate promises, against real HTTP and real signatures.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod addresses;
mod dispatch;
mod event_endpoint;
mod hostile;
mod leaks;
mod payload;
mod rate_limit;
mod receive;
mod redact;
mod routes;
mod services;
mod setup;
mod signatures;
mod sink;
mod tls;
