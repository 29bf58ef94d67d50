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
