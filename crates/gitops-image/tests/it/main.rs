//! The crate from outside: what is decided, what is edited, and what strangers' bytes cannot do.
#![allow(clippy::unwrap_used, clippy::panic)]

mod decisions;
mod edits;
mod hostile;
mod markers;
mod properties;
mod reasons;
