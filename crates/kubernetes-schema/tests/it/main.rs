//! Tests of the table.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod live;
mod table;
