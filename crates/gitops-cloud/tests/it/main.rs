//! Calls to services that answer as their documentation says: what is asked, what is taken, and what is told of a failure.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod aws;
mod azure;
mod failures;
mod gcp;
mod server;
mod vault;

/// What is decrypted everywhere, and its base64.
const PLAIN: &[u8] = b"0123456789abcdef0123456789abcdef";
const PLAIN_BASE64: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
