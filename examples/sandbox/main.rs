//! A Kubernetes API in one process, for kubectl, flux and every other client: see `--help`.
//!
//! ```console
//! $ cargo run --example sandbox
//! $ cargo run --example sandbox -- --listen 127.0.0.1:6443 --state ./sandbox.json
//! ```

#![allow(clippy::print_stderr)] // a program talks to its user

mod flags;
mod run;

use std::process::ExitCode;

use clap::Parser;
use gitops_examples::explain::explain;

#[tokio::main]
async fn main() -> ExitCode {
    let flags = flags::Flags::parse();
    gitops_runtime::logging::start("warn");
    match run::run(&flags).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", explain(&*error));
            ExitCode::FAILURE
        }
    }
}
