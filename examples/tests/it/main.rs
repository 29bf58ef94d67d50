//! The examples do what they say.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod build;
mod controllers;
mod deploy;
mod embed;
mod image_update;
mod programs;
mod quickstart;
mod sandbox;
