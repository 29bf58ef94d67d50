//! Newer images for the manifests of a folder: scan the registry, decide, and show the diff. No cluster is needed.
//!
//! The folder is a checkout of a GitOps repository: the ImageRepositories and ImagePolicies in it say what is looked for,
//! and comments like `# {"$imagepolicy": "flux-system:app"}` where it is written. Nothing is written.
//!
//! ```console
//! $ cargo run --example image-update -- --registry localhost:5000 --plain-http --repo ./fleet
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

pub(crate) mod flags;
pub(crate) mod fleet;
mod scan;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use gitops_api::image_v1::ImageRef;
use gitops_image::{Policy, Setters};
use gitops_source::artifact::LinklessFolder;

#[tokio::main]
async fn main() -> ExitCode {
    match run(flags::Flags::parse()).await {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the decisions and the diff.
pub(crate) async fn run(flags: flags::Flags) -> Result<String, Box<dyn Error>> {
    let tree = LinklessFolder::open(&flags.repo)?;
    let fleet = fleet::read(&tree)?;
    let scans = scan::scan(&fleet.repositories, &flags).await?;

    let mut out = String::new();
    let mut setters = Setters::new();
    for policy in &fleet.policies {
        let Some((image, report)) = scans.get(&policy.repository) else {
            return Err(format!(
                "policy {} refers to the unknown repository {}",
                policy.name, policy.repository
            )
            .into());
        };
        let rule = Policy::new(&policy.spec)?;
        let decision = rule.decide(&report.tags);
        out.push_str(&format!("{} {image}: {}", policy.name, decision.listing(flags.list)));
        if let Ok(tag) = decision.latest() {
            let latest = ImageRef { name: image.clone(), tag: tag.to_owned(), digest: None };
            setters = setters.with(&policy.name.namespace, &policy.name.name, latest)?;
        }
    }

    let edits = setters.edit(&tree, &flags.path)?;
    for skipped in &edits.skipped {
        out.push_str(&format!("left alone: {}: {}\n", skipped.path, skipped.reason));
    }
    for unknown in &edits.unknown {
        out.push_str(&format!(
            "left alone: {}:{}: no image for {}\n",
            unknown.path, unknown.line, unknown.marker
        ));
    }
    let changed = edits.files.iter().map(|file| file.edits().len()).sum::<usize>();
    out.push_str(&format!("{changed} values change in {} files\n{edits}", edits.files.len()));
    Ok(out)
}
