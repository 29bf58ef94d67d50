//! The controllers as one program, with Flux's flags: see `--help`.

#![allow(clippy::print_stderr)] // a program talks to its user

mod flags;
mod run;
mod setup;

use std::process::ExitCode;

use clap::Parser;
use gitops_examples::explain::explain;

#[tokio::main]
async fn main() -> ExitCode {
    let flags = flags::Flags::parse();
    gitops_runtime::logging::start(&flags.log_level);
    match run::run(flags).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", explain(&*error));
            ExitCode::FAILURE
        }
    }
}
