//! One commit on its way: Git → artifact → manifests → plan → cluster → health → prune → status → event; then what starts it,
//! who hears of it, and how a newer image is found.
//!
//! Read it in this order: `play` is the story, `setup` and `fleet` are its scenery, `acts` are its eight parts; `watch`
//! asks the API and `show` draws; `chat`, `hook` and `registry` stand for the world outside. `cargo run --example quickstart -- --keep` leaves everything running to look around in.

#![allow(clippy::print_stdout)] // a program talks to its user

mod acts;
mod chat;
mod cluster;
mod controllers;
mod failure;
mod feed;
mod flags;
mod fleet;
mod hook;
mod paint;
mod play;
mod registry;
mod setup;
mod show;
mod watch;
mod world;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    let flags = flags::Flags::parse();
    if flags.verbose {
        gitops_runtime::logging::start("info");
    }
    // Two crates could each bring a TLS of their own; a second call finds this one installed, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let show = show::Show::new();
    match play::play(&flags, &show).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            show.failed(&failure);
            ExitCode::FAILURE
        }
    }
}
