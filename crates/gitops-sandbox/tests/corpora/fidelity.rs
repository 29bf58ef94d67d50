//! The table of what is equal to a real server, generated from the tests into `FIDELITY.md`.
//!
//! `GITOPS_RECORD=fidelity` writes the file anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gitops_sandbox::UNMODELLED;

use crate::player::Outcome;
use crate::reviewed;

/// Checks the file, or writes it.
pub(crate) fn check(outcome: &Outcome) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FIDELITY.md");
    let page = page(outcome);
    if std::env::var("GITOPS_RECORD").is_ok_and(|what| what == "fidelity") {
        return std::fs::write(path, page).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    if there != page && scripts(&there) != scripts(&page) && !there.is_empty() {
        println!("FIDELITY.md is of another corpus; not compared");
        return;
    }
    let command = "GITOPS_RECORD=fidelity cargo test -p gitops-sandbox --test corpora";
    assert_eq!(there, page, "FIDELITY.md is stale; write it anew with `{command}`");
}

/// Returns how many scripts each area has in a page: that tells one corpus from another.
fn scripts(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.split(" | ").collect::<Vec<_>>())
        .filter(|cells| cells.len() == 3)
        .map(|cells| vec![cells[0], cells[2]])
        .collect()
}

fn page(outcome: &Outcome) -> String {
    let mut page = String::from(
        "# Fidelity\n\n\
         Generated from the tests; one of them fails when this page is stale.\n\n\
         ## Recorded requests\n\n\
         A real kube-apiserver 1.35.4 (and, where an area needs it, a kube-controller-manager) was asked these scripts of \
         requests. A script is equal when all status codes, reasons, causes, objects with their managed fields, events of \
         watches and content types are.\n\n\
         | area | equal | scripts |\n|---|---|---|\n",
    );
    let (mut scripts, mut equal) = (0, 0);
    for (area, tally) in &outcome.areas {
        let _ = writeln!(page, "| `{area}` | {} | {} |", tally.equal, tally.scripts);
        scripts += tally.scripts;
        equal += tally.equal;
    }
    let _ = writeln!(page, "| all | {equal} | {scripts} |");
    page += "\n### Known differences\n\n";
    page += if outcome.failed.is_empty() { "None.\n" } else { "| script | why |\n|---|---|\n" };
    for id in &outcome.failed {
        let _ = writeln!(page, "| `{id}` | {} |", reviewed::reason(id).unwrap_or("not reviewed"));
    }
    page += "\n## kubectl\n\n\
             Everyday commands of kubectl, with what they print and their exit code on a real server \
             (`tests/kubectl`).\n\n| commands | equal | of |\n|---|---|---|\n";
    let mut differences = String::new();
    let (mut all, mut differ) = (0, 0);
    for file in transcripts() {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let commands = text.lines().filter(|line| line.starts_with("$ ")).count();
        let mut command = "";
        let mut here = 0;
        for line in text.lines() {
            if let Some(next) = line.strip_prefix("$ ") {
                command = next;
            } else if let Some(reason) = line.strip_prefix("! sandbox: ") {
                here += 1;
                let short: String = command.replace('|', "\\|").chars().take(80).collect();
                let _ = writeln!(differences, "| `{}` | {reason} |", short.replace('`', "'"));
            }
        }
        let _ = writeln!(page, "| {name} | {} | {commands} |", commands - here);
        all += commands;
        differ += here;
    }
    let _ = writeln!(page, "| all | {} | {all} |\n", all - differ);
    let _ = write!(page, "| differs | why |\n|---|---|\n{differences}");
    page += "\n## Not modelled\n\n\
             Nothing runs: there is no scheduler, no kubelet and no network, and Services have no endpoints. The objects of all of these \
             are kept, watched, validated and defaulted; what a cluster does because of them is missing. A request that \
             asks for it is logged, counted, and refused in strict mode.\n\n| what | instead |\n|---|---|\n";
    for row in UNMODELLED {
        let _ = writeln!(page, "| {} | {} |", row.what, row.instead);
    }
    page
}

fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
