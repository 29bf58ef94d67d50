//! Tests of the crate as its users see it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod beside;
mod errors;
mod hostile;
mod lists;
mod objects;
mod oracle;
mod properties;
mod spans;
mod trees;
mod usual;
