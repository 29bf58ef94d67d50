//! Whether a repository is to be scanned now. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use gitops_api::image_v1::ImageRepository;
use gitops_image::ExclusionList;
use gitops_runtime::conditions::is_true;
use gitops_runtime::trigger::requested_at;
use jiff::Timestamp;

/// Whether a repository is to be scanned now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// For this reason, in Flux's words.
    Now(&'static str),
    /// After this time.
    In(Duration),
}

/// An interval with less than this left has passed.
const NEARLY: Duration = Duration::from_secs(1);

/// Says whether a repository is to be scanned; `are_stored` tells whether its tags are there.
///
/// Source: image-reflector-controller `shouldScan`.
///
/// # Difference from Flux
/// A repository whose last scan failed is scanned, also when the interval since the one before has not passed.
pub(super) fn due(
    object: &ImageRepository,
    canonical: &str,
    exclusions: &ExclusionList,
    are_stored: bool,
    interval: Duration,
    now: Timestamp,
) -> Due {
    let status = object.status.clone().unwrap_or_default();
    let Some(scanned) = status.last_scan_result.and_then(|result| result.scan_time) else {
        return Due::Now("first scan");
    };
    if requested_at(object).is_some_and(|token| status.last_handled_reconcile_at.as_deref() != Some(token)) {
        return Due::Now("reconcile requested");
    }
    if status.canonical_image_name.as_deref() != Some(canonical) {
        return Due::Now("new image name");
    }
    let observed: BTreeSet<&str> = status.observed_exclusion_list.iter().map(String::as_str).collect();
    if observed != exclusions.patterns().collect() {
        return Due::Now("exclusion list update");
    }
    if !are_stored {
        return Due::Now("no tags in database");
    }
    if !is_true(&status.conditions, gitops_api::conditions::READY) {
        return Due::Now("last scan failed");
    }
    let passed = Duration::try_from(now.duration_since(scanned.0)).unwrap_or_default();
    match interval.checked_sub(passed) {
        Some(left) if left >= NEARLY => Due::In(left),
        _ => Due::Now("triggered by interval"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(change: Value, are_stored: bool, want: Due) {
        let mut object = json!({
            "metadata": {"name": "app", "annotations": {"reconcile.fluxcd.io/requestedAt": "a"}},
            "spec": {"image": "example.org/app", "interval": "1m"},
            "status": {
                "canonicalImageName": "example.org/app", "observedExclusionList": ["^.*\\.sig$"],
                "lastHandledReconcileAt": "a",
                "lastScanResult": {"tagCount": 1, "scanTime": "2026-01-01T00:00:00Z"},
                "conditions": [{"type": "Ready", "status": "True", "reason": "x", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            },
        });
        json_patch::merge(&mut object, &change);
        let object: ImageRepository = serde_json::from_value(object).unwrap();
        let exclusions = ExclusionList::of(object.spec.exclusion_list.as_deref()).unwrap();
        let now = "2026-01-01T00:00:20Z".parse().unwrap();
        let minute = Duration::from_secs(60);
        let canonical = object.spec.image.clone();
        assert_eq!(due(&object, &canonical, &exclusions, are_stored, minute, now), want, "{change}");
    }

    #[test]
    fn a_scan_is_due_when_something_asks_for_it() {
        check(json!({}), true, Due::In(Duration::from_secs(40)));
        check(json!({"status": {"lastScanResult": null}}), true, Due::Now("first scan"));
        check(json!({"status": {"lastHandledReconcileAt": "b"}}), true, Due::Now("reconcile requested"));
        check(json!({"spec": {"image": "example.org/other"}}), true, Due::Now("new image name"));
        check(json!({"spec": {"exclusionList": ["a", "b"]}}), true, Due::Now("exclusion list update"));
        let same =
            json!({"spec": {"exclusionList": ["a", "b"]}, "status": {"observedExclusionList": ["b", "a"]}});
        check(same, true, Due::In(Duration::from_secs(40)));
        check(json!({}), false, Due::Now("no tags in database"));
        check(json!({"status": {"conditions": null}}), true, Due::Now("last scan failed"));
        let scanned = |at: &str| json!({"status": {"lastScanResult": {"scanTime": at}}});
        check(scanned("2025-12-31T23:59:20Z"), true, Due::Now("triggered by interval"));
        check(scanned("2025-12-31T23:59:20.9Z"), true, Due::Now("triggered by interval"));
        check(scanned("2026-01-01T00:01:00Z"), true, Due::In(Duration::from_secs(60)));
    }
}
