//! What is garbage, by table.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use gitops_source::artifact::{Retention, StoredFile};

/// Files by name and age in seconds; retention as in Flux: 60 seconds, 2 records.
fn check(files: &[(&str, u64)], advertised: &[&str], want: &[&str]) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let stored: Vec<StoredFile> = files
        .iter()
        .map(|(name, age)| StoredFile { modified: now - Duration::from_secs(*age), name: (*name).to_owned() })
        .collect();
    let advertised: BTreeSet<String> = advertised.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(Retention::default().garbage(&stored, &advertised, now), want, "{files:?}");
}

#[test]
fn old_files_go_and_then_the_oldest_until_two_remain() {
    check(&[], &[], &[]);
    check(&[("a", 5)], &["a"], &[]);
    check(&[("a", 500)], &["a"], &[]);
    check(&[("a", 61), ("b", 5)], &["b"], &["a"]);
    check(&[("a", 60), ("b", 5)], &["b"], &[]);
    check(&[("a", 30), ("b", 20), ("c", 10)], &["c"], &["a"]);
    check(&[("a", 100), ("b", 90), ("c", 20), ("d", 10), ("e", 5)], &["e"], &["a", "b", "c"]);
}

#[test]
fn the_advertised_file_stays_however_old_it_is() {
    check(&[("a", 1000), ("b", 30), ("c", 20)], &["a"], &["b"]);
    check(&[("a", 1000), ("b", 900), ("c", 800)], &["a"], &["b", "c"]);
    check(&[("a", 30), ("b", 20), ("c", 10)], &["a", "b", "c"], &[]);
}

#[test]
fn files_of_the_same_time_are_told_apart() {
    check(&[("a", 10), ("b", 10), ("c", 10), ("d", 10)], &["a"], &["b", "c"]);
}

#[test]
fn a_file_from_the_future_is_young() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
    let files = [StoredFile { modified: now + Duration::from_secs(1000), name: "a".to_owned() }];
    assert!(Retention::default().garbage(&files, &BTreeSet::new(), now).is_empty());
}
