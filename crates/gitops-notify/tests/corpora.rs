//! Holds the crate against corpora that others wrote, read in place from `GITOPS_CORPORA`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "it/sink.rs"]
mod sink;

mod corpora {
    pub(super) mod alerts;
    pub(super) mod providers;
    pub(super) mod receivers;
    pub(super) mod redact;
    pub(super) mod runner;
}

use corpora::runner::run;

#[test]
fn alerts() {
    run("alerts", |_| None, corpora::alerts::judge);
}

#[test]
fn events_masktoken() {
    run("events-masktoken", |_| None, corpora::redact::judge);
}

#[test]
fn providers() {
    run("providers", corpora::providers::to_come, corpora::providers::judge);
}

#[test]
fn receivers() {
    run("receivers", corpora::receivers::to_come, corpora::receivers::judge);
}
