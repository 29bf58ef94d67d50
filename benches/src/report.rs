//! The lines that a measurement prints.
#![allow(clippy::print_stdout, reason = "a measurement prints")]

use std::time::Duration;

/// Prints how many times faster we are than the peer, and how many times we want to be.
pub fn print_ratio(name: &str, ours: Duration, peer: Duration, want: f64) {
    let ratio = peer.as_secs_f64() / ours.as_secs_f64();
    let verdict = if ratio < want { " MISSED" } else { "" };
    println!("bench {name}: ours {ours:.1?} peer {peer:.1?} ratio {ratio:.2} (want ≥{want}){verdict}");
}

/// Prints how many times faster we are than the peer, where nothing is promised.
pub fn print_times(name: &str, ours: Duration, peer: Duration) {
    let ratio = peer.as_secs_f64() / ours.as_secs_f64();
    println!("bench {name}: ours {ours:.1?} peer {peer:.1?} ratio {ratio:.2}");
}

/// Prints how many of something we need and the peer needs.
pub fn print_counts(name: &str, what: &str, ours: usize, peer: usize) {
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let ratio = peer as f64 / ours as f64;
    println!("bench {name}: ours {ours} {what} peer {peer} {what} ratio {ratio:.2}");
}

/// Prints how many times less of something we need, and how many times less we want to need.
pub fn print_bound(name: &str, what: &str, ours: u64, peer: u64, want: f64) {
    #[allow(clippy::cast_precision_loss, reason = "some millions")]
    let ratio = peer as f64 / ours as f64;
    let verdict = if ratio < want { " MISSED" } else { "" };
    println!("bench {name}: ours {ours} {what} peer {peer} {what} ratio {ratio:.1} (want ≥{want}){verdict}");
}

/// Prints a number of ours that shall be no larger than a limit, beside the peer's.
pub fn print_at_most(name: &str, what: &str, ours: f64, peer: Option<f64>, most: Option<f64>) {
    let want = most.map(|most| format!(" (want ≤{most} {what})"));
    let missed = most.is_some_and(|most| ours > most);
    print_number(name, what, ours, peer, peer.map(|peer| peer / ours), want, missed);
}

/// Prints a number of ours that shall be no smaller than a limit, beside the peer's.
pub fn print_at_least(name: &str, what: &str, ours: f64, peer: Option<f64>, least: Option<f64>) {
    let want = least.map(|least| format!(" (want ≥{least} {what})"));
    let missed = least.is_some_and(|least| ours < least);
    print_number(name, what, ours, peer, peer.map(|peer| ours / peer), want, missed);
}

fn print_number(
    name: &str,
    what: &str,
    ours: f64,
    peer: Option<f64>,
    ratio: Option<f64>,
    want: Option<String>,
    missed: bool,
) {
    let peer = peer.map(|peer| format!(" peer {peer:.1} {what}")).unwrap_or_default();
    let ratio = ratio.map(|ratio| format!(" ratio {ratio:.1}")).unwrap_or_default();
    let verdict = if missed { " MISSED" } else { "" };
    println!("bench {name}: ours {ours:.1} {what}{peer}{ratio}{}{verdict}", want.unwrap_or_default());
}
