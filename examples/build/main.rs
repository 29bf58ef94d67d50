//! Renders a directory or an archive as `kustomize build` or `flux build kustomization` do, without network or cluster.
//!
//! ```console
//! $ cargo run --example build -- clusters/prod                     # as kustomize build
//! $ cargo run --example build -- artifact.tar.gz --path apps/prod  # an archive, never written to disk
//! $ cargo run --example build -- apps/prod --as flux --kustomization-file clusters/prod/apps.yaml --var region=eu
//! $ cargo run --example build -- apps/prod --explain               # which file and transformer set each field
//! ```
//!
//! Standard output gets the manifests and nothing else; what went wrong goes to standard error, with file, line, field
//! and what to do.

#![allow(clippy::print_stderr)] // a program talks to its user

mod flags;
mod flux;
mod input;
mod render;
mod variables;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

pub(crate) use self::flags::Flags;
pub(crate) use self::render::render;

fn main() -> ExitCode {
    match render(&Flags::parse()) {
        // A reader that has seen enough closes the pipe; that is no failure.
        Ok(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
