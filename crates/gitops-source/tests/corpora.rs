//! Holds the crate against corpora that others wrote, read in place from `GITOPS_CORPORA`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod corpora {
    pub(super) mod ignore_rules;
    pub(super) mod runner;
    pub(super) mod tar_archives;
}

use corpora::runner::run;

#[test]
fn sourceignore() {
    run("sourceignore", &[], corpora::ignore_rules::judge);
}

#[test]
fn tar() {
    run("tar", &[], corpora::tar_archives::judge);
}
