//! The history of reconciliations.

use gitops_api::{HISTORY_LIMIT, Snapshot, Time, k8s_openapi::jiff::Timestamp, record_snapshot};

/// Records a digest with an outcome at so many seconds.
fn record(history: &mut Vec<Snapshot>, digest: &str, status: &str, seconds: i64) {
    let snapshot = Snapshot {
        digest: digest.to_owned(),
        last_reconciled: Time(Timestamp::from_second(seconds).unwrap()),
        last_reconciled_status: status.to_owned(),
        ..Snapshot::default()
    };
    record_snapshot(history, snapshot);
}

fn check(history: &[Snapshot], want: &[(&str, &str, i64, i64, i64)]) {
    let got: Vec<_> = history
        .iter()
        .map(|s| {
            let (first, last) = (s.first_reconciled.0.as_second(), s.last_reconciled.0.as_second());
            (s.digest.as_str(), s.last_reconciled_status.as_str(), s.total_reconciliations, first, last)
        })
        .collect();
    assert_eq!(got, want);
}

#[test]
fn the_same_digest_and_outcome_are_counted() {
    let mut history = Vec::new();
    record(&mut history, "a", "ReconciliationSucceeded", 1);
    record(&mut history, "a", "ReconciliationSucceeded", 2);
    check(&history, &[("a", "ReconciliationSucceeded", 2, 1, 2)]);
}

#[test]
fn another_digest_or_outcome_stands_first() {
    let mut history = Vec::new();
    record(&mut history, "a", "ReconciliationSucceeded", 1);
    record(&mut history, "b", "HealthCheckFailed", 2);
    record(&mut history, "b", "ReconciliationSucceeded", 3);
    record(&mut history, "a", "ReconciliationSucceeded", 4);
    check(
        &history,
        &[
            ("a", "ReconciliationSucceeded", 2, 1, 4),
            ("b", "ReconciliationSucceeded", 1, 3, 3),
            ("b", "HealthCheckFailed", 1, 2, 2),
        ],
    );
}

#[test]
fn the_oldest_snapshots_are_dropped() {
    let mut history = Vec::new();
    for (index, digest) in ["a", "b", "c", "d", "e", "f", "g"].iter().enumerate() {
        record(&mut history, digest, "ReconciliationSucceeded", index as i64);
    }
    let digests: Vec<_> = history.iter().map(|s| s.digest.as_str()).collect();
    assert_eq!(digests, ["g", "f", "e", "d", "c"]);
    assert_eq!(digests.len(), HISTORY_LIMIT);
}
